"""The loopback listener that the browser comes back to (RFC 8252, section 7.3), and the page that it shows there.

It listens on 127.0.0.1 and, where the machine has IPv6, on ::1, both on one port, because `localhost` may mean either. One
request that answers this login is taken; the page that it gets waits for how the login ends. Everything else is refused and
the login goes on: other paths and methods, a foreign Host (a page that had its name point here), another login's state.
"""

import errno
import socket
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from omniprofile.instance.oauth import (
    CALLBACK_PATH,
    AuthorizationRequest,
    Callback,
    InvalidResponse,
    new_authorization_request,
    read_callback,
)
from omniprofile.model.names import printable

_LONGEST_TARGET = 8192
_CONNECTION_SECONDS = 10
_PAGE_SECONDS = 90.0
"""How long a browser waits for the page that says how the login ended."""
_ATTEMPTS = 30


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows: a heading, a sentence, what to do. All plain text."""

    good: bool
    heading: str
    sentence: str
    then: str = "You can close this tab, and go back to your terminal."


class Answer:
    """One callback that was taken. Its browser waits until `show` is called once."""

    def __init__(self, callback: Callback) -> None:
        self.callback = callback
        self._page: Page | None = None
        self._ready = Event()

    def show(self, page: Page) -> None:
        """Let the browser show `page`, unless it was told already what to show."""
        if not self._ready.is_set():
            self._page = page
            self._ready.set()

    def page(self) -> Page:
        """The page, once it is known."""
        if self._ready.wait(_PAGE_SECONDS) and self._page is not None:
            return self._page
        return Page(False, "No answer", "The terminal did not say how the login ended.", "Look there.")


class CannotListen(Exception):
    """No loopback port can be listened on. `str()` says why in a few words."""


class Listener:
    """The listener, as a context manager. What it takes is put into `answers`; `refused` is told of what it does not take."""

    def __init__(self, answers: "Queue[Answer | str]", refused: Callable[[str], None]) -> None:
        self._answers = answers
        self._refused = refused
        self._lock = Lock()
        self._taken: Answer | None = None
        self._servers: list[_Server] = []
        self.strays = 0
        """How many requests came for the callback that were not this login's."""

    def __enter__(self) -> Self:
        """Listen on a free port. Raises CannotListen."""
        sockets = _listen()
        self.port: int = sockets[0].getsockname()[1]
        self.attempt: AuthorizationRequest = new_authorization_request(f"http://localhost:{self.port}{CALLBACK_PATH}")
        self._hosts = {f"{name}:{self.port}" for name in ("localhost", "127.0.0.1", "[::1]")}
        for listening in sockets:
            server = _Server(listening, self)
            self._servers.append(server)
            Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop listening. A browser that still waits for its page is told that the login ended."""
        self.close()
        if self._taken is not None:
            self._taken.show(
                Page(False, "Not logged in", "The login ended before it was complete.", "Look at your terminal.")
            )
        for server in self._servers:
            server.wait(2.0)

    def close(self) -> None:
        """Take no more requests; those that are being answered get their answer."""
        for server in self._servers:
            server.shutdown()
            server.socket.close()

    def respond(self, method: str, target: str, host: str | None) -> tuple[int, Page, str]:
        """The status, the page and further header lines for one request."""
        if host is None or host.lower() not in self._hosts:
            self._refuse(f"a request for another host was refused (`{printable(host or 'none', 60)}`)")
            return 421, Page(False, "Not here", "This address answers to localhost alone.", ""), ""
        if len(target) > _LONGEST_TARGET:
            self._refuse("a request with an address that is too long was refused")
            return 414, Page(False, "Too long", "The address is too long.", ""), ""
        path, _, query = target.partition("?")
        if path != CALLBACK_PATH:
            if path != "/favicon.ico":
                self._refuse(f"a request for another path was refused (`{printable(path, 60)}`)")
            return 404, Page(False, "Nothing here", "There is no such page.", ""), ""
        if method != "GET":
            self._refuse(f"a request with another method was refused (`{printable(method, 20)}`)")
            return 405, Page(False, "Not so", "The answer of a login comes by GET.", ""), "GET"
        try:
            callback = read_callback(query, self.attempt)
        except InvalidResponse as problem:
            self.strays += 1
            self._refuse(f"a request that is no answer to this login was refused: {problem}")
            sentence = "This page belongs to another login, or to none: an old tab, or a copy of an address."
            return 400, Page(False, "Not this login", sentence, "Go back to the tab that your terminal opened."), ""
        with self._lock:
            if self._taken is not None:
                self._refuse("a second answer to this login was refused")
                return 409, Page(False, "Answered already", "This login has its answer.", "Look at your terminal."), ""
            self._taken = answer = Answer(callback)
        self._answers.put(answer)
        page = answer.page()
        return 200 if page.good else 400, page, ""

    def _refuse(self, sentence: str) -> None:
        self._refused(sentence)


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


def _listen() -> list[socket.socket]:
    """Sockets that listen on one free port of both loopback addresses, or of the one there is."""
    for _ in range(_ATTEMPTS):
        try:
            first = _bound(socket.AF_INET, "127.0.0.1", 0)
            only = _bound(socket.AF_INET6, "::1", 0) if first is None else None
        except OSError as problem:  # no descriptor is left, or no right to listen
            raise CannotListen(f"the loopback addresses cannot be listened on: {problem.strerror}") from problem
        if first is None:
            if only is None:
                break
            return [only]
        try:
            second = _bound(socket.AF_INET6, "::1", first.getsockname()[1])
        except OSError as problem:
            first.close()
            if problem.errno != errno.EADDRINUSE:
                raise CannotListen(f"the loopback address ::1 cannot be listened on: {problem.strerror}") from problem
            continue
        return [first] if second is None else [first, second]
    raise CannotListen("no free port was found on the loopback addresses")


def _bound(family: int, address: str, port: int) -> socket.socket | None:
    """A listening socket, or None where this machine has no such address. Raises OSError for a port that is taken."""
    listening = None
    try:
        listening = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Windows lets another program listen on the same port beside us, unless it is told not to.
        if (exclusive := getattr(socket, "SO_EXCLUSIVEADDRUSE", None)) is not None:
            listening.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        listening.bind((address, port))
        listening.listen(16)
    except OSError as problem:
        if listening is not None:
            listening.close()
        if problem.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
            return None
        raise
    return listening


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listening: socket.socket, listener: Listener) -> None:
        super().__init__(listening.getsockname()[:2], _handler(listener), bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self._open = 0
        self._count = Lock()
        self._changed = Event()

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Count the requests that are being answered, so that `wait` can wait for them."""
        self._opened(1)
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]  # as the base class gave them
        finally:
            self._opened(-1)
            self._changed.set()

    def _opened(self, more: int) -> None:
        with self._count:
            self._open += more

    def wait(self, seconds: float) -> None:
        """Let pages that are on their way arrive, but no longer than `seconds`."""
        from time import monotonic

        end = monotonic() + seconds
        while self._open and monotonic() < end:
            self._changed.wait(0.05)
            self._changed.clear()

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that breaks off is nothing to report."""


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _CONNECTION_SECONDS
        server_version = "omniprofile"
        sys_version = ""

        def _any(self) -> None:
            hosts = self.headers.get_all("Host") or []
            host = hosts[0].strip() if len(hosts) == 1 else None
            status, page, allow = listener.respond(self.command, self.path, host)
            self._send(status, page, allow)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _any

        def _send(self, status: int, page: Page, allow: str = "") -> None:
            body = render(page)
            self.send_response(status)
            for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            if allow:
                self.send_header("Allow", allow)
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
            self._send(code, Page(False, phrase, "This request was not understood.", ""))

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the request line holds the code."""

    return Handler
