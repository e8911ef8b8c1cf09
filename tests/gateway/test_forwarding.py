"""A gateway forwards every byte of requests and responses, except what concerns one connection or the credential."""

import json
import threading
from collections.abc import Iterator
from http.client import IncompleteRead

import httpx
import pytest

from tests.conftest import CANARY
from tests.gateway.conftest import Open, Peer, Raw
from tests.waiting import PATIENCE


def _plain(body: bytes = b"ok", *fields: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"".join(field + b"\r\n" for field in fields)
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), head, body)


def test_a_request_arrives_as_it_was_sent_with_the_real_credential(behind: Open) -> None:
    end = behind()
    target = "/api//v1/../x%2f%zz;a=b?q=%20+&r={}|\"<>^`'[]"
    response, body = end.request(
        "PATCH", target, b"\x00body", X_Odd="a\xff b", x_Case="1", Accept_Encoding="gzip;q=0.1"
    )
    assert (response.status, body) == (200, b"ok")
    assert end.instance.heads[0].split(b"\r\n")[0] == f"PATCH {target} HTTP/1.1".encode()
    assert end.instance.bodies == [b"\x00body"]
    fields = end.instance.fields()
    assert ("Host", end.instance.base_url.removeprefix("http://")) in fields
    assert [value for name, value in fields if name.lower() == "authorization"] == [f"Bearer {CANARY}"]
    assert {("X-Odd", "a\xff b"), ("x-Case", "1"), ("Accept-Encoding", "gzip;q=0.1"), ("Content-Length", "5")} <= set(
        fields
    )
    assert end.gateway.token not in str(fields)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "query"])
def test_every_method_passes_where_access_is_full(behind: Open, method: str) -> None:
    end = behind()
    response, _ = end.request(method, "/")
    assert response.status == 200
    assert end.instance.heads[0].startswith(method.encode() + b" / ")


def test_connection_fields_and_cookies_are_not_forwarded(behind: Open) -> None:
    answer = _plain(
        b"ok", b"Set-Cookie: a=b", b"Connection: X-Mine, Content-Length", b"X-Mine: 1", b"Keep-Alive: timeout=1",
        b"Proxy-Authenticate: Basic", b"X-Kept: \xe9", b"Trailer: Foo", b"Upgrade: h2c", b"ETag: W/\"1\"",
    )  # fmt: skip
    end = behind(Raw(lambda head, body: answer))
    response, body = end.request(
        "GET", "/", Cookie="c=d", Connection="X-Hop", X_Hop="1", TE="trailers", Upgrade="websocket", X_Stays="1"
    )
    assert body == b"ok"
    assert dict(response.getheaders()) == {"X-Kept": "\xe9", "Content-Length": "2", "ETag": 'W/"1"'}
    assert {name.lower() for name, _ in end.instance.fields()} == {
        "host",
        "authorization",
        "x-stays",
        "accept-encoding",
    }


@pytest.mark.parametrize("status", [200, 201, 206, 301, 302, 307, 400, 403, 404, 418, 429, 500, 503, 599])
def test_status_reason_and_fields_of_the_answer_arrive_and_no_redirect_is_followed(behind: Open, status: int) -> None:
    answer = _plain(b"x", b"Location: https://evil.example/", b"Retry-After: 7", status=b"%d Just So" % status)
    end = behind(Raw(lambda head, body: answer))
    response, body = end.request("GET", "/")
    assert (response.status, response.reason, body) == (status, "Just So", b"x")
    assert response.getheader("Location") == "https://evil.example/"
    assert response.getheader("Retry-After") == "7"
    assert len(end.instance.heads) == 1


