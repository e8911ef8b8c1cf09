"""A gateway in this process, a scripted instance behind it, and clients that send exact bytes."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from omniprofile.credentials.held_credential import HeldCredential
from omniprofile.gateway.gateway import Gateway
from omniprofile.model.credential import Credential
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from tests.conftest import CANARY
from tests.sockets import serving
from tests.waiting import PATIENCE

Talk = Callable[["Peer"], None]


class Peer:
    """One connection of a client to the instance, as the instance sees it."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._rest = b""

    def head(self) -> bytes:
        """Read the head of one request; empty if the client has gone."""
        while b"\r\n\r\n" not in self._rest:
            try:
                part = self.socket.recv(65536)
            except OSError:
                return b""
            if not part:
                return b""
            self._rest += part
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def read(self, size: int) -> bytes:
        """Read a number of bytes of a body."""
        while len(self._rest) < size and (part := self.socket.recv(65536)):
            self._rest += part
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def body(self, head: bytes) -> bytes:
        """Read the body for a head, with its chunks joined."""
        fields = {name.lower(): value for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n"))}
        if b"transfer-encoding" not in fields:
            return self.read(int(fields.get(b"content-length", b"0")))
        body = b""
        while size := int(self._line(), 16):
            body += self.read(size)
            self._line()
        self._line()
        return body

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\r\n"):
            line += self.read(1)
        return line[:-2]

    def gone(self) -> bool:
        """Wait until the client has closed the connection."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            return True
        return True


@dataclass
class Raw:
    """An instance that answers each request by `answer`, and records heads and bodies."""

    answer: Callable[[bytes, bytes], bytes] = lambda head, body: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    talk: Talk | None = None
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    base_url: str = ""

    @contextmanager
    def running(self) -> Iterator["Raw"]:
        """Serve on a free port of 127.0.0.1."""
        with serving(self._serve) as self.base_url:
            yield self

    def _serve(self, connection: socket.socket) -> None:
        self.connections += 1
        peer = Peer(connection)
        if self.talk is not None:
            self.talk(peer)
            return
        while head := peer.head():
            body = peer.body(head)
            self.heads.append(head)
            self.bodies.append(body)
            connection.sendall(self.answer(head, body))

    def fields(self, at: int = -1) -> list[tuple[str, str]]:
        """Return the header fields of a request, unchanged."""
        lines = self.heads[at].decode("latin-1").split("\r\n")[1:]
        return [(name, value) for name, _, value in (line.partition(": ") for line in lines if line)]


@dataclass
class Behind:
    """A gateway with its instance and client."""

    gateway: Gateway
    instance: Raw
    tokens: list[str]
    records: list[dict[str, Any]]

    @property
    def authorized(self) -> dict[str, str]:
        """The header field that lets a request through."""
        return {"Authorization": f"Bearer {self.gateway.token}"}

    def connect(self) -> HTTPConnection:
        """A connection of the standard library's client."""
        return HTTPConnection("127.0.0.1", self.gateway.port, timeout=PATIENCE)

    def request(self, method: str, target: str, body: Any = None, **fields: str) -> tuple[HTTPResponse, bytes]:
        """Send one request; underscores in field names become hyphens."""
        connection = self.connect()
        try:
            headers = {**self.authorized, **{name.replace("_", "-"): value for name, value in fields.items()}}
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def dial(self) -> socket.socket:
        """A socket to the gateway."""
        return socket.create_connection(("127.0.0.1", self.gateway.port), timeout=PATIENCE)

    def raw(self, request: bytes, *, token: bool = True) -> bytes:
        """Send these bytes, with the token's field after the first line, and return the whole response."""
        if token:
            line, _, rest = request.partition(b"\r\n")
            request = line + b"\r\nAuthorization: Bearer " + self.gateway.token.encode() + b"\r\n" + rest
        request = request.replace(b"HOST", f"127.0.0.1:{self.gateway.port}".encode())
        with self.dial() as client:
            client.sendall(request)
            answer = b""
            try:
                client.settimeout(PATIENCE)
                while part := client.recv(65536):
                    answer += part
                    if _is_whole(answer):
                        break
            except ConnectionResetError:
                pass
        return answer


def _is_whole(answer: bytes) -> bool:
    head, mark, body = answer.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if mark and line.startswith(b"content-length: "):
            return len(body) >= int(line.partition(b": ")[2])
    return False


Open = Callable[..., Behind]


@pytest.fixture
def behind() -> Iterator[Open]:
    """Open a gateway to a raw instance. The key source returns `tokens`, one after the other."""
    with ExitStack() as open_ones:

        def opened(
            instance: Raw | None = None,
            *,
            access: str = "full",
            allow: tuple[str, ...] = (),
            tokens: tuple[str, ...] = (CANARY,),
            environ: dict[str, str] | None = None,
        ) -> Behind:
            served = open_ones.enter_context((instance or Raw()).running())
            origin = Origin.parse(served.base_url)
            given = list(tokens)

            def obtain(force: bool) -> Credential:
                token = given.pop(0) if len(given) > 1 else given[0]
                return Credential("prod", origin, "api-key", Secret(token))

            records: list[dict[str, Any]] = []

            def recorded(**given: Any) -> None:
                records.append({name: value for name, value in given.items() if value is not None})

            gateway = open_ones.enter_context(
                Gateway(
                    profile="prod",
                    origin=origin,
                    credential=HeldCredential(obtain, lambda: datetime.now(UTC)),
                    access=access,  # type: ignore[arg-type]  # one of them
                    allow=allow,
                    environ=environ or {},
                    record=recorded,
                )
            )
            gateway.start()
            return Behind(gateway, served, given, records)

        yield opened
