"""Conversion of results to text. Nothing here makes decisions."""