@pytest.mark.parametrize("field", ["Location", "content-location"])
@pytest.mark.parametrize(
    ("address", "passed"),
    [
        ("http://{instance}/api/v1/x?y=%2f#z", "http://{gateway}/api/v1/x?y=%2f#z"),
        ("HTTP://{instance}", "http://{gateway}"),
        ("http://{instance}?q=1", "http://{gateway}?q=1"),
        ("http://{instance}//evil.example/", "http://{gateway}//evil.example/"),
        ("//{instance}/x", "http://{gateway}/x"),
        ("/api/v1/x", "/api/v1/x"),
        ("x?next=http://{instance}/", "x?next=http://{instance}/"),
        ("https://{instance}/x", "https://{instance}/x"),
        ("http://{instance}1/x", "http://{instance}1/x"),
        ("http://{instance}.evil.example/x", "http://{instance}.evil.example/x"),
        ("http://{instance}@evil.example/x", "http://{instance}@evil.example/x"),
        ("http://me@{instance}/x", "http://me@{instance}/x"),
        ("http://{instance}\\@evil.example/", "http://{instance}\\@evil.example/"),
        ("//evil.example/x", "//evil.example/x"),
        ("http://\xe9.example/x", "http://\xe9.example/x"),
        ("http://[::1/x", "http://[::1/x"),
        ("", ""),
    ],
)
def test_the_instances_own_address_in_an_answer_leads_to_the_gateway(
    behind: Open, field: str, address: str, passed: str
) -> None:
    def answer(head: bytes, body: bytes) -> bytes:
        instance = end.instance.base_url.removeprefix("http://")
        return _plain(b"", f"{field}: {address.format(instance=instance)}".encode("latin-1"), status=b"307 Elsewhere")

    end = behind(Raw(answer))
    gateway, instance = f"127.0.0.1:{end.gateway.port}", end.instance.base_url.removeprefix("http://")
    response, _ = end.request("POST", "/api/v1/old", b"sent")
    assert response.getheader(field) == passed.format(gateway=gateway, instance=instance)


def test_a_program_that_follows_a_redirect_to_the_instance_stays_in_the_gateway(behind: Open) -> None:
    def answer(head: bytes, body: bytes) -> bytes:
        if head.startswith(b"POST /old "):
            return _plain(b"", b"Location: %s/new" % end.instance.base_url.encode(), status=b"307 Moved")
        return _plain(body)

    end = behind(Raw(answer))
    with httpx.Client(
        timeout=PATIENCE, base_url=f"http://127.0.0.1:{end.gateway.port}", headers=end.authorized, follow_redirects=True
    ) as client:
        assert client.post("/old", content=b"sent").text == "sent"
    assert [head.split(b" HTTP")[0] for head in end.instance.heads] == [b"POST /old", b"POST /new"]
    assert ("Authorization", f"Bearer {CANARY}") in end.instance.fields()


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: x\r\n\r\n"),
    ],
)
def test_an_answer_without_a_body_keeps_its_fields_and_the_connection(behind: Open, method: str, answer: bytes) -> None:
    end = behind(Raw(lambda head, body: answer))
    client = end.connect()
    for _ in range(2):
        client.request(method, "/", headers=end.authorized)
        response = client.getresponse()
        assert response.read() == b""
        assert (b"1000" in answer) == (response.getheader("Content-Length") == "1000")
    client.close()
    assert end.instance.connections == 1


def test_chunks_arrive_whatever_their_borders_and_trailers_do_not(behind: Open) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nX-Trailer: 1\r\n\r\n"
    end = behind(Raw(lambda head, body: answer))
    raw = end.raw(
        b"POST / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: 1\r\n\r\n"
    )
    assert b"X-Trailer" not in raw
    assert b"".join(raw.partition(b"\r\n\r\n")[2].split(b"\r\n")[1::2]) == b"abcd"
    assert end.instance.bodies == [b"hi"]
    assert b"T: 1" not in end.instance.heads[0]


def test_the_client_sends_only_after_100_continue(behind: Open) -> None:
    end = behind()
    with end.dial() as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\n"
            b"Content-Length: 2\r\n\r\n" % (end.gateway.port, end.gateway.token.encode())
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"hi")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert end.instance.bodies == [b"hi"]


def test_an_event_arrives_while_the_next_one_is_still_to_come(behind: Open) -> None:
    seen = threading.Event()

    def talk(peer: Peer) -> None:
        peer.head()
        peer.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        assert seen.wait(PATIENCE)
        peer.socket.sendall(b"data: 2\n\n")

    end = behind(Raw(talk=talk))
    client = end.connect()
    client.request("GET", "/events", headers=end.authorized)
    response = client.getresponse()
    assert response.read1(100) == b"data: 1\n\n"
    seen.set()
    assert response.read() == b"data: 2\n\n"
    client.close()


