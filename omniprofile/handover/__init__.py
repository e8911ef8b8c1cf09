"""Credentials to consumers: variables, shells' quoting, and child processes."""
