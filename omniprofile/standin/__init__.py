"""An embedded stand-in of an Omni instance on loopback, for `demo` and tests. Imported by nothing else."""
