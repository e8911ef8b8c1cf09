"""Test servers: raw sockets and an HTTP proxy."""

import itertools
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.waiting import PATIENCE

NOBODY = "http://127.0.0.1:1"
"""An address that nobody listens at, and that no other test can be given: the port of a server that has ended may be its next."""


def listening(pid: int | None = None) -> set[str]:
    """Return the TCP sockets that a process listens with, or all that are listened with. No number of one is given again."""
    tables = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
    lines = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    found = {f"socket:[{fields[9]}]" for fields in lines if fields[3] == "0A"}
    if pid is None:
        return found
    theirs = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            theirs.add(os.readlink(entry))
    return found & theirs


def free_port() -> int:
    """Return a port that nothing listens on. It is not one that the system gives to others meanwhile (Linux: from 32768)."""
    for port in itertools.count(20_000 + os.getpid() % 10_000):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError


@contextmanager
def serving(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve each connection with `talk` in its own thread until the client disconnects; yield the server's URL."""
    server = socket.create_server(("127.0.0.1", 0), backlog=256)

    def talk_and_close(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            talk(connection)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=talk_and_close, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        with suppress(OSError):  # closing alone would leave the thread waiting in `accept`, and the port open
            server.shutdown(socket.SHUT_RDWR)
        server.close()


@contextmanager
def raw(answer: Callable[[socket.socket], None], asked: list[bytes] | None = None) -> Iterator[str]:
    """Serve each connection with `answer` in its own thread, after reading its first bytes; yield the server's URL.

    The first bytes are appended to `asked`.
    """

    def talk(connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        first = connection.recv(65536)
        if asked is not None:
            asked.append(first)
        answer(connection)

    with serving(talk) as url:
        yield url


class Proxy:
    """An HTTP proxy (RFC 9110, section 7.7 and 9.3.6): it tunnels by CONNECT, and forwards plain requests.

    `hosts` resolves names, as in a private network; `asked` has the first line of each request, `given` the
    Proxy-Authorization of each. `login` is the authorization it requires, `status` the status it answers with.
    """

    def __init__(
        self, hosts: dict[str, int] | None = None, *, login: str | None = None, status: str | None = None
    ) -> None:
        self.hosts = hosts or {}
        self.login = login
        self.status = status
        self.asked: list[str] = []
        self.given: list[str | None] = []
        self.url = ""

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Serve on a free port of 127.0.0.1."""
        with serving(self._talk) as self.url:
            yield self

    def _talk(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (part := client.recv(65536)):
                return
            head += part
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        self.asked.append(lines[0])
        self.given.append(fields.get("proxy-authorization"))
        status = self.status
        if self.login is not None and self.given[-1] != self.login:
            status = "407 Proxy Authentication Required"
        if status is not None:
            client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        method, target, _ = lines[0].split(" ")
        if method == "CONNECT":
            with self._dial(target) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _pump_both(client, server)
            return
        address, _, path = target.removeprefix("http://").partition("/")
        with self._dial(address) as server:
            own = [line for line in lines[1:] if not line.lower().startswith(("proxy-", "connection:"))]
            server.sendall("\r\n".join([f"{method} /{path} HTTP/1.1", "Connection: close", *own]).encode("latin-1"))
            _pump(server, client)

    def _dial(self, address: str) -> socket.socket:
        host, _, port = address.rpartition(":")
        return socket.create_connection(("127.0.0.1", self.hosts.get(host, int(port))), timeout=PATIENCE)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while part := source.recv(65536):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _pump_both(one: socket.socket, other: socket.socket) -> None:
    back = threading.Thread(target=_pump, args=(other, one), daemon=True)
    back.start()
    _pump(one, other)
    back.join(timeout=PATIENCE)
