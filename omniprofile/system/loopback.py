"""A server on the loopback addresses of both families, on one port."""

import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from omniprofile.errors import OperationFailed

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from omniprofile.system.loopback_clients import Handle

    Serving = Callable[[], AbstractAsyncContextManager[Handle]]

_ATTEMPTS = 30
_BACKLOG = 1024
"""How many connections may wait to be accepted."""
_ACCEPTED = 16
"""How many connections asyncio accepts at once: before it accepts more, the oldest silent ones make room."""
_END_SECONDS = 1.0
_STOP_SECONDS = 5.0
_SLICE_SECONDS = 0.5
"""How long one wait lasts: on Windows a longer one does not see Ctrl-C."""


class LoopbackServer:
    """Answers connections to one port of loopback in a thread of its own. Knows no protocol.

    The port is taken at once, 0 for any; asyncio is imported and begins in the thread, while the caller goes on. Raises
    OperationFailed: `what` cannot start, such as "the login".
    """

    def __init__(self, port: int, what: str) -> None:
        try:
            self._sockets = listen(port)
        except CannotListen as problem:
            hint = "give another port" if port else "check whether something keeps programs from listening on loopback"
            raise OperationFailed(f"{what} cannot start: {problem}", hint=hint) from problem
        host, self.port = self._sockets[0].getsockname()[:2]
        self.base_url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.hosts = frozenset(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]"))
        """What a client may call it in `Host`. Any other name is one that somebody let lead here."""
        self._thread: Thread | None = None
        self._over = Event()
        """Waited for in the thread's place: Python 3.11 takes a thread for ended when a signal breaks a `join` of it off."""
        self._stop: Callable[[], object] | None = None
        self._ended = False
        self._grace = 0.0

    def start(self, serving: "Serving", *, gone_seconds: float) -> None:
        """Answer each connection by what `serving` gives for as long as this server answers.

        What is done for a client that has closed its side goes on for `gone_seconds`.
        """
        self._thread = Thread(target=self._run, args=(serving, gone_seconds), name="omniprofile-loopback", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for as long as it answers, which a signal ends."""
        while self._thread is not None and not self._over.wait(_SLICE_SECONDS):
            pass

    def close(self, grace: float = 0.0) -> bool:
        """Listen no more, and break off what is under way; tell whether it was started. Known clients get `grace` seconds."""
        self._ended, self._grace = True, grace
        if self._thread is not None and self._stop is not None:  # else it has not begun yet, and will not
            with suppress(RuntimeError):  # it has ended of itself
                self._stop()
            self._over.wait(grace + _STOP_SECONDS)
        self._close()  # not before: the loop still waits for them
        return self._thread is not None

    def _close(self) -> None:
        for listening in self._sockets:
            listening.close()

    def _run(self, serving: "Serving", gone_seconds: float) -> None:
        import asyncio

        try:
            # Windows' other loop listens no more after a client that resets its connection too early.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve(serving, gone_seconds))
        finally:
            self._close()  # whatever ended it: who asks now is refused, and does not wait
            self._over.set()

    async def _serve(self, serving: "Serving", gone_seconds: float) -> None:
        import asyncio

        from omniprofile.system.loopback_clients import Client, Clients, not_of_clients

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(not_of_clients)
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
                with suppress(OSError):  # it is closed already, for the server has ended
                    listening.listen(_BACKLOG)
            await stopped.wait()
            for server in servers:
                server.close()
            if self._grace and (known := clients.tasks(known=True)):
                await asyncio.wait(known, timeout=self._grace)
            if ending := clients.tasks():
                for task in ending:
                    task.cancel()
                await asyncio.wait(ending, timeout=_END_SECONDS)  # each may have a connection of its own to close


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
