"""The HTTP server under the listener of a login: its limits, and the page that a browser shows."""

import errno
import socket
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock
from time import monotonic
from typing import IO, Protocol

from omniprofile.system.linux import is_same_user

_MOST_BYTES = 128 * 1024
"""How much of one request is read."""


_MOST_CONNECTIONS = 64
"""How many may be open that have not sent their request yet; the oldest makes room for one more."""


_REQUEST_SECONDS = 5.0
"""How long a connection may take to send its request."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows: a heading, a sentence, what to do. All plain text."""

    good: bool
    heading: str
    sentence: str
    then: str = "You can close this tab, and go back to your terminal."


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request gets: a status, a page, and further header fields."""

    status: int
    page: Page
    headers: dict[str, str] = field(default_factory=dict)


class Respond(Protocol):
    """What answers one request: `host` is None unless it names exactly one, `navigates` says that a person sees the answer."""

    def __call__(  # noqa: D102 - as above
        self, method: str, target: str, host: str | None, *, navigates: bool, is_same_user: Callable[[int | None], bool]
    ) -> Reply: ...


def render(page: Page) -> bytes:
    """The page as HTML: no script, nothing from elsewhere, every text escaped, fit for a screen reader and a dark screen."""
    colour, mark = ("ok", "&#10003;") if page.good else ("no", "!")
    then = f"<p>{escape(page.then)}</p>" if page.then else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(page.heading)} &#183; omniprofile</title><style>{_STYLE}</style></head>\n"
        f'<body><main><p class="mark {colour}" aria-hidden="true">{mark}</p><h1>{escape(page.heading)}</h1>'
        f"<p>{escape(page.sentence)}</p>{then}<footer>omniprofile</footer></main></body></html>\n"
    ).encode()


_STYLE = (
    ":root{color-scheme:light dark;--ink:#1c2330;--soft:#5b6472;--card:#fff;--ground:#eef1f6;--ok:#137a4b;--no:#b3261e}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8ebf0;--soft:#a3adbb;--card:#1e242d;--ground:#12161c;--ok:#4ccb8e;--no:#ff8a80}}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--ink);"
    "font:1.125rem/1.55 system-ui,sans-serif}"
    "main{background:var(--card);max-width:30rem;margin:1.5rem;padding:2.5rem 3rem;border-radius:1rem;text-align:center;"
    "box-shadow:0 .5rem 2rem #0002;overflow-wrap:anywhere}"
    ".mark{width:3.5rem;height:3.5rem;line-height:3.5rem;margin:0 auto 1rem;border-radius:50%;font-size:1.75rem;"
    "font-weight:700;color:var(--card)}.ok{background:var(--ok)}.no{background:var(--no)}"
    "h1{font-size:1.6rem;margin:0 0 .75rem}p{margin:.5rem 0}footer{margin-top:2rem;color:var(--soft);font-size:.9rem}"
)


_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}


class Server(ThreadingHTTPServer):
    """One listening socket, each connection in a thread of its own, within the limits above."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, respond: Respond) -> None:
        super().__init__(listening.getsockname()[:2], _handler(respond), bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self._count = Lock()
        self._sending: dict[socket.socket, float] = {}
        """Connections that have not sent their request yet, with when they came."""
        self._open = 0
        self._changed = Event()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection. Without a free descriptor, leave those that are open time to end."""
        try:
            return super().get_request()
        except OSError as problem:
            if problem.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                Event().wait(0.1)
            raise

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        """Handle a connection in a thread, unless too many are open: then the oldest that says nothing makes room."""
        with self._count:
            self._open += 1
            self._sending[request] = monotonic()
            crowded = len(self._sending) > _MOST_CONNECTIONS
        if crowded:
            self._drop(next(iter(self._sending)))
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Drop the connections that take too long to say what they want."""
        now = monotonic()
        for connection, since in list(self._sending.items()):
            if now - since > _REQUEST_SECONDS:
                self._drop(connection)

    def has_sent(self, connection: socket.socket) -> None:
        """Take note that a request has come."""
        with self._count:
            self._sending.pop(connection, None)

    def _drop(self, connection: socket.socket) -> None:
        self.has_sent(connection)
        try:
            connection.shutdown(socket.SHUT_RDWR)  # its thread sees the end, and closes it
        except OSError:
            return  # it has ended by itself

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """Close a connection, and count it off."""
        super().shutdown_request(request)
        self.has_sent(request)
        with self._count:
            self._open -= 1
        self._changed.set()

    def wait(self, seconds: float) -> None:
        """Let pages that are on their way arrive, but no longer than `seconds`."""
        end = monotonic() + seconds
        while self._open > len(self._sending) and monotonic() < end:
            self._changed.wait(0.05)
            self._changed.clear()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that breaks off."""


class _Bounded:
    """A stream that ends after so many bytes, whoever goes on sending."""

    def __init__(self, stream: IO[bytes], left: int) -> None:
        self._stream = stream
        self._left = left

    def readline(self, size: int = -1) -> bytes:
        """Read a line, or what there is of it within the limit."""
        line = self._stream.readline(self._left if size < 0 else min(size, self._left))
        self._left -= len(line)
        return line

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._stream.closed


def _handler(respond: Respond) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_SECONDS
        server_version = "omniprofile"
        sys_version = ""

        def setup(self) -> None:
            super().setup()
            self.rfile = _Bounded(self.rfile, _MOST_BYTES)  # type: ignore[assignment,arg-type]  # what is used of it

        def _any(self) -> None:
            self.server.has_sent(self.connection)  # type: ignore[attr-defined]  # a Server
            hosts = self.headers.get_all("Host") or []
            purpose = f"{self.headers.get('Sec-Purpose', '')} {self.headers.get('Purpose', '')}"
            reply = respond(
                self.command,
                self.path,
                hosts[0].strip() if len(hosts) == 1 else None,
                navigates=self.headers.get("Sec-Fetch-Mode") == "navigate" and not purpose.strip(),
                is_same_user=lambda uid: is_same_user(uid, self.client_address[:2], self.connection.getsockname()[:2]),
            )
            self._send(reply)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _any

        def _send(self, reply: Reply) -> None:
            body = render(reply.page)
            self.send_response(reply.status)
            for name, value in {**_HEADERS, **reply.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.close_connection = True

        def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
            """Answer what cannot be parsed with the same page, that repeats nothing of it."""
            self.command = self.command or "GET"
            try:
                phrase = HTTPStatus(code).phrase
            except ValueError:
                phrase = "Not understood"
            self._send(Reply(code, Page(False, phrase, "This request was not understood.", "")))

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the request line holds the code."""

    return Handler
