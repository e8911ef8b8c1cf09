"""From TOML files to declarations: the files' paths, their content, and the current profile."""
