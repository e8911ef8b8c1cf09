"""The command line, and the only package that prints."""
