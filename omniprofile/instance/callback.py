"""The loopback listener that the browser starts at and comes back to (RFC 8252, section 7.3), and the page that it shows.

It listens on 127.0.0.1 and, where the machine has IPv6, on ::1, both on one port, because `localhost` may mean either.

`/start/NONCE` sends the browser to the instance, once, and only a program of the same user: the browser's command line, which
everybody may read, holds nothing else. One callback that answers this login is taken; the page that it gets waits for how the
login ends, and a repeat of it gets the same page, for browsers fetch ahead what they show later. Everything else is refused and
the login goes on: other paths and methods, a foreign Host (a page that had its name point here), another login's state.
"""

import errno
import hmac
import socket
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Event, Lock, Thread
from time import monotonic
from types import TracebackType
from typing import IO, Self

from omniprofile.errors import Error, LoginFailed
from omniprofile.instance.oauth import (
    CALLBACK_PATH,
    AuthorizationRequest,
    Callback,
    InvalidResponse,
    new_authorization_request,
    read_callback,
)
from omniprofile.model.names import printable
from omniprofile.system.loopback import listen
from omniprofile.system.peers import is_same_user

_LONGEST_TARGET = 8192
_MOST_BYTES = 128 * 1024
"""How much of one request is read."""
_MOST_CONNECTIONS = 64
"""How many may be open that have not sent their request yet; the oldest makes room for one more."""
_REQUEST_SECONDS = 5.0
"""How long a connection may take to send its request."""
_PAGE_SECONDS = 90.0
"""How long a browser waits for the page that says how the login ended."""
_REPEAT_SECONDS = 5.0
"""How long after the callback a repeat of it is still answered."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows: a heading, a sentence, what to do. All plain text."""

    good: bool
    heading: str
    sentence: str
    then: str = "You can close this tab, and go back to your terminal."


