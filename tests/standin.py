"""The demo's stand-in extended for tests: faults, limits, a record of the requests, and sessions without a login."""

import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from time import monotonic, sleep
from urllib.parse import parse_qsl, urlencode, urlsplit

from omniprofile.standin import oauth, server
from omniprofile.standin.oauth import Answer, Family, Key
from tests.waiting import PATIENCE


@dataclass(frozen=True, slots=True)
class Seen:
    """A received request. `key` is the owner of its token: a user's name, "unknown", or None without a token."""

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
    rate_limit: int = 60
    """Requests a minute for each key, as Omni documents it."""
    retry_after: str = "1"
    latency: float = 0.0
    answer: Callable[[str], Answer | None] = field(default=lambda _: None)


class OAuth(oauth.OAuth):
    """The authorization server. `decision` is the user's answer; `latency` is the token endpoint's, in seconds.

    While `may_answer` is not set, requests to the token endpoint wait.
    """

    def __init__(self, keys: dict[str, Key]) -> None:
        super().__init__(keys)
        self.decision = "approve"
        self.latency = 0.0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.with_metadata = True
        self.names_issuer = False
        """Whether the redirect back to the client names the issuer (RFC 9207)."""
        self.arrived = 0
        """The number of requests to the token endpoint, answered or not."""

    def answer(self, base_url: str, method: str, target: str, body: bytes) -> Answer | None:
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        if path == oauth.METADATA and not self.with_metadata:
            return None
        if path == oauth.TOKEN:
            self.arrived += 1
            sleep(self.latency)
            assert self.may_answer.wait(PATIENCE)
        if path == oauth.AUTHORIZE and self.decision != "approve":
            back = {"error": "access_denied", "error_description": "The user denied the request"}
            location = f"{query['redirect_uri']}?{urlencode({'state': query['state'], **back})}"
            return 302, {"Location": location, "Cache-Control": "no-store"}, b""
        answer = super().answer(base_url, method, target, body)
        if path == oauth.AUTHORIZE and self.names_issuer and answer is not None:
            answer[1]["Location"] += "&" + urlencode({"iss": base_url})
        return answer

    def metadata(self, base_url: str) -> dict[str, object]:
        given = super().metadata(base_url)
        return {**given, "authorization_response_iss_parameter_supported": self.names_issuer}

    @property
    def live_sessions(self) -> int:
        """The number of logins that have not been revoked."""
        with self._lock:
            return len({id(family) for family in self._families.values() if not family.revoked})

    def grant(self) -> dict[str, object]:
        """Return the token response of a login, for tests that start logged in."""
        with self._lock:
            return self._grant(Family(self.role, self.user))[1]

    def end_all_sessions(self) -> None:
        """Revoke every login, as a user can in Omni's settings."""
        with self._lock:
            for family in self._families.values():
                self._end(family)


class Standin(server.Standin):
    """An instance that records its `requests`, simulates faults by its `switches`, and counts concurrent requests.

    With `tls` it serves https.
    """

    oauth: OAuth

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
            self.base_url = f"https://127.0.0.1:{self.port}"
        self.switches = Switches()
        self.oauth = OAuth(self.keys)
        self.requests: list[Seen] = []
        self.most_at_once = 0
        self._now = 0
        self._times: dict[str, list[float]] = defaultdict(list)
        self._counting = threading.Lock()
        self._held: socket.socket | None = None

    def add_key(
        self,
        token: str,
        *,
        role: str = "ORG_ADMIN",
        scope: str = "organization",
        user: str = "u-1",
        membership: str = "m-1",
    ) -> None:
        self.keys[token] = Key(scope, role, user, membership)

    def stop(self) -> None:
        """Shut down, which makes the instance unreachable. Its port stays taken until the end, so that nobody else gets it."""
        self.__exit__()
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", self.port))

    def __exit__(self, *_: object) -> None:
        if self._held:
            self._held.close()
        else:
            super().__exit__()

    def revoke(self, token: str) -> None:
        """Stop accepting a key."""
        self.keys.pop(token, None)

    def knows(self, token: str) -> bool:
        """Whether the instance accepts this key or access token."""
        return token in self.keys

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        token = server.bearer_token(request)
        key = self.keys.get(token or "")
        whose = key.user if key else "unknown" if "Authorization" in request.headers else None
        with self._counting:
            agent = request.headers.get("User-Agent", "")
            self.requests.append(Seen(request.command, request.path, whose, agent, body))
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            sleep(self.switches.latency)
            path = urlsplit(request.path).path
            return self.switches.answer(path) or self._fault(path, token) or super().answer(request, body)
        finally:
            with self._counting:
                self._now -= 1

    def _fault(self, path: str, token: str | None) -> Answer | None:
        switches = self.switches
        if switches.html:
            return 200, {"Content-Type": "text/html"}, b"<!doctype html><title>Log in</title>"
        if not path.startswith("/api/") or token not in self.keys:
            return None
        if switches.personal_tokens_disabled:
            detail = "Personal Access Tokens are not enabled for this organization"
            return oauth.json_answer(403, {"detail": detail, "status": 403})
        if switches.permission_missing:
            return oauth.json_answer(403, {"detail": "Forbidden", "status": 403})
        if not self._within_rate(token):
            status, headers, body = oauth.json_answer(429, {"detail": "Too Many Requests", "status": 429})
            return status, {**headers, "Retry-After": switches.retry_after}, body
        if path == "/api/v1/whoami" and switches.whoami_missing:
            return oauth.json_answer(404, {"detail": "Not Found", "status": 404})
        return None

    def _within_rate(self, token: str) -> bool:
        now = monotonic()
        with self._counting:
            recent = [time for time in self._times[token] if now - time < 60]
            self._times[token] = recent
            if len(recent) >= self.switches.rate_limit:
                return False
            recent.append(now)
            return True
