"""An embedded stand-in for an Omni instance on loopback. Only `demo` and the tests import it."""
