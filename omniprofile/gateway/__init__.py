"""The gateway: a loopback server that lets programs use a credential without seeing it."""
