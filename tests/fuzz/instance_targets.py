"""Parsers of network input: the browser's callback, the token endpoint's answers, the metadata."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qsl

import httpx

from omniprofile.errors import Error
from omniprofile.instance.authorization_response import read_callback
from omniprofile.instance.callback import Listener
from omniprofile.instance.callback_http import Page, answer
from omniprofile.instance.client import Client
from omniprofile.instance.endpoints import USUAL, read_metadata
from omniprofile.instance.oauth_requests import AuthorizationRequest
from omniprofile.instance.responses import InvalidResponse, Response
from omniprofile.instance.token_endpoint import redeem, refresh
from omniprofile.instance.token_response import LONGEST_LIFETIME, OAuthError, error_of, read_token_response
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from tests.fuzz.choices import as_json

ACME = Origin("https", "acme.omniapp.co", 443)
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TOKEN_KEYS = (
    "access_token", "refresh_token", "token_type", "expires_in", "expires", "expires_at", "scope", "error", "error_description",
    "error_uri", "access_token", "state", "x",
)  # fmt: skip
METADATA_KEYS = ("issuer", "authorization_endpoint", "token_endpoint", "revocation_endpoint", "x")
STATE = "the-state-of-this-login"
_ATTEMPT = AuthorizationRequest("http://localhost:7777/callback", Secret(STATE), Secret("v" * 64))


def _is_shown(text: str | None) -> bool:
    """Whether a terminal can safely show it."""
    return text is None or text.isprintable()


def _check_error(problem: Error) -> None:
    assert _is_shown(problem.message), problem.message
    assert _is_shown(problem.hint), problem.hint


def callback(data: bytes) -> None:
    """The callback's query: accepted only with this login's state, once."""
    query = data.decode("latin-1")
    try:
        answer = read_callback(query, _ATTEMPT)
    except InvalidResponse:
        return
    states = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "state"]
    assert states == [STATE]
    assert answer.code is None or (answer.error is None and answer.code.reveal().isascii())
    assert _is_shown(answer.error)
    assert _is_shown(answer.description)


class _Writer:
    """One connection, whose client reads to the end."""

    def __init__(self) -> None:
        self.received = b""

    def write(self, part: bytes) -> None:
        self.received += part

    async def drain(self) -> None:
        pass

    def close(self) -> None:
        pass

    def get_extra_info(self, name: str) -> tuple[str, int]:
        return "127.0.0.1", 1


async def _answered(data: bytes, listener: Listener) -> bytes:
    reader, writer = asyncio.StreamReader(), _Writer()
    reader.feed_data(data)
    reader.feed_eof()
    await answer(reader, cast("Any", writer), lambda: None, listener.respond)
    return writer.received


def request(data: bytes) -> None:
    """A connection to the callback's port: one response that repeats no input; a login only with its state and our host."""
    taken, refused = list[object](), list[str]()
    listener = Listener(taken.append, refused.append)
    listener.show(Page(True, "Logged in", "All is well."))
    listener.request = _ATTEMPT
    listener.hosts = frozenset({"localhost:7777"})
    got = asyncio.run(_answered(data, listener))
    assert all(map(_is_shown, refused)), refused
    assert not (taken and refused)
    if taken:
        assert STATE.encode() in data or b"%" in data or b"+" in data
        assert b"localhost:7777" in data.lower()
    assert STATE.encode() not in got
    if b"HTTP/" in got[:5]:
        head, _, body = got.partition(b"\r\n\r\n")
        assert b"Content-Security-Policy: default-src 'none'" in head or b" 100 " in head
        assert not body or body.startswith(b"<!doctype html>"), body[:40]


class _Answering:
    """A client whose instance gives the same answer to everything."""

    def __init__(self, answer: Response) -> None:
        self._answer = answer

    def post_form(self, *_: object) -> Response:
        return self._answer


def token(data: bytes) -> None:
    """An answer of the token endpoint: tokens fit for a header, or an error that can be shown. Byte 1 is the status."""
    status = (200, 400, 401, 403, 429, 302, 500, 418)[data[0] % 8] if data else 200
    date, _, body = data[1:].partition(b"\n")
    body = as_json(body, TOKEN_KEYS)
    answer = Response(status, {"date": date.decode("latin-1"), "location": date.decode("latin-1")}, body, 1.0)
    error = error_of(body, [])
    assert error is None or (_is_shown(error.code) and _is_shown(error.description))
    with suppress(OAuthError, InvalidResponse):
        read_token_response(body)
    client = cast("Client", _Answering(answer))
    try:
        if data[:1] > b"\x7f":
            held = StoredSecret(ACME, Secret("t"), NOW, refresh_token=Secret("r"))
            granted = refresh(client, "prod", held, now=lambda: NOW)
        else:
            granted = redeem(client, ACME, USUAL, _ATTEMPT, Secret("code"), now=lambda: NOW)
    except Error as problem:
        _check_error(problem)
        return
    assert status == 200
    for secret in (granted.token, granted.refresh_token):
        assert secret is None or all("!" <= char <= "~" for char in secret.reveal())
    assert granted.scope is None or (granted.scope.isascii() and granted.scope.isprintable())
    assert granted.expires_at is not None
    assert NOW <= granted.expires_at <= NOW + LONGEST_LIFETIME


def metadata(data: bytes) -> None:
    """The OAuth metadata: every endpoint taken from it is on the instance's origin."""
    try:
        document = json.loads(as_json(data, METADATA_KEYS))
    except (ValueError, RecursionError):
        return
    if not isinstance(document, dict):
        return
    endpoints = read_metadata(document, ACME)
    assert all(map(_is_shown, endpoints.notices)), endpoints.notices
    for path in (endpoints.authorization, endpoints.token, endpoints.revocation):
        if path is not None:
            assert path[0] in "/?", path
            with suppress(httpx.InvalidURL):  # which the client reports
                url = httpx.URL(f"{ACME}{path}")
                assert (url.scheme, url.host, url.port, url.userinfo) == ("https", ACME.host, None, b""), url


INSTANCE_TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "callback": callback,
    "request": request,
    "token": token,
    "metadata": metadata,
}
