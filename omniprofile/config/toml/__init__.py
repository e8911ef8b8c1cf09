"""The text of one TOML file: parsing it, with the places of its keys and values, and editing it without other changes."""
