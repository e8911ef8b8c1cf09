"""A server on both loopback addresses, IPv4 and IPv6, on the same port."""

import errno
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from omniprofile.errors import OperationFailed
from omniprofile.system.files import reason
from omniprofile.system.threads import SLICE_SECONDS

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from contextlib import AbstractAsyncContextManager

    from omniprofile.system.loopback_clients import Handle

    Serving = Callable[[], AbstractAsyncContextManager[Handle]]

_ATTEMPTS = 30
_BACKLOG = 1024
"""How many connections may wait to be accepted."""
_ACCEPTED = 16
"""How many connections asyncio accepts at once; before the next batch, the oldest unidentified clients can be disconnected."""
_END_SECONDS = 1.0
_STOP_SECONDS = 5.0


class LoopbackServer:
    """Answers connections to one loopback port in its own thread. Knows no protocol.

    Binds the port at once (0 for any free one); the thread imports and starts asyncio while the caller continues. Raises
    OperationFailed, as `listen` does.
    """

    def __init__(self, port: int, what: str) -> None:
        self._sockets = listen(port, what)
        host, self.port = self._sockets[0].getsockname()[:2]
        self.base_url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.hosts = loopback_hosts(self.port)
        self._thread: Thread | None = None
        self._over = Event()
        """Set when the thread ends. Not `Thread.join`: if a signal interrupts it, Python 3.11 considers the thread ended."""
        self._stop: Callable[[], object] | None = None
        self._ended, self._grace = False, 0.0

    def start(self, serving: "Serving", *, gone_seconds: float) -> None:
        """Answer each connection with the handler that `serving` yields, for as long as the server runs.

        If a client closes its sending side, its handler is cancelled after `gone_seconds`.
        """
        self._thread = Thread(target=self._run, args=(serving, gone_seconds), name="omniprofile-loopback", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the server stops or a signal interrupts the wait."""
        while self._thread is not None and not self._over.wait(SLICE_SECONDS):
            pass

    def close(self, grace: float = 0.0) -> bool:
        """Stop listening and cancel all handlers, those of known clients after `grace` seconds; tell whether it was started."""
        self._ended, self._grace = True, grace
        if self._thread is not None and self._stop is not None:  # otherwise it has not started, and will not
            with suppress(RuntimeError):  # its loop has already ended
                self._stop()
            self._over.wait(grace + _STOP_SECONDS)
        self._close()  # not earlier: until then the loop uses the sockets
        return self._thread is not None

    def _close(self) -> None:
        for listening in self._sockets:
            listening.close()

    def _run(self, serving: "Serving", gone_seconds: float) -> None:
        import asyncio

        try:
            # Windows' default loop stops listening once a client resets its connection too early.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve(serving, gone_seconds))
        finally:
            self._close()  # whatever the reason, new clients are refused now instead of left waiting
            self._over.set()

    async def _serve(self, serving: "Serving", gone_seconds: float) -> None:
        import asyncio

        from omniprofile.system.loopback_clients import Client, Clients

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_not_of_clients)
        async with serving() as handle:
            stopped = asyncio.Event()
            self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
            if self._ended:
                return
            clients = Clients(handle, gone_seconds)
            servers = [
                await loop.create_server(lambda: Client(clients), sock=listening, backlog=_ACCEPTED)
                for listening in self._sockets
            ]
            for listening in self._sockets:
                with suppress(OSError):  # already closed: the server has ended
                    listening.listen(_BACKLOG)
            await stopped.wait()
            for server in servers:
                server.close()
            if self._grace and (known := clients.tasks(known=True)):
                await asyncio.wait(known, timeout=self._grace)
            if ending := clients.tasks():
                for task in ending:
                    task.cancel()
                await asyncio.wait(ending, timeout=_END_SECONDS)  # each may have to close its own connection


def loopback_hosts(port: int) -> frozenset[str]:
    """Return the accepted values of `Host`. Any other may be DNS rebinding: a foreign name pointed at loopback.

    Clients leave out port 80, the default (RFC 9110, section 4.2.1).
    """
    names = ("127.0.0.1", "localhost", "[::1]")
    return frozenset(f"{name}:{port}" for name in names).union(names if port == 80 else ())


def listen(port: int, what: str) -> list[socket.socket]:
    """Return sockets listening on one port of both loopback addresses, or of the only one there is. `port` 0 takes a free one.

    Raises OperationFailed: `what`, such as "the login", cannot start.
    """
    why = "no free port was found on the loopback addresses"
    for _ in range(_ATTEMPTS):
        first = None
        try:
            first = _bound(socket.AF_INET, "127.0.0.1", port)
            second = _bound(socket.AF_INET6, "::1", first.getsockname()[1] if first else port)
        except OSError as problem:  # port taken, no descriptor left, or no permission
            if first is not None:
                first.close()
            if problem.errno == errno.EADDRINUSE and not port:
                continue
            why = f"port {port} of the loopback addresses is in use"
            if problem.errno != errno.EADDRINUSE:
                why = f"the loopback addresses cannot be listened on: {reason(problem)}"
            break
        found = [listening for listening in (first, second) if listening is not None]
        if found:
            return found
        break
    hint = "give another port" if port else "check whether something keeps programs from listening on loopback"
    raise OperationFailed(f"{what} cannot start: {why}", hint=hint)


def _bound(family: int, address: str, port: int) -> socket.socket | None:
    """Return a listening socket, or None if this machine lacks the address. Raises OSError if the port is taken."""
    listening = None
    try:
        # Name the protocol: asyncio sends small pieces at once (TCP_NODELAY) only if it is given.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if sys.platform == "win32":
            # Without this option, Windows lets another program listen on the same port.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif port:
            # Allow a fixed port while connections of an earlier login are still in TIME_WAIT.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(128)
    except OSError as problem:
        if listening is not None:
            listening.close()
        if problem.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
            return None
        raise
    return listening


def _not_of_clients(loop: "AbstractEventLoop", context: dict[str, object]) -> None:
    """Report an error through the loop's default handler, unless a client merely reset its connection before it was handled."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)
