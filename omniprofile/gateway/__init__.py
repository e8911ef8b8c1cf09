"""The gateway: a loopback address for programs that may use a credential and not have it."""
