"""Changing the profile files: a draft in memory, its files replaced together, and a note of what was interrupted."""
