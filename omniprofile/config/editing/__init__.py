"""Changing the profile files: a draft in memory, replacing its files together, and a journal of interrupted commands."""
