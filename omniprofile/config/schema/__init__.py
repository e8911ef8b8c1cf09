"""The schema of a profile file as pydantic models: values, tables, the JSON Schema, and violations in a document."""