def test_an_upload_streams(behind: Open) -> None:
    first = threading.Event()

    def talk(peer: Peer) -> None:
        peer.head()
        assert peer.read(3) == b"1\r\n"
        first.set()
        peer.read(len(b"a\r\n1\r\nb\r\n0\r\n\r\n"))
        peer.socket.sendall(_plain())

    def parts() -> Iterator[bytes]:
        yield b"a"
        assert first.wait(PATIENCE)
        yield b"b"

    end = behind(Raw(talk=talk))
    client = end.connect()
    client.request("POST", "/", parts(), {**end.authorized, "Transfer-Encoding": "chunked"}, encode_chunked=True)
    assert client.getresponse().read() == b"ok"
    client.close()


def test_a_client_that_goes_away_ends_the_request_to_the_instance(behind: Open) -> None:
    asked, gone = threading.Event(), threading.Event()

    def talk(peer: Peer) -> None:
        peer.head()
        asked.set()
        if peer.gone():
            gone.set()

    end = behind(Raw(talk=talk))
    client = end.connect()
    client.request("GET", "/poll", headers=end.authorized)
    assert asked.wait(PATIENCE)
    client.close()
    assert gone.wait(PATIENCE)


@pytest.mark.parametrize("head", [b"Content-Length: 1000\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_an_instance_that_breaks_off_breaks_the_client_s_connection(behind: Open, head: bytes) -> None:
    def talk(peer: Peer) -> None:
        peer.head()
        peer.socket.sendall(
            b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + (b"5\r\nhello\r\n" if b"chunked" in head else b"hello")
        )

    end = behind(Raw(talk=talk))
    with pytest.raises((IncompleteRead, ConnectionError)):
        end.request("GET", "/")


def test_an_instance_that_does_not_answer_is_a_502_that_says_so(behind: Open) -> None:
    end = behind(Raw(talk=lambda peer: None))
    response, body = end.request("POST", "/", b"x")
    assert response.status == 502
    assert "closed the connection" in json.loads(body)["error"]["message"]


def test_a_client_of_http_1_0_gets_the_whole_answer(behind: Open) -> None:
    end = behind(Raw(lambda head, body: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"))
    raw = end.raw(b"GET / HTTP/1.0\r\nHost: HOST\r\n\r\n")
    assert raw.endswith(b"\r\n\r\nok")
    assert b"chunked" not in raw


def test_many_requests_share_connections(behind: Open) -> None:
    end = behind()
    client = end.connect()
    for _ in range(20):
        client.request("GET", "/", headers=end.authorized)
        assert client.getresponse().read() == b"ok"
    client.close()
    assert end.instance.connections == 1
    assert end.gateway.requests["GET", 200] == 20


# a credential that is refused


def _first_refused(head: bytes, body: bytes) -> bytes:
    return _plain(b"no", status=b"401 No") if CANARY.encode() in head else _plain(b"fine " + body)


@pytest.mark.parametrize("body", [None, b"kept"])
def test_a_401_renews_the_credential_and_sends_the_request_once_more(behind: Open, body: bytes | None) -> None:
    end = behind(Raw(_first_refused), tokens=(CANARY, "new-token"))
    response, answer = end.request("POST", "/", body)
    assert (response.status, answer) == (200, b"fine " + (body or b""))
    assert len(end.instance.heads) == 2


def test_a_body_that_was_not_kept_is_not_sent_again_and_the_next_request_has_the_new_token(behind: Open) -> None:
    end = behind(Raw(_first_refused), tokens=(CANARY, "new-token"))
    response, answer = end.request("POST", "/", b"x" * 200_000)
    assert (response.status, answer) == (401, b"no")
    response, _ = end.request("GET", "/")
    assert response.status == 200
    assert len(end.instance.heads) == 2


def test_a_credential_that_stays_refused_is_asked_for_once(behind: Open) -> None:
    end = behind(Raw(lambda head, body: _plain(b"no", status=b"401 No")), tokens=(CANARY, CANARY, "never-asked-for"))
    for _ in range(3):
        response, _ = end.request("GET", "/")
        assert response.status == 401
    assert len(end.instance.heads) == 3
    assert end.tokens == ["never-asked-for"]
