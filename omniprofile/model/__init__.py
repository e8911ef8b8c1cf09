"""The nouns: plain immutable values with no input or output. Layer: above `errors` only."""
