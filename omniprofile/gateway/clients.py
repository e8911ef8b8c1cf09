"""The clients of a gateway: which connections are open, and how many may be."""

import asyncio
import sys

from omniprofile.gateway.connection import GONE_SECONDS, PIECE, Connection, Rules
from omniprofile.gateway.upstream import Upstream

_MOST_CONNECTIONS = 200 if sys.platform == "win32" else 100_000
"""More clients are turned away: Windows' `select` takes 512 sockets, and each client may need one to the instance."""
if sys.platform == "win32":
    _MOST_UNKNOWN = _MOST_CONNECTIONS // 2
else:
    import resource

    _files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    _MOST_UNKNOWN = 512 if _files == resource.RLIM_INFINITY else min(512, _files // 2)
"""So many may be open that have not shown the token; the oldest one makes room."""


class Connections:
    """The connections of a gateway. Of those that have not shown its token the oldest makes room when there are too many.

    Whoever has no token cannot keep out who has.
    """

    def __init__(self) -> None:
        self.all: set[Connected] = set()
        self._unknown: dict[Connected, None] = {}

    def add(self, connection: "Connected") -> None:
        """Add one that has just begun."""
        self.all.add(connection)
        self._unknown[connection] = None
        if len(self._unknown) > _MOST_UNKNOWN:
            next(iter(self._unknown)).abort()

    def trust(self, connection: "Connected") -> None:
        """Take note that one has shown the token."""
        self._unknown.pop(connection, None)

    def discard(self, connection: "Connected") -> None:
        """Remove one that has ended."""
        self.all.discard(connection)
        self._unknown.pop(connection, None)


class Connected(asyncio.StreamReaderProtocol):
    """asyncio's protocol for one connection, which ends a request whose client has gone."""

    def __init__(self, rules: Rules, upstream: Upstream, open_connections: Connections) -> None:
        super().__init__(asyncio.StreamReader(limit=PIECE), self._begin)
        self._rules = rules
        self._upstream = upstream
        self._open = open_connections
        self._serving: asyncio.Task[None] | None = None
        self.transport: asyncio.Transport | None = None

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.transport = writer.transport  # type: ignore[assignment]  # a stream's is one
        if len(self._open.all) >= _MOST_CONNECTIONS:
            writer.close()
            return
        self._open.add(self)
        connection = Connection(reader, writer, self._rules, self._upstream, lambda: self._open.trust(self))
        self._serving = asyncio.get_running_loop().create_task(connection.serve())

    def end(self) -> "asyncio.Task[None] | None":
        """Break off what is done for this client, and return the task that ends with that."""
        if self._serving is not None:
            self._serving.cancel()
        return self._serving

    def abort(self) -> None:
        """Break the connection off at once."""
        self._open.discard(self)
        if self.transport is not None:
            self.transport.abort()

    def eof_received(self) -> bool:
        """Give a client that has closed its side a moment to read what it asked for."""
        super().eof_received()
        if self._serving is not None:
            asyncio.get_running_loop().call_later(GONE_SECONDS, self._serving.cancel)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is done for this client."""
        super().connection_lost(exc)
        self._open.discard(self)
        self.end()
