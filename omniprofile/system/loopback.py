"""Sockets that listen on the loopback addresses of both families, on one port."""

import errno
import socket

_ATTEMPTS = 30


class CannotListen(Exception):
    """No loopback port can be listened on. `str()` says why in a few words."""


def listen(port: int = 0) -> list[socket.socket]:
    """Sockets that listen on one port of both loopback addresses, or of the one there is. `port` is 0 for a free one."""
    for _ in range(_ATTEMPTS):
        first = None
        try:
            first = _bound(socket.AF_INET, "127.0.0.1", port)
            second = _bound(socket.AF_INET6, "::1", first.getsockname()[1] if first else port)
        except OSError as problem:  # it is taken, no descriptor is left, or no right to listen
            if first is not None:
                first.close()
            if port and problem.errno == errno.EADDRINUSE:
                raise CannotListen(f"port {port} of the loopback addresses is in use") from problem
            if problem.errno != errno.EADDRINUSE:
                raise CannotListen(f"the loopback addresses cannot be listened on: {problem.strerror}") from problem
            continue
        found = [listening for listening in (first, second) if listening is not None]
        if found:
            return found
        break
    raise CannotListen("no free port was found on the loopback addresses")


def _bound(family: int, address: str, port: int) -> socket.socket | None:
    """Return a listening socket, or None where this machine has no such address. Raises OSError for a port that is taken."""
    listening = None
    try:
        # The protocol is named because asyncio sends small pieces at once (TCP_NODELAY) only where it is.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if port and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            # A port that was asked for is free though connections of an earlier login are still being forgotten.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Windows lets another program listen on the same port beside us, unless it is told not to.
        if (exclusive := getattr(socket, "SO_EXCLUSIVEADDRUSE", None)) is not None:
            listening.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        listening.bind((address, port))
        listening.listen(128)
    except OSError as problem:
        if listening is not None:
            listening.close()
        if problem.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
            return None
        raise
    return listening
