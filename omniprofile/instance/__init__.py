"""Talking to an Omni instance."""
