"""Requests that a gateway refuses: without token, for another host, malformed, or forbidden by a read-only profile."""

import base64
import gzip
import json
import sys
import zlib
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from http.client import HTTPException, HTTPResponse

import pytest

from omniprofile.model.declaration import Access
from omniprofile.system import loopback_clients
from tests.conftest import CANARY
from tests.gateway.conftest import Open, Raw


def _status(answer: bytes) -> int:
    return int(answer.split(b" ")[1]) if answer else 0


@pytest.mark.parametrize(
    "field",
    [
        b"", b"Authorization: Bearer \r\n", b"Authorization: Bearer x\r\n", b"Authorization: Basic TOKEN\r\n",
        b"Authorization: TOKEN\r\n", b"Authorization: Bearer TOKENx\r\n", b"Authorization: Bearer\xff\r\n",
        b"Proxy-Authorization: Bearer TOKEN\r\n", b"X-Authorization: Bearer TOKEN\r\n",
        b"Authorization: Bearer TOKEN\r\nAuthorization: Bearer TOKEN\r\n",
        b"Authorization: Bearer x\r\nAuthorization: Bearer TOKEN\r\n",
    ],
)  # fmt: skip
def test_nothing_passes_without_the_token(behind: Open, field: bytes) -> None:
    end = behind()
    field = field.replace(b"TOKEN", end.gateway.token.encode())
    answer = end.raw(b"GET /?token=TOKEN HTTP/1.1\r\nHost: HOST\r\n" + field + b"\r\n", token=False)
    assert _status(answer) == 401
    assert b"\r\nWWW-Authenticate: Bearer\r\n" in answer
    assert end.instance.heads == []


