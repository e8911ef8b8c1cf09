"""The clients of a server on loopback: how many may be connected, and who makes room when there are too many."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Callable[[], object]], Coroutine[None, None, None]]
"""Answers one connection; calls its last argument once the client has shown that it may be here."""
PIECE = 64 * 1024
"""What is read from a client at once, in bytes."""
_MOST_CLIENTS = 200 if sys.platform == "win32" else 100_000
"""More clients are turned away: Windows' `select` takes 512 sockets, and each client may need one to the instance."""
if sys.platform == "win32":
    _MOST_UNKNOWN = _MOST_CLIENTS // 2
else:
    import resource

    _files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    _MOST_UNKNOWN = 512 if _files == resource.RLIM_INFINITY else min(512, _files // 2)
"""How many clients may be connected that have not shown who they are. For one more, the oldest of them makes room."""


class Clients:
    """The connected clients. Those that have not shown who they are cannot keep out those that have."""

    def __init__(self, handle: Handle, gone_seconds: float) -> None:
        self.handle = handle
        self.gone_seconds = gone_seconds
        self.all: set[Client] = set()
        self.unknown: dict[Client, None] = {}

    def add(self, client: "Client") -> None:
        """Add one that has just connected. When too many are unknown, the oldest of them makes room."""
        self.all.add(client)
        self.unknown[client] = None
        if len(self.unknown) > _MOST_UNKNOWN:
            oldest = next(iter(self.unknown))
            self.discard(oldest)
            oldest.transport.abort()

    def discard(self, client: "Client") -> None:
        """Remove one that has gone."""
        self.all.discard(client)
        self.unknown.pop(client, None)

    def tasks(self, *, known: bool = False) -> "list[asyncio.Task[None]]":
        """Return what is done for all clients, or for those alone who have shown who they are."""
        return [each.task for each in self.all if each.task and not (known and each in self.unknown)]


class Client(asyncio.StreamReaderProtocol):
    """asyncio's protocol for one connection: what is done for a client ends soon after it has gone."""

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
        """Break off what is done for this client."""
        if self.task is not None:
            self.task.cancel()

    def eof_received(self) -> bool:
        """Give a client that has closed its side a moment to read what it asked for."""
        super().eof_received()
        asyncio.get_running_loop().call_later(self._clients.gone_seconds, self.end)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is done for this client."""
        super().connection_lost(exc)
        self._clients.discard(self)
        self.end()


def not_of_clients(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Let the loop say what went wrong, but for a connection that its client reset before anything could be done for it."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)