class Taken:
    """The callback that was taken. Its browser waits until `show` is called once."""

    def __init__(self, callback: Callback, query: str, *, shown_at_once: bool) -> None:
        self.callback = callback
        self.query = query
        self.until = monotonic() + (0.0 if shown_at_once else _REPEAT_SECONDS)
        """When no repeat is expected any more. A browser that shows what it asked for asks no second time."""
        self._page: Page | None = None
        self._ready = Event()

    def show(self, page: Page) -> None:
        """Let the browser show `page`, unless it was told already what to show."""
        if not self._ready.is_set():
            self._page = page
            self._ready.set()

    def page(self) -> Page:
        """Return the page, once it is known."""
        if self._ready.wait(_PAGE_SECONDS) and self._page is not None:
            return self._page
        return Page(False, "No answer", "The terminal did not say how the login ended.", "Look there.")


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request gets: a status, a page, and further header fields."""

    status: int
    page: Page
    headers: dict[str, str] = field(default_factory=dict)


class Listener:
    """The listener, as a context manager.

    What it takes, or an error that ends the login, goes to `put`; `notify` gets a sentence for each kind of request that it
    refuses. `port` is 0 for any; `uid` is the user whose browser may start, None where users have no numbers.
    """

    def __init__(
        self,
        put: Callable[[Taken | Error], None],
        notify: Callable[[str], None],
        *,
        port: int = 0,
        uid: int | None = None,
    ) -> None:
        self._put = put
        self._notify = notify
        self._wanted_port = port
        self._uid = uid
        self._lock = Lock()
        self._taken: Taken | None = None
        self._started = False
        self._start_path = f"/start/{token_urlsafe(24)}"
        self._authorization_url = ""
        self._servers: list[_Server] = []
        self._kinds_told: set[str] = set()
        self.rejected = 0
        """How many requests were refused."""
        self.rejected_callbacks = 0
        """How many of them came for the callback and were not this login's."""

    def __enter__(self) -> Self:
        """Listen. Raises CannotListen."""
        sockets = listen(self._wanted_port)
        self.port: int = sockets[0].getsockname()[1]
        self.request: AuthorizationRequest = new_authorization_request(f"http://localhost:{self.port}{CALLBACK_PATH}")
        self._hosts = {f"{name}:{self.port}" for name in ("localhost", "127.0.0.1", "[::1]")}
        self._host = "127.0.0.1" if sockets[0].family == socket.AF_INET else "[::1]"
        for listening in sockets:
            server = _Server(listening, self)
            self._servers.append(server)
            Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop listening, after answering repeats of the callback. A browser that still waits is told that the login ended."""
        if self._taken is not None:
            self._taken.show(
                Page(False, "Not logged in", "The login ended before it was complete.", "Look at your terminal.")
            )
            if problem is None or isinstance(problem, Error):
                with suppress(KeyboardInterrupt):  # the login has ended all the same
                    Event().wait(max(0.0, self._taken.until - monotonic()))
        for server in self._servers:
            server.shutdown()
            server.socket.close()
        for server in self._servers:
            server.wait(2.0)
        if self.rejected > len(self._kinds_told):
            self._notify(f"{self.rejected} requests that were no part of this login were refused")

    def start_at(self, authorization_url: str) -> str:
        """Return the one-time address that sends the browser to `authorization_url`."""
        self._authorization_url = authorization_url
        return f"http://{self._host}:{self.port}{self._start_path}"

    def respond(
        self,
        method: str,
        target: str,
        host: str | None,
        *,
        navigates: bool = False,
        is_same_user: Callable[[int | None], bool] = lambda _: True,
    ) -> Reply:
        """Return the reply to one request. `navigates`: a browser says that it shows what it asks for."""
        if host is None or host.lower() not in self._hosts:
            self._reject("host", f"a request for another host was refused (`{printable(host or 'none', 60)}`)")
            return Reply(421, Page(False, "Not here", "This address answers to localhost alone.", ""))
        if len(target) > _LONGEST_TARGET:
            self._reject("length", "a request with an address that is too long was refused")
            return Reply(414, Page(False, "Too long", "The address is too long.", ""))
        path, _, query = target.partition("?")
        is_start = hmac.compare_digest(path.encode(), self._start_path.encode())
        if path != CALLBACK_PATH and not is_start:
            if path != "/favicon.ico":
                shown = "/start/…" if path.startswith("/start/") else printable(path, 60)
                self._reject("path", f"a request for another path was refused (`{shown}`)")
            return Reply(404, Page(False, "Nothing here", "There is no such page.", ""))
        if method != "GET":
            self._reject("method", f"a request with another method was refused (`{printable(method, 20)}`)")
            return Reply(405, Page(False, "Not so", "A login is made by GET.", ""), {"Allow": "GET"})
        return self._start(is_same_user) if is_start else self._call_back(query, navigates=navigates)

    def _start(self, is_same_user: Callable[[int | None], bool]) -> Reply:
        if not is_same_user(self._uid):
            self._reject("user", "a program of another user asked where this login goes, and was refused")
            return Reply(403, Page(False, "Not yours", "This login belongs to another user of this machine.", ""))
        with self._lock:
            again, self._started = self._started, True
        if not again:
            page = Page(True, "Log in", "Your browser goes on to the login page.", "")
            return Reply(303, page, {"Location": self._authorization_url})
        if self._taken is None:
            self._put(
                LoginFailed(
                    "the one-time address of this login was opened a second time",
                    hint="run the login again; if it happens again, another program reads what the browser is told to open: "
                    "visit the address yourself, with `--no-browser`",
                )
            )
        page = Page(False, "Used already", "This address works once.", "Look at your terminal.")
        return Reply(410, page)

    def _call_back(self, query: str, *, navigates: bool) -> Reply:
        try:
            callback = read_callback(query, self.request)
        except InvalidResponse as problem:
            self.rejected_callbacks += 1
            self._reject(str(problem), f"a request that is no answer to this login was refused: {problem}")
            sentence = "This page belongs to another login, or to none: an old tab, or a copy of an address."
            return Reply(400, Page(False, "Not this login", sentence, "Go back to the tab that your terminal opened."))
        with self._lock:
            first = self._taken is None
            if self._taken is None:
                self._taken = Taken(callback, query, shown_at_once=navigates)
            taken = self._taken
        if first:
            self._put(taken)
        elif query != taken.query:
            self._reject("second", "a second answer to this login was refused")
            return Reply(409, Page(False, "Answered already", "This login has its answer.", "Look at your terminal."))
        page = taken.page()
        return Reply(200 if page.good else 400, page)

    def _reject(self, kind: str, sentence: str) -> None:
        """Count a request, and say it if it is the first of its kind: others may send thousands."""
        self.rejected += 1
        if kind not in self._kinds_told:
            self._kinds_told.add(kind)
            self._notify(sentence)


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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listening: socket.socket, listener: Listener) -> None:
        super().__init__(listening.getsockname()[:2], _handler(listener), bind_and_activate=False)
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


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_SECONDS
        server_version = "omniprofile"
        sys_version = ""

        def setup(self) -> None:
            super().setup()
            self.rfile = _Bounded(self.rfile, _MOST_BYTES)  # type: ignore[assignment,arg-type]  # what is used of it

        def _any(self) -> None:
            self.server.has_sent(self.connection)  # type: ignore[attr-defined]  # a _Server
            hosts = self.headers.get_all("Host") or []
            purpose = f"{self.headers.get('Sec-Purpose', '')} {self.headers.get('Purpose', '')}"
            reply = listener.respond(
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
