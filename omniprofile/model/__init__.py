"""The domain's values: plain and immutable, without input or output. Layer: above `errors` only."""
