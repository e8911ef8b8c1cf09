"""A gateway: it listens on loopback, and sends what bears its token to one origin, with that origin's credential.

The port is taken at once; what answers there is imported and begins in a thread, while the program that will ask it starts.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from omniprofile.gateway.guard import Guard
from omniprofile.system.loopback import LoopbackServer

if TYPE_CHECKING:
    from omniprofile.credentials.held_credential import HeldCredential
    from omniprofile.model.declaration import Access
    from omniprofile.model.origin import Origin
    from omniprofile.system.loopback_clients import Handle


_GONE_SECONDS = 1.0
"""How long a request goes on whose client has closed its side: some do that, and then read."""
_SETTLE_SECONDS = 60.0


class Gateway(Guard):
    """A gateway to `origin`, as a context manager; `start` lets it answer. `port` is 0 for any; the rest is as for `Guard`."""

    def __init__(
        self,
        profile: str,
        origin: "Origin",
        credential: "HeldCredential",
        *,
        access: "Access",
        allow: tuple[str, ...],
        environ: Mapping[str, str],
        record: Callable[..., None],
        port: int = 0,
    ) -> None:
        super().__init__(profile, credential, access, allow, record)
        self._origin = origin
        self._environ = environ
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
            self.record(requests=self.summary())
            self.credential.settle(_SETTLE_SECONDS)

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator["Handle"]:
        from omniprofile.gateway.connection import Connection
        from omniprofile.gateway.upstream import Upstream

        async with Upstream(self._origin, self._environ) as upstream:
            yield lambda reader, writer, known: Connection(reader, writer, self, upstream, known).serve()
