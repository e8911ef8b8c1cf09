"""A gateway on loopback that forwards requests bearing its token to one origin, with that origin's credential.

The port is taken at once; a thread imports and starts the server while the program that will use it starts.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from omniprofile.gateway.gateway_run import GatewayRun
from omniprofile.system.loopback import LoopbackServer

if TYPE_CHECKING:
    from omniprofile.model.origin import Origin
    from omniprofile.system.loopback_clients import Handle


_GONE_SECONDS = 1.0
"""How long a request continues once its client has closed its sending side: some clients do that before they read."""
_SETTLE_SECONDS = 60.0


@dataclass(kw_only=True, eq=False, repr=False)
class Gateway(GatewayRun):
    """A gateway to `origin`, as a context manager; `start` makes it answer. `port` 0 takes any; the rest is a `GatewayRun`'s."""

    origin: "Origin"
    environ: Mapping[str, str]
    port: int = 0

    def __enter__(self) -> Self:
        """Bind one port on every loopback address. Raises OperationFailed."""
        self._server = LoopbackServer(self.port, "the gateway")
        self.port, self.base_url, self.hosts = self._server.port, self._server.base_url, self._server.hosts
        return self

    def start(self) -> None:
        """Start answering requests, in a thread."""
        self._server.start(self._serving, gone_seconds=_GONE_SECONDS)

    def wait(self) -> None:
        """Wait until the server stops or a signal interrupts the wait."""
        self._server.wait()

    def __exit__(self, *_: object) -> None:
        """Stop listening and cancel everything in progress, except the renewal of a session."""
        if self._server.close():
            self.record(requests=self.summary())
            self.credential.settle(_SETTLE_SECONDS)

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator["Handle"]:
        from omniprofile.gateway.client_stream import ClientStream
        from omniprofile.gateway.connection import Connection
        from omniprofile.gateway.upstream import Upstream

        async with Upstream(self.origin, self.environ) as upstream:
            yield lambda reader, writer, known: Connection(ClientStream(reader, writer), self, upstream, known).serve()
