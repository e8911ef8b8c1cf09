"""From declarations to credentials: overrides, key sources, secret stores, and the resolver."""
