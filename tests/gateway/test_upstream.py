"""A gateway reaches only the instance, with the user's certificates and proxy."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import cast

import pytest

from omniprofile.credentials.held_credential import HeldCredential
from omniprofile.gateway.gateway import Gateway
from omniprofile.gateway.upstream import Upstream
from omniprofile.instance.certificates import trusted_context
from omniprofile.model.credential import Credential
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from tests.authority import Authority
from tests.conftest import CANARY
from tests.gateway.conftest import Open, Peer, Raw
from tests.sockets import NOBODY, Proxy
from tests.standin import Standin
from tests.waiting import PATIENCE


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _asked(opened: ExitStack, url: str, environ: dict[str, str]) -> tuple[int, str]:
    origin = Origin.parse(url)
    held = HeldCredential(lambda _: credential, lambda: datetime.now(UTC))
    credential = Credential("prod", origin, "api-key", Secret(CANARY))
    gateway = opened.enter_context(
        Gateway(
            profile="prod",
            origin=origin,
            credential=held,
            access="full",
            allow=(),
            environ=environ,
            record=lambda **_: None,
        )
    )
    gateway.start()
    client = HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE)
    statuses = []
    for _ in range(2):  # the second one on the same connection
        client.request("GET", "/api/v1/whoami?a=%20b", headers={"Authorization": f"Bearer {gateway.token}"})
        response = client.getresponse()
        statuses.append((response.status, response.read().decode()))
    client.close()
    assert statuses[0] == statuses[1]
    return statuses[0]


def _omni(opened: ExitStack, authority: Authority, *names: str) -> Standin:
    omni = opened.enter_context(Standin(tls=authority.server(*names)))
    omni.add_key(CANARY)
    return omni


def test_tls_by_the_certificates_that_the_user_trusts(opened: ExitStack, authority: Authority) -> None:
    omni = _omni(opened, authority, "127.0.0.1")
    assert _asked(opened, omni.base_url, {"SSL_CERT_FILE": str(authority.file)})[0] == 200
    assert [seen.path for seen in omni.requests] == ["/api/v1/whoami?a=%20b"] * 2


@pytest.mark.parametrize(
    ("name", "trusted", "words"), [("127.0.0.1", False, "is not trusted"), ("localhost", True, "for another host")]
)
def test_a_certificate_that_does_not_do_gets_no_credential(
    opened: ExitStack, authority: Authority, name: str, trusted: bool, words: str
) -> None:
    omni = _omni(opened, authority, name)
    status, body = _asked(opened, omni.base_url, {"SSL_CERT_FILE": str(authority.file)} if trusted else {})
    assert status == 502
    assert words in json.loads(body)["error"]["message"]
    assert omni.requests == []


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_where_the_system_judges_certificates_the_named_ones_count_too(
    opened: ExitStack, authority: Authority, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr("omniprofile.instance.certificates.sys.platform", platform)
    named = {"SSL_CERT_FILE": str(authority.file)}
    context = trusted_context(named)
    monkeypatch.undo()
    monkeypatch.setattr("omniprofile.gateway.upstream.trusted_context", lambda _: context)
    omni = _omni(opened, authority, "127.0.0.1")
    assert _asked(opened, omni.base_url, named)[0] == 200


def test_certificates_that_cannot_be_used_are_named(opened: ExitStack) -> None:
    status, body = _asked(opened, "https://127.0.0.1:1", {"SSL_CERT_FILE": "/nonexistent"})
    assert status == 502
    assert "`SSL_CERT_FILE` names" in json.loads(body)["error"]["message"]


def test_the_proxy_of_the_user_tunnels_to_the_instance(opened: ExitStack, authority: Authority) -> None:
    omni = _omni(opened, authority, "acme.omniapp.co")
    port = int(omni.base_url.rpartition(":")[2])
    proxy = opened.enter_context(Proxy({"acme.omniapp.co": port}).running())
    environ = {"SSL_CERT_FILE": str(authority.file), "https_proxy": proxy.url}
    assert _asked(opened, "https://acme.omniapp.co", environ)[0] == 200
    assert set(proxy.asked) == {"CONNECT acme.omniapp.co:443 HTTP/1.1"}
    assert [seen.path for seen in omni.requests] == ["/api/v1/whoami?a=%20b"] * 2


def test_plain_http_on_loopback_uses_no_proxy(opened: ExitStack) -> None:
    omni = opened.enter_context(Standin())
    omni.add_key(CANARY)
    proxy = opened.enter_context(Proxy().running())
    environ = dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"), proxy.url)
    assert _asked(opened, omni.base_url, environ)[0] == 200
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://me:it@127.0.0.1:1", "the proxy 127.0.0.1:1 does not accept connections"),
        ("https://me:it@127.0.0.1:1", "the proxy 127.0.0.1:1 does not accept connections"),
        ("http://me:it@proxy.invalid:3128", "the proxy proxy.invalid:3128 has a name that does not resolve"),
        ("ftp://me:it@127.0.0.1", "the proxy address in `https_proxy` cannot be used"),
    ],
)
def test_a_proxy_that_is_not_there_is_blamed_itself(opened: ExitStack, proxy: str, words: str) -> None:
    status, body = _asked(opened, "https://acme.omniapp.co", {"https_proxy": proxy})
    assert status == 502
    assert json.loads(body)["error"]["message"] == words
    assert json.loads(body)["error"]["hint"] == "check `https_proxy`, or name acme.omniapp.co in `NO_PROXY`"


def test_an_instance_that_wants_a_certificate_of_the_client_is_a_502(opened: ExitStack, authority: Authority) -> None:
    url = opened.enter_context(authority.asking_for_a_certificate())
    status, body = _asked(opened, url, {"SSL_CERT_FILE": str(authority.file)})
    assert status == 502
    assert json.loads(body)["error"]["message"] == "127.0.0.1 requires a client certificate"


def test_nobody_at_the_address_is_a_502_that_says_so(opened: ExitStack) -> None:
    status, body = _asked(opened, NOBODY, {})
    assert status == 502
    assert "does not accept connections" in json.loads(body)["error"]["message"]


# answers in the forms that old and odd servers have


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", (200, b"to the end")),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", (200, b"ok")),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", (200, b"ok")),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", (201, b"")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", (502, None)),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            (200, b"ok"),
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            (200, b"ok"),
        ),
        (b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok", (502, None)),
        (b"no HTTP at all\r\n\r\n", (502, None)),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", (502, None)),
    ],
    ids=[
        "1.0",
        "no reason",
        "hints",
        "continue",
        "two lengths",
        "long beside chunks",
        "short beside chunks",
        "NUL",
        "no HTTP",
        "huge",
    ],
)
def test_answers_in_every_form(behind: Open, answer: bytes, expected: tuple[int, bytes | None]) -> None:
    def talk(peer: Peer) -> None:
        peer.head()
        peer.socket.sendall(answer)

    response, body = behind(Raw(talk=talk)).request("GET", "/")
    assert response.status == expected[0]
    assert expected[1] in (None, body)


def test_a_connection_closed_by_the_instance_is_reopened(behind: Open) -> None:
    closed = threading.Event()

    def talk(peer: Peer) -> None:
        peer.head()
        peer.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        peer.socket.close()
        closed.set()

    end = behind(Raw(talk=talk))
    for _ in range(5):
        assert end.request("GET", "/")[1] == b"ok"
        assert closed.wait(PATIENCE)
        closed.clear()


def test_a_request_that_changes_something_is_never_sent_twice(behind: Open) -> None:
    heads: list[bytes] = []

    def talk(peer: Peer) -> None:
        while head := peer.head():
            heads.append(head)
            if len(heads) == 2:
                return
            peer.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    end = behind(Raw(talk=talk))
    assert end.request("POST", "/")[0].status == 200
    assert end.request("POST", "/")[0].status == 502
    assert len(heads) == 2


_FORGED = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
_READ = 65536  # the most that httpcore takes at once


def _of_size(size: int) -> bytes:
    """Return a response of `size` bytes in all."""
    body = b"o" * (size - len(_HEAD % 10000))
    return _HEAD % len(body) + body


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("size", [1000, _READ, 2 * _READ])
@pytest.mark.parametrize("together", [True, False], ids=["in one write", "in two"])
def test_what_follows_a_response_is_never_the_next_one(
    opened: ExitStack, authority: Authority, tls: bool, size: int, together: bool
) -> None:
    context = authority.server("127.0.0.1") if tls else None
    talks: list[asyncio.Task[None]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(cast("asyncio.Task[None]", asyncio.current_task()))
        with suppress(asyncio.IncompleteReadError, OSError):
            while await reader.readuntil(b"\r\n\r\n"):
                for part in [_of_size(size) + _FORGED] if together else [_of_size(size), _FORGED]:
                    writer.write(part)  # sent at once: the client, in the same thread, cannot be faster
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    async def bodies() -> list[bytes]:
        read = []
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, Upstream(Origin.parse(url), {"SSL_CERT_FILE": str(authority.file)}) as upstream:
            for _ in range(3):
                response = await upstream.send(b"GET", b"/", [], None, CANARY)
                read.append(b"".join([part async for part in response.body()]))
                await response.close()
        await asyncio.wait(talks)
        return read

    assert asyncio.run(bodies()) == [_of_size(size).partition(b"\r\n\r\n")[2]] * 3
