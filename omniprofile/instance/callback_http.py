"""The HTTP layer of the login listener: its limits, and the page that a browser shows. DOOR: h11."""

import os
from asyncio import StreamReader, StreamWriter, timeout
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from http import HTTPStatus
from string import Template

import h11

from omniprofile.system.loopback_clients import PIECE
from omniprofile.system.loopback_peer import is_same_user

_MOST_BYTES = 128 * 1024
"""How much of one request is read, in bytes."""
_REQUEST_SECONDS = 5.0
"""How long a client may take to send its request."""


@dataclass(frozen=True, slots=True)
class Page:
    """The text of the page: a heading, a sentence, and what to do next. All plain text."""

    good: bool
    heading: str
    sentence: str
    then: str = "You can close this tab, and go back to your terminal."


@dataclass(frozen=True, slots=True)
class Reply:
    """The response to one request: status, page, and additional header fields."""

    status: int
    page: Page
    headers: dict[str, str] = field(default_factory=dict)


Respond = Callable[[str, str, Mapping[str, str], Callable[[int | None], bool]], Awaitable[Reply]]
"""Returns the reply to a method, target and header fields; the last argument tells whether a program of a given user asks."""


with open(os.path.join(os.path.dirname(__file__), "callback.html"), encoding="utf-8") as _file:
    _PAGE = Template(_file.read())
"""No scripts and nothing external; works with screen readers and in dark mode."""
_STYLE = _PAGE.template.partition("<style>")[2].partition("</style>")[0]
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}


async def answer(reader: StreamReader, writer: StreamWriter, known: Callable[[], object], respond: Respond) -> None:
    """Answer the only request of a connection with `respond` and close it. A client that has sent a request counts as known."""
    http = h11.Connection(h11.SERVER, _MOST_BYTES)
    method = b""
    try:
        async with timeout(_REQUEST_SECONDS):
            while (request := http.next_event()) is h11.NEED_DATA:
                http.receive_data(await reader.read(PIECE))
        if not isinstance(request, h11.Request):
            return
        known()
        method = request.method
        reply = await respond(
            method.decode("ascii"),
            request.target.decode("ascii"),
            {name.decode("ascii"): value.decode("latin-1") for name, value in request.headers},
            lambda uid: is_same_user(uid, writer.get_extra_info("peername")[:2], writer.get_extra_info("sockname")[:2]),
        )
        _send(http, writer, reply, has_body=method != b"HEAD")
        await writer.drain()
    except h11.RemoteProtocolError as problem:
        status = HTTPStatus(problem.error_status_hint)
        _send(http, writer, Reply(status, Page(False, status.phrase, "This request was not understood.", "")))
    except OSError:
        pass  # timed out, or the client has gone
    finally:
        writer.close()


def _send(http: h11.Connection, writer: StreamWriter, reply: Reply, *, has_body: bool = True) -> None:
    page = reply.page
    texts = {"heading": page.heading, "sentence": page.sentence, "then": page.then}
    kind, mark = ("ok", "&#10003;") if page.good else ("no", "!")
    body = _PAGE.substitute({name: escape(text) for name, text in texts.items()}, kind=kind, mark=mark).encode()
    fields = {**_HEADERS, **reply.headers, "Content-Length": str(len(body))}
    for event in (
        h11.Response(status_code=reply.status, headers=list(fields.items())),
        h11.Data(body if has_body else b""),
        h11.EndOfMessage(),
    ):
        writer.write(http.send(event) or b"")
