"""A gateway: it listens on loopback, and sends what bears its token to one origin, with that origin's credential.

The port is taken at once; what answers there is imported and begins in a thread, while the program that will ask it starts.
"""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol, Self

from omniprofile.model.secret import remember
from omniprofile.system.loopback import LoopbackServer

if TYPE_CHECKING:
    from omniprofile.credentials.held_credential import HeldCredential
    from omniprofile.model.declaration import Access
    from omniprofile.model.origin import Origin
    from omniprofile.system.loopback_clients import Handle


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
_GONE_SECONDS = 1.0
"""How long a request goes on whose client has closed its side: some do that, and then read."""
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

    def __enter__(self) -> Self:
        """Take a port on every loopback address. Raises OperationFailed."""
        self._server = LoopbackServer(self._wanted_port, "the gateway")
        self.port, self.base_url, self.hosts = self._server.port, self._server.base_url, self._server.hosts
        return self

    def start(self) -> None:
        """Let it answer from now on, in a thread."""
        self._server.start(self._serving, gone_seconds=_GONE_SECONDS)

    def wait(self) -> None:
        """Wait for as long as it answers, which a signal ends."""
        self._server.wait()

    def __exit__(self, *_: object) -> None:
        """Listen no more, and break off what is still under way, but for the renewal of a session."""
        if self._server.close():
            self._record(requests=self._summary())
            self.credential.settle(_SETTLE_SECONDS)

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator["Handle"]:
        from omniprofile.gateway.connection import Connection
        from omniprofile.gateway.upstream import Upstream

        async with Upstream(self._origin, self._environ) as upstream:
            yield lambda reader, writer, known: Connection(reader, writer, self, upstream, known).serve()

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
