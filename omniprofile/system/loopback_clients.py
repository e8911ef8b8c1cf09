"""The clients of a loopback server: the limit on connections, and the choice of those to disconnect above it."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Callable[[], object]], Coroutine[None, None, None]]
"""Answers one connection; calls its last argument once the client has proved that it is allowed."""
PIECE = 64 * 1024
"""How much to read from a client at once, in bytes."""
_MOST_CLIENTS = 200 if sys.platform == "win32" else 100_000
"""The most clients: any more are disconnected. Windows' `select` takes 512 sockets, and each client may need one to the instance.
"""
if sys.platform == "win32":
    _MOST_UNKNOWN = _MOST_CLIENTS // 2
else:
    import resource

    _files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    _MOST_UNKNOWN = 512 if _files == resource.RLIM_INFINITY else min(512, _files // 2)
"""The most clients that have not yet identified themselves. One more, and the oldest of them is disconnected."""


@dataclass(eq=False, repr=False)
class Clients:
    """The connected clients. Those that have not identified themselves cannot keep out those that have."""

    handle: Handle
    gone_seconds: float
    all: "set[Client]" = field(default_factory=set)
    unknown: "dict[Client, None]" = field(default_factory=dict)

    def add(self, client: "Client") -> None:
        """Add a client that has just connected. If too many are unidentified, disconnect the oldest of them."""
        self.all.add(client)
        self.unknown[client] = None
        if len(self.unknown) > _MOST_UNKNOWN:
            oldest = next(iter(self.unknown))
            self.discard(oldest)
            oldest.transport.abort()

    def discard(self, client: "Client") -> None:
        """Remove a client that has disconnected."""
        self.all.discard(client)
        self.unknown.pop(client, None)

    def tasks(self, *, known: bool = False) -> "list[asyncio.Task[None]]":
        """Return the running handlers of all clients, or only of those that have identified themselves."""
        return [each.task for each in self.all if each.task and not (known and each in self.unknown)]


class Client(asyncio.StreamReaderProtocol):
    """asyncio's protocol for one connection. A client's handler ends soon after the client disconnects."""

    def __init__(self, clients: Clients) -> None:
        super().__init__(asyncio.StreamReader(limit=PIECE), self._begin)
        self._clients = clients
        self.transport: asyncio.WriteTransport
        self.task: asyncio.Task[None] | None = None

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.transport = writer.transport
        if len(self._clients.all) >= _MOST_CLIENTS:
            writer.close()
            return
        self._clients.add(self)
        handling = self._clients.handle(reader, writer, lambda: self._clients.unknown.pop(self, None))
        self.task = asyncio.get_running_loop().create_task(handling)

    def end(self) -> None:
        """Cancel this client's handler."""
        if self.task is not None:
            self.task.cancel()

    def eof_received(self) -> bool:
        """Give a client that has closed its sending side a moment to read the response."""
        super().eof_received()
        asyncio.get_running_loop().call_later(self._clients.gone_seconds, self.end)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the handler of a client that has disconnected."""
        super().connection_lost(exc)
        self._clients.discard(self)
        self.end()
