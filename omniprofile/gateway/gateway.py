"""A gateway: it listens on loopback, and sends what bears its token to one origin, with that origin's credential.

The port is taken at once; what answers there is imported and begins in a thread, while the program that will ask it starts.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from omniprofile.errors import OperationFailed
from omniprofile.model.secret import remember
from omniprofile.system.loopback import CannotListen, listen

if TYPE_CHECKING:
    import asyncio

    from omniprofile.credentials.held_credential import HeldCredential
    from omniprofile.model.declaration import Access
    from omniprofile.model.origin import Origin


class Record(Protocol):
    """Writes into the audit log."""

    def __call__(
        self, *, requests: Mapping[str, Mapping[str, int]] | None = None, refused: Mapping[str, str] | None = None
    ) -> None:
        """Record one run's requests, or a request that was refused."""


_MOST_REFUSED = 100
"""So many refused requests of one run are recorded one by one."""
_COUNTED = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Methods that are counted apart (RFC 9110, section 9.1; RFC 5789). Programs may make up any number of other
ones, with any text in their names.
"""
_BACKLOG = 1024
"""So many connections may wait to be accepted."""
_ACCEPTED = 16
"""So many are accepted at once, which asyncio takes from the backlog: before the next ones, the oldest silent ones make room."""
_END_SECONDS = 1.0
_STOP_SECONDS = 5.0
_SLICE_SECONDS = 0.5
"""How long one wait lasts: on Windows a longer one does not see Ctrl-C."""
_SETTLE_SECONDS = 60.0


class Gateway:
    """A gateway to `origin`, as a context manager; `start` lets it answer. `port` is 0 for any.

    `token` is good for this gateway alone. `requests` counts the answers by method and status. `record` takes, by name, the
    `requests` of the whole run at its end, and the method and path of each one that was `refused`, at most a hundred.
    """

    def __init__(
        self,
        profile: str,
        origin: "Origin",
        credential: "HeldCredential",
        *,
        access: "Access",
        allow: tuple[str, ...],
        environ: Mapping[str, str],
        record: Record,
        port: int = 0,
    ) -> None:
        self.profile = profile
        self.access = access
        self.allow = allow
        self.credential = credential
        self.token = secrets.token_urlsafe(32)
        remember(self.token)
        self.requests: Counter[tuple[str, int]] = Counter()
        self._refused = 0
        self._origin = origin
        self._environ = environ
        self._record = record
        self._wanted_port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = Event()
        self._thread: Thread | None = None
        self._stop: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        """Take a port on every loopback address. Raises OperationFailed."""
        try:
            self._sockets = listen(self._wanted_port)
        except CannotListen as problem:
            hint = "give another port" if self._wanted_port else "check whether something keeps programs from listening"
            raise OperationFailed(f"the gateway cannot start: {problem}", hint=hint) from problem
        host, self.port = self._sockets[0].getsockname()[:2]
        self.base_url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.hosts = frozenset(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]"))
        return self

    def start(self) -> None:
        """Let it answer from now on, in a thread."""
        self._thread = Thread(target=self._run, name="omniprofile-gateway", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for as long as it answers, which a signal ends."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(_SLICE_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Listen no more, and break off what is still under way, but for the renewal of a session."""
        self._ending.set()
        if self._thread is not None and self._loop is not None:  # else it has not begun yet, and will not
            with suppress(RuntimeError):  # it has ended of itself
                self._loop.call_soon_threadsafe(self._stop)
            self._thread.join(_STOP_SECONDS)
        self._close()  # not before: the loop still waits for them
        if self._thread is not None:
            self._record(requests=self._summary())
            self.credential.settle(_SETTLE_SECONDS)

    def note(self, method: str, status: int) -> None:
        """Count a request that was passed on."""
        self.requests[method if method in _COUNTED else "other", status] += 1

    def note_refused(self, method: str, path: str, status: int) -> None:
        """Count a request that was refused, and record it."""
        self.note(method, status)
        self._refused += 1
        if self._refused <= _MOST_REFUSED:
            self._record(refused={"method": method, "path": path})

    def _summary(self) -> dict[str, dict[str, int]]:
        summary: dict[str, dict[str, int]] = {}
        for (method, status), count in sorted(self.requests.items()):
            summary.setdefault(method, {})[str(status)] = count
        return summary

    def _run(self) -> None:
        import asyncio

        try:
            # Windows' other loop listens no more after a client that resets its connection too early.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve())
        finally:
            self._close()  # whatever ended it: who asks now is refused, and does not wait

    def _close(self) -> None:
        for listening in self._sockets:
            listening.close()

    async def _serve(self) -> None:
        import asyncio

        from omniprofile.gateway.clients import Connected, Connections
        from omniprofile.gateway.upstream import Upstream

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_not_of_clients)
        connections = Connections()
        async with Upstream(self._origin, self._environ) as upstream:
            stopped = asyncio.Event()
            self._stop, self._loop = stopped.set, loop
            if self._ending.is_set():
                return
            servers = [
                await loop.create_server(
                    lambda: Connected(self, upstream, connections), sock=listening, backlog=_ACCEPTED
                )
                for listening in self._sockets
            ]
            for listening in self._sockets:
                with suppress(OSError):  # it is closed already, for the gateway has ended
                    listening.listen(_BACKLOG)
            await stopped.wait()
            for server in servers:
                server.close()
            ending = [serving for each in connections.all if (serving := each.end()) is not None]
            if ending:  # each closes its connection to the instance
                await asyncio.wait(ending, timeout=_END_SECONDS)


def _not_of_clients(loop: "asyncio.AbstractEventLoop", context: dict[str, Any]) -> None:
    """Let the loop say what went wrong, but for a connection that its client reset before anything could be done for it."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)
