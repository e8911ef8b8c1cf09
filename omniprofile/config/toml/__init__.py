"""The text of one TOML file: parsed, with the places of its keys and values, and edited without a change elsewhere."""
