"""Handing credentials to consumers: variables, shell quoting, and child processes."""
