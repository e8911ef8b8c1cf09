"""TOML files to declarations: where the files are, what they say, which profile is chosen."""
