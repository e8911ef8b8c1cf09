"""An embedded stand-in for an Omni instance on loopback, for the demo: same paths, statuses and response bodies.

It follows the vendor's documentation and public sources: `whoami`, a cheap listing of models, 401 for an unknown key. Standard
library only. `tests/standin.py` adds faults, and records the requests.
"""

import ssl
import sys
import threading
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from omniprofile.standin.oauth import Answer, Key, OAuth, json_answer


class Running:
    """A server on a free port of 127.0.0.1, which answers by `handler` while its context lasts."""

    def __init__(self, handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        self._server = _Server(("127.0.0.1", 0), handler)
        self.port: int = self._server.server_port

    def __enter__(self) -> Self:
        """Answer requests in a thread."""
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    # On POSIX this allows immediate reuse of a closed listener's port; on Windows it would let other processes share the port.
    allow_reuse_address = sys.platform != "win32"

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: tests disconnect on purpose."""


class Standin(Running):
    """An instance, at `base_url`."""

    def __init__(self) -> None:
        super().__init__(partial(Handler, self))
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.keys: dict[str, Key] = {}
        """The keys and access tokens that the instance accepts."""
        self.oauth = OAuth(self.keys)

    def add_key(self, token: str, *, role: str = "ORG_ADMIN") -> None:
        """Accept an organization's key."""
        self.keys[token] = Key("organization", role, "u-1", "m-1")

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        """Answer a request with status, header fields and body."""
        # Use the client's `Host`: it may be a name that resolves to this server.
        scheme = "https" if isinstance(request.connection, ssl.SSLSocket) else "http"
        origin = f"{scheme}://{request.headers.get('Host')}"
        if given := self.oauth.answer(origin, request.command, request.path, body):
            return given
        path = urlsplit(request.path).path
        if not path.startswith("/api/"):
            return 200, {"Content-Type": "text/html"}, b"<!doctype html><title>Log in</title>"
        key = self.keys.get(bearer_token(request) or "")
        if key is None:
            return json_answer(401, {"detail": "Unauthorized", "status": 401})
        if path == "/api/v1/whoami":
            user = {"id": key.user, "membershipId": key.membership}
            return json_answer(200, {"keyScope": key.scope, "orgRole": key.role, "user": user, "rolesByModel": {}})
        if path == "/api/v1/models":
            return json_answer(200, {"pageInfo": {"hasNextPage": False, "totalRecords": 0}, "records": []})
        return json_answer(404, {"detail": "Not Found", "status": 404})


def bearer_token(request: BaseHTTPRequestHandler) -> str | None:
    """Return the token of a request, if it has one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else None


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection as `standin`, with 502 if that is None."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, standin: Standin | None, *arguments: Any) -> None:
        self.standin = standin
        super().__init__(*arguments)

    def _any(self) -> None:
        if self.standin is None:
            self.send_error(502)
            return
        length = self.headers.get("Content-Length", "0")
        sent = self.rfile.read(int(length) if length.isdecimal() else 0)
        status, headers, body = self.standin.answer(self, sent)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _any

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""
