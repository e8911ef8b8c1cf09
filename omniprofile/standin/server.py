"""An embedded stand-in for an Omni instance on loopback, for the demo and tests: same paths, statuses and response bodies.

It follows the vendor's documentation and public sources: `whoami`, a cheap listing of models, 401 for an unknown key, 60 requests
a minute per key. Switches simulate faults. Standard library only.
"""

import json
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Self
from urllib.parse import urlsplit

from omniprofile.standin.oauth import OAuth

REQUESTS_A_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Key:
    """A key that the instance accepts."""

    scope: str
    role: str
    user: str
    membership: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived. `key` tells whose token it carried: a user's name, "unknown", or None without a token."""

    method: str
    path: str
    key: str | None
    user_agent: str
    body: bytes = field(default=b"", repr=False)


@dataclass
class Switches:
    """Simulated faults. `answer` takes a path and may return (status, headers, body) to replace the real response."""

    whoami_missing: bool = False
    html: bool = False
    personal_tokens_disabled: bool = False
    permission_missing: bool = False
    rate_limit: int = REQUESTS_A_MINUTE
    retry_after: str = "1"
    latency: float = 0.0
    answer: Callable[[str], tuple[int, dict[str, str], bytes] | None] = field(default=lambda _: None)


class Standin:
    """A running instance, as a context manager. With `tls` it serves https."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.switches = Switches()
        self.oauth = OAuth(
            issue=lambda token, role, user: self.add_key(
                token, scope="user", role=role, user=user, membership=f"m-of-{user}"
            ),
            withdraw=self.revoke,
        )
        self.requests: list[Seen] = []
        self.most_at_once = 0
        self._keys: dict[str, Key] = {}
        self._times: dict[str, list[float]] = defaultdict(list)
        self._lock = threading.Lock()
        self._now = 0
        self._tls = tls
        self._server: ThreadingHTTPServer | None = None

    @property
    def base_url(self) -> str:
        """Return the address it listens on. Raises RuntimeError when it is not running."""
        if self._server is None:
            raise RuntimeError("the stand-in is not running")
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Listen on a free port of 127.0.0.1."""
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if self._tls:
            self._server.socket = self._tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self.stop()

    def stop(self) -> None:
        """Shut down, so that the instance is unreachable from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def add_key(
        self,
        token: str,
        *,
        scope: str = "organization",
        role: str = "ORG_ADMIN",
        user: str = "u-1",
        membership: str = "m-1",
    ) -> None:
        """Accept a key."""
        with self._lock:
            self._keys[token] = Key(scope, role, user, membership)

    def revoke(self, token: str) -> None:
        """Stop accepting a key."""
        with self._lock:
            self._keys.pop(token, None)

    def knows(self, token: str) -> bool:
        """Whether the instance accepts this key or access token."""
        with self._lock:
            return token in self._keys

    def serve(self, handler: BaseHTTPRequestHandler, sent: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """Answer a request with status, header fields and body. `sent` is the request's body."""
        scheme, _, token = handler.headers.get("Authorization", "").partition(" ")
        with self._lock:
            key = self._keys.get(token) if scheme.lower() == "bearer" else None
            whose = key.user if key else "unknown" if token else None
            self.requests.append(
                Seen(handler.command, handler.path, whose, handler.headers.get("User-Agent", ""), sent)
            )
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            sleep(self.switches.latency)
            given = self.switches.answer(urlsplit(handler.path).path)
            if given is None and not self.switches.html:
                # Use the client's `Host`: it may be a name that resolves to this server.
                host = handler.headers.get("Host") or self.base_url.partition("//")[2]
                origin = f"{'https' if self._tls else 'http'}://{host}"
                given = self.oauth.answer(origin, handler.command, handler.path, sent)
            return given or self._answer(handler.path, token, key)
        finally:
            with self._lock:
                self._now -= 1

    def _answer(self, target: str, token: str, key: Key | None) -> tuple[int, dict[str, str], bytes]:
        switches = self.switches
        path = urlsplit(target).path
        if switches.html or not path.startswith("/api/"):
            return 200, {"Content-Type": "text/html"}, b"<!doctype html><title>Log in</title>"
        if key is None:
            return _json(401, {"detail": "Unauthorized", "status": 401})
        if switches.personal_tokens_disabled:
            return _json(403, {"detail": "Personal Access Tokens are not enabled for this organization", "status": 403})
        if switches.permission_missing:
            return _json(403, {"detail": "Forbidden", "status": 403})
        if not self._within_rate(token):
            status, headers, body = _json(429, {"detail": "Too Many Requests", "status": 429})
            return status, {**headers, "Retry-After": switches.retry_after}, body
        if path == "/api/v1/whoami" and not switches.whoami_missing:
            user = {"id": key.user, "membershipId": key.membership}
            return _json(200, {"keyScope": key.scope, "orgRole": key.role, "user": user, "rolesByModel": {}})
        if path == "/api/v1/models":
            return _json(200, {"pageInfo": {"hasNextPage": False, "totalRecords": 0}, "records": []})
        return _json(404, {"detail": "Not Found", "status": 404})

    def _within_rate(self, token: str) -> bool:
        now = monotonic()
        with self._lock:
            recent = [time for time in self._times[token] if now - time < 60]
            self._times[token] = recent
            if len(recent) >= self.switches.rate_limit:
                return False
            recent.append(now)
            return True


def _json(status: int, value: object) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: tests disconnect on purpose."""


def _handler(standin: Standin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _any(self) -> None:
            length = self.headers.get("Content-Length", "0")
            sent = self.rfile.read(int(length) if length.isdecimal() else 0)
            status, headers, body = standin.serve(self, sent)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _any

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    return Handler
