"""What a profile file may hold, as pydantic's models: values, tables, the JSON Schema, and what is wrong in a document."""
