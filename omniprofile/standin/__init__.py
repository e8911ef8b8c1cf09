"""An embedded stand-in for an Omni instance on loopback. Only `demo` imports it; `tests/standin.py` builds on it."""
