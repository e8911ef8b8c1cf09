"""Random requests sent directly and through a gateway arrive the same, in both directions, except for listed fields."""

import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import CANARY
from tests.gateway.conftest import Behind, Open, Peer, Raw
from tests.waiting import PATIENCE

NOT_PASSED = {
    "authorization", "host", "cookie", "cookie2", "expect", "connection", "keep-alive", "proxy-authenticate",
    "proxy-authentication-info", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    "set-cookie", "set-cookie2", "content-length",
}  # fmt: skip

token = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=12)
names = token.filter(lambda name: name.lower() not in NOT_PASSED)
inner = st.binary(max_size=20).map(lambda data: bytes(32 + byte % 95 if byte < 128 else byte for byte in data).strip())
fields = st.lists(st.tuples(names.map(str.encode), inner), max_size=8)
visible = st.text("".join(map(chr, range(0x21, 0x7F))), max_size=30)
targets = visible.map(lambda text: f"/{text}".encode())
methods = st.one_of(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]), token).filter(
    lambda method: method not in ("CONNECT", "TRACE", "TRACK")
)
bodies = st.one_of(st.none(), st.binary(max_size=300))
statuses = st.sampled_from(
    [200, 201, 202, 206, 299, 300, 301, 304, 307, 400, 402, 404, 409, 418, 429, 451, 500, 503, 599]
)


@pytest.fixture(scope="module")
def answers() -> dict[str, bytes]:
    """The instance's next answer."""
    return {}


@pytest.fixture
def end(behind: Open, answers: dict[str, bytes]) -> Behind:
    """A gateway to it."""
    return behind(Raw(lambda head, body: answers["next"]))


def _written(method: str, target: bytes, given: list[tuple[bytes, bytes]], body: bytes | None, chunked: bool) -> bytes:
    head = b"%s %s HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer TOKEN\r\n" % (method.encode(), target)
    head += b"".join(b"%s: %s\r\n" % field for field in given)
    if body is None:
        return head + b"\r\n"
    if chunked:
        chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n"
    return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def _asked(port: int, token_: str, request: bytes, *, bodiless: bool) -> tuple[bytes, list[tuple[bytes, bytes]], bytes]:
    host = f"127.0.0.1:{port}".encode()
    head, mark, body = request.partition(b"\r\n\r\n")
    head = head.replace(b"Host: HOST", b"Host: " + host, 1).replace(b"Bearer TOKEN", b"Bearer " + token_.encode(), 1)
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(head + mark + body)
        peer = Peer(client)
        first, *lines = peer.head().split(b"\r\n")
        got = [(name, value) for name, _, value in (line.partition(b":") for line in lines if line)]
        got = [(name, value.strip()) for name, value in got]
        answer = b"" if bodiless else peer.body(b"\r\n".join([b"", *lines]))
    return first, [field for field in got if field[0].lower().decode() not in NOT_PASSED], answer


@given(
    method=methods, target=targets, sent=fields, body=bodies, chunked=st.booleans(), status=statuses, back=fields,
    reason=visible, answer=st.binary(max_size=300), in_chunks=st.booleans(),
)  # fmt: skip
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_request_and_its_answer_are_the_same_through_a_gateway(
    end: Behind,
    answers: dict[str, bytes],
    method: str,
    target: bytes,
    sent: list[tuple[bytes, bytes]],
    body: bytes | None,
    chunked: bool,
    status: int,
    back: list[tuple[bytes, bytes]],
    reason: str,
    answer: bytes,
    in_chunks: bool,
) -> None:
    bodiless = method == "HEAD" or status == 304
    framed = _written("X", b"/", [], answer, in_chunks).partition(b"Bearer TOKEN\r\n")[2]
    head = b"HTTP/1.1 %d %s\r\n" % (status, reason.encode()) + b"".join(b"%s: %s\r\n" % field for field in back)
    answers["next"] = head + (framed.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if bodiless else framed)
    request = _written(method, target, sent, body, chunked)
    port = int(end.instance.base_url.rpartition(":")[2])
    straight = _asked(port, CANARY, request, bodiless=bodiless)
    arrived = end.instance.heads[-1], end.instance.bodies[-1]
    through = _asked(end.gateway.port, end.gateway.token, request, bodiless=bodiless)
    assert through == straight
    assert end.instance.bodies[-1] == arrived[1]
    assert _kept(end.instance.heads[-1]) == _kept(arrived[0])
    assert b"Authorization: Bearer " + CANARY.encode() in end.instance.heads[-1]


def _kept(head: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    first, *lines = head.split(b"\r\n")
    found = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines if line)]
    return first, [field for field in found if field[0].lower().decode() not in NOT_PASSED]