@pytest.mark.parametrize(
    "host",
    [
        b"acme.omniapp.co",
        b"127.0.0.1",
        b"127.0.0.1:1",
        b"localhost",
        b"evil.example:PORT",
        b"127.0.0.1:PORT.evil.example",
        b"",
    ],
)
def test_another_host_is_refused(behind: Open, host: bytes) -> None:
    end = behind()
    host = host.replace(b"PORT", str(end.gateway.port).encode())
    assert _status(end.raw(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")) == 421
    assert end.instance.heads == []


@pytest.mark.parametrize("host", [b"127.0.0.1:PORT", b"localhost:PORT", b"Localhost:PORT", b"[::1]:PORT"])
def test_its_own_names_are_known(behind: Open, host: bytes) -> None:
    end = behind()
    host = host.replace(b"PORT", str(end.gateway.port).encode())
    assert _status(end.raw(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")) == 200


@pytest.mark.parametrize(
    "line",
    [
        b"GET http://evil.example/ HTTP/1.1",
        b"GET https://HOST/ HTTP/1.1",
        b"CONNECT evil.example:443 HTTP/1.1",
        b"GET * HTTP/1.1",
        b"OPTIONS ** HTTP/1.1",
    ],
)
def test_it_is_not_a_proxy(behind: Open, line: bytes) -> None:
    end = behind()
    assert _status(end.raw(line + b"\r\nHost: HOST\r\n\r\n")) == 400
    assert end.instance.heads == []


SMUGGLED = {
    "both ends": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "list of lengths": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4, 5\r\n\r\nabcd",
    "signed length": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: +4\r\n\r\nabcd",
    "hexadecimal length": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0x4\r\n\r\nabcd",
    "odd coding": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two codings": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding twice": b"PUT / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "coding in 1.0": b"POST / HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "space before colon": b"GET / HTTP/1.1\r\nHost: HOST\r\nX : y\r\n\r\n",
    "folded": b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\r\n b\r\n\r\n",
    "folded coding": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "folded by tab": b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\r\n\tb\r\n\r\n",
    "first field folded": b"GET / HTTP/1.1\r\n X: a\r\nHost: HOST\r\n\r\n",
    "NUL in value": b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\0b\r\n\r\n",
    "NUL in name": b"GET / HTTP/1.1\r\nHost: HOST\r\nX\0: a\r\n\r\n",
    "NUL in target": b"GET /\0 HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "bare CR": b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\rY: b\r\n\r\n",
    "bare LF": b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\nY: b\r\n\r\n",
    "only LF": b"GET / HTTP/1.1\nHost: HOST\n\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "space in target": b"GET /a b HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "other version": b"GET / HTTP/2.0\r\nHost: HOST\r\n\r\n",
    "no version": b"GET /\r\nHost: HOST\r\n\r\n",
    "not ASCII": b"GET /\xc3\xbc HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "empty coding": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: \r\nContent-Length: 2\r\n\r\nhi",
    "odd space before coding": b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "length of other digits": "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: ٤\r\n\r\nabcd".encode(),
    "length with a line": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1_0\r\n\r\nabcdefghij",
    "endless length": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n",
    "tabs": b"GET\t/\tHTTP/1.1\r\nHost: HOST\r\n\r\n",
    "TLS": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
}


@pytest.mark.parametrize("request_", SMUGGLED.values(), ids=SMUGGLED)
def test_a_request_that_can_be_read_in_two_ways_is_refused(behind: Open, request_: bytes) -> None:
    end = behind()
    assert 400 <= _status(end.raw(request_)) <= 505
    assert end.instance.heads == []


@pytest.mark.parametrize("second", [SMUGGLED["folded"], SMUGGLED["bare LF"], SMUGGLED["both ends"]])
def test_so_is_one_that_comes_behind_another(behind: Open, second: bytes) -> None:
    end = behind()
    host, token = f"127.0.0.1:{end.gateway.port}".encode(), end.gateway.token.encode()
    first = b"POST /first HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer TOKEN\r\nContent-Length: 2\r\n\r\nhi"
    line, _, rest = second.partition(b"\r\n")
    second = line + b"\r\nAuthorization: Bearer TOKEN\r\n" + rest
    with end.dial() as client:
        client.sendall((first + second).replace(b"HOST", host).replace(b"TOKEN", token))
        answer = b""
        while part := client.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400 " in answer
    assert [head.split(b" ")[1] for head in end.instance.heads] == [b"/first"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\n" + b"".join(b"X%d: 1\r\n" % at for at in range(300)) + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 100_000, 431),
    ],
    ids=["address", "fields", "field", "no end"],
)
def test_heads_are_bounded(behind: Open, request_: bytes, status: int) -> None:
    end = behind()
    assert _status(end.raw(request_)) == status
    assert end.instance.heads == []


@pytest.mark.parametrize("name", ["Transfer_Encoding", "Content_Length", "Proxy_Authorization", "X_Named"])
def test_fields_that_some_servers_read_with_a_hyphen_are_dropped_as_with_one(behind: Open, name: str) -> None:
    end = behind()
    end.raw(f"GET / HTTP/1.1\r\nHost: HOST\r\nConnection: close, X-Named\r\n{name}: 1\r\n\r\n".encode())
    assert end.instance.heads
    assert name not in {field for field, _ in end.instance.fields()}


@pytest.mark.skipif(sys.platform == "win32", reason="a client resets there what it has not read")
def test_connections_without_a_token_cannot_block_those_with_one(behind: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback_clients, "_MOST_UNKNOWN", 20)
    end = behind()
    with ExitStack() as open_ones:
        trusted = open_ones.enter_context(closing(end.connect()))
        trusted.request("GET", "/", headers=end.authorized)
        assert trusted.getresponse().read() == b"ok"
        silent = [open_ones.enter_context(end.dial()) for _ in range(60)]
        for client in silent[:40]:
            with suppress(ConnectionResetError):
                assert client.recv(1) == b""
        assert end.request("GET", "/")[0].status == 200
        trusted.request("GET", "/", headers=end.authorized)
        assert trusted.getresponse().read() == b"ok"
        silent[-1].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _status(silent[-1].recv(65536)) == 421


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 204 No Content\r\n\r\n"]
)
def test_bytes_beyond_a_response_never_answer_another_request(behind: Open, answer: bytes) -> None:
    end = behind(Raw(lambda _, __: answer + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"))
    assert {end.request("GET", "/")[1] for _ in range(4)} == {answer.partition(b"\r\n\r\n")[2]}


@pytest.mark.parametrize("method", ["TRACE", "TRACK"])
def test_a_method_that_sends_the_request_back_is_refused(behind: Open, method: str) -> None:
    end = behind()
    assert end.request(method, "/")[0].status == 405


# the token in an answer


_SLASHED = CANARY + "/+=/x"
_SPELLED = {
    "as it is": (CANARY, CANARY.encode()),
    "with slashes": (_SLASHED, _SLASHED.encode()),
    "in an address": (_SLASHED, CANARY.encode() + b"%2F%2B%3D%2Fx"),
    "in an address, small letters": (_SLASHED, CANARY.encode() + b"%2f%2b%3d%2fx"),
    "in JSON": (_SLASHED, CANARY.encode() + rb"\/+=\/x"),
    "in JSON for HTML": (_SLASHED, CANARY.encode() + rb"/\u002B=/x"),
    "in HTML by Go": (_SLASHED, CANARY.encode() + b"/&#43;=/x"),
    "in HTML by Handlebars": (_SLASHED, CANARY.encode() + b"&#x2F;+&#x3D;&#x2F;x"),
    "in hexadecimal": (CANARY, CANARY.encode().hex().encode()),
    "in hexadecimal, capitals": (CANARY, CANARY.encode().hex().upper().encode()),
    "in HTML by Python": (CANARY + "&'x", CANARY.encode() + b"&amp;&#x27;x"),
}


@pytest.mark.parametrize("spelled", _SPELLED)
@pytest.mark.parametrize("cut", range(1, len(CANARY), 7))
def test_an_instance_that_repeats_the_token_is_masked(behind: Open, spelled: str, cut: int) -> None:
    token, repeated = _SPELLED[spelled]
    pieces = [b"0123456789" + repeated[:cut], repeated[cut:], b"9876543210"]
    first = b"HTTP/1.1 200 OK\r\nX-Echo: Bearer " + repeated + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    end = behind(Raw(lambda head, body: first + chunks), tokens=(token,))
    response, body = end.request("GET", "/")
    assert response.getheader("X-Echo") == "Bearer " + "*" * len(repeated)
    assert body == b"0123456789" + b"*" * len(repeated) + b"9876543210"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize("after", range(3))
def test_an_instance_that_repeats_it_in_base64_gives_at_most_its_edges(
    behind: Open, encode: Callable[[bytes], bytes], before: int, after: int
) -> None:
    token = _SLASHED + "?>~" * 3
    repeated = encode(b"b" * before + token.encode() + b"a" * after)
    answer = b"HTTP/1.1 200 OK\r\nX-Echo: %s\r\nContent-Length: %d\r\n\r\n%s" % (repeated, len(repeated), repeated)
    response, body = behind(Raw(lambda _, __: answer), tokens=(token,)).request("GET", "/")
    assert response.getheader("X-Echo") == body.decode()
    assert len(body) == len(repeated)
    assert b"*" * (len(repeated) - 8) in body


def test_a_program_cannot_ask_for_the_token_in_pieces(behind: Open) -> None:
    end = behind()
    end.request("GET", "/", Range="bytes=0-9", If_Range='"1"', Request_Range="bytes=0-9")
    assert not {"Range", "If-Range", "Request-Range"} & {field for field, _ in end.instance.fields()}
    answer = b"HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: 0\r\n\r\n"
    response, _ = behind(Raw(lambda _, __: answer)).request("GET", "/")
    assert response.getheader("Accept-Ranges") is None


def test_a_reason_and_a_name_that_repeat_it_are_masked(behind: Open) -> None:
    answer = f"HTTP/1.1 400 no {CANARY} here\r\n{CANARY}: 1\r\nContent-Length: 0\r\n\r\n".encode()
    got = behind(Raw(lambda _, body: answer)).raw(b"GET / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")
    stars = b"*" * len(CANARY)
    assert got.startswith(b"HTTP/1.1 400 no " + stars + b" here\r\n" + stars + b": 1\r\n")


def _deflated(data: bytes) -> bytes:
    """Return data as deflate without zlib's header, which browsers and HTTP libraries read too."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


_PACKED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "old name": ("X-GZip", gzip.compress),
    "stored": ("gzip", lambda data: gzip.compress(data, 0)),
    "second member": ("gzip", lambda data: gzip.compress(b"x" * 70_000) + gzip.compress(data)),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("identity, deflate", _deflated),
    "not packed": ("gzip", lambda data: data),
    "unknown word": ("utf-8", lambda data: data),
}


def _answered(behind: Open, coding: str, body: bytes) -> tuple[HTTPResponse, bytes]:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding.encode(), len(body))
    return behind(Raw(lambda _, __: head + body)).request("GET", "/")


@pytest.mark.parametrize("form", _PACKED)
@pytest.mark.parametrize("before", [0, 65_500, 65_536, 200_000])
def test_a_compressed_answer_never_repeats_it(behind: Open, form: str, before: int) -> None:
    coding, pack = _PACKED[form]
    packed = pack(b"x" * before + CANARY.encode() + b"*" * 100)
    try:
        _, body = _answered(behind, coding, packed)
    except (HTTPException, ConnectionError):
        return  # cut off
    assert body == packed.replace(CANARY.encode(), b"*" * len(CANARY)) != packed


@pytest.mark.parametrize("form", _PACKED)
def test_a_compressed_answer_without_it_passes_unchanged(behind: Open, form: str) -> None:
    coding, pack = _PACKED[form]
    packed = pack(CANARY[:-1].encode() + b"*" * 100 + bytes(range(256)) * 1000)
    response, body = _answered(behind, coding, packed)
    assert (response.getheader("Content-Encoding"), body) == (coding, packed)


@pytest.mark.parametrize("coding", ["br", "ZSTD", "gzip, br", "gzip, gzip", "compress"])
def test_an_answer_that_cannot_be_searched_is_refused(behind: Open, coding: str) -> None:
    response, body = _answered(behind, coding, CANARY.encode())
    assert (response.status, _error(body)["code"]) == (502, "unsearched-encoding")


def test_an_answer_without_a_body_passes_whatever_its_encoding(behind: Open) -> None:
    answer = b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: br\r\n\r\n"
    assert behind(Raw(lambda _, __: answer)).request("GET", "/")[0].status == 304


@pytest.mark.parametrize(
    ("accepted", "asked"),
    [
        ("gzip, deflate", "gzip, deflate"),
        ("gzip;q=1.0,identity; q=0.5", "gzip;q=1.0,identity; q=0.5"),
        ("br, gzip, deflate, zstd", "gzip, deflate"),
        ("gzip;q=0.5, *;q=0.1", "gzip;q=0.5"),
        ("gzip, a-word;q=0.3", "gzip, a-word;q=0.3"),
        ("BR", "identity"),
        ("*", "identity"),
    ],
)
def test_the_instance_is_asked_for_what_can_be_searched(behind: Open, accepted: str, asked: str) -> None:
    end = behind()
    end.request("GET", "/", Accept_Encoding=accepted)
    assert ("Accept-Encoding", asked) in end.instance.fields()


# read-only


def _error(body: bytes) -> dict[str, str]:
    error: dict[str, str] = json.loads(body)["error"]
    return error


def test_a_read_only_gateway_says_which_rule_refuses_and_how_to_allow_it(behind: Open) -> None:
    end = behind(access="read-only")
    assert end.request("GET", "/api/v1/models")[0].status == 200
    assert end.request("POST", "/api/v1/query/run", b"{}")[0].status == 200
    response, body = end.request("POST", "/api/v1/models?x=1", b"{}")
    assert (response.status, response.getheader("Content-Type")) == (403, "application/json")
    assert _error(body)["rule"] == "read-only"
    assert 'add "POST /api/v1/models" to `allow` in `[profiles.prod]`' in _error(body)["hint"]
    assert end.records == [{"refused": {"method": "POST", "path": "/api/v1/models"}}]
    end.gateway.__exit__(None, None, None)
    requests = {"GET": {"200": 1}, "POST": {"200": 1, "403": 1}}
    assert end.records[1:] == [{"requests": requests}]
    assert len(end.instance.heads) == 2


def test_methods_that_a_program_makes_up_are_counted_together(behind: Open) -> None:
    end = behind()
    for number in range(50):
        assert end.request(f"M{number}{end.gateway.token}", "/")[0].status == 200
    end.request("GET", "/")
    end.gateway.__exit__(None, None, None)
    assert end.records == [{"requests": {"GET": {"200": 1}, "other": {"200": 50}}}]


def test_allowed_requests_pass(behind: Open) -> None:
    end = behind(access="read-only", allow=("POST /mcp/https", "DELETE /api/v1/schedules/{id}"))
    assert end.request("POST", "/mcp/https", b"{}")[0].status == 200
    assert end.request("DELETE", "/api/v1/schedules/7")[0].status == 200
    assert end.request("DELETE", "/api/v1/schedules/7/x")[0].status == 403


@pytest.mark.parametrize("target", ["//api", "/a/../b", "/a;b", "/a%2fb", "/a%2e%2e/", "/%2e/", "/a\\b", "/a%c0%ae"])
def test_a_path_in_disguise_is_refused(behind: Open, target: str) -> None:
    end = behind(access="read-only")
    response, body = end.request("GET", target)
    assert (response.status, _error(body)["rule"]) == (403, "path")


def test_fields_that_ask_for_another_method_or_path_are_dropped(behind: Open) -> None:
    fields = {
        "X_HTTP_Method_Override": "DELETE",
        "x_http_method": "PUT",
        "X_Method_Override": "PUT",
        "X_Original_URL": "/",
        "X_Rewrite_URL": "/",
        "X_Forwarded_Method": "PUT",
        "X_Original_Method": "PUT",
        "X_Override_URL": "/",
        "X_Original_URI": "/",
        "X_Forwarded_URI": "/",
    }
    end = behind(access="read-only")
    written = {name.replace("_", "-"): value for name, value in fields.items()}
    end.raw(_post("/api/v1/query/run", {**fields, **written}))
    assert not {name.replace("_", "-").lower() for name in fields} & {name.lower() for name, _ in end.instance.fields()}
    other = behind()
    other.raw(_post("/", {**fields, **written}))
    assert {*fields, *written} <= {name for name, _ in other.instance.fields()}


def _post(path: str, fields: dict[str, str]) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: HOST",
        "Connection: close",
        *(f"{name}: {fields[name]}" for name in fields),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("access", ["gateway", "read-only"])
def test_the_options_of_the_instance_as_a_whole_can_be_asked_for(behind: Open, access: Access) -> None:
    end = behind(access=access)
    assert end.request("OPTIONS", "*")[0].status == 200
    assert end.instance.heads[0].startswith(b"OPTIONS * HTTP/1.1\r\n")
