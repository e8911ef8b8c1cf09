"""The stand-in's OAuth server: authorization code with PKCE, rotating refresh tokens, metadata, revocation.

It follows the vendor's documentation of Omni, and is stricter where that is silent: PKCE with S256 is required, a refresh token
works once, and reuse of a spent one revokes every token of the same login. Nobody clicks Authorize: every request is approved.
"""

import hmac
import json
import threading
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from urllib.parse import parse_qsl, urlencode, urlsplit

METADATA = "/.well-known/oauth-authorization-server"
AUTHORIZE = "/oauth/authorize"
TOKEN = "/oauth/token"  # noqa: S105 - a path
REVOKE = "/oauth/revoke"
CLIENT = "omni-cli"

Answer = tuple[int, dict[str, str], bytes]
"""Status, header fields and body."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key or access token that the instance accepts."""

    scope: str
    role: str
    user: str
    membership: str


@dataclass
class Family:
    """All tokens of one login."""

    role: str
    user: str
    access: list[str] = field(default_factory=list)
    refresh: list[str] = field(default_factory=list)
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class _Code:
    challenge: str
    redirect_uri: str
    family: Family


class OAuth:
    """The authorization server. `keys` are what the instance accepts, which includes access tokens.

    `lifetime` is in seconds; a token has `token_bytes` random bytes; `grants` lists each token request's grant type and outcome.
    """

    def __init__(self, keys: dict[str, Key]) -> None:
        self.role = "MEMBER"
        self.user = "u-1"
        self.lifetime = 8 * 3600
        self.token_bytes = 32
        self.grants: list[tuple[str, str]] = []
        self._keys = keys
        self._codes: dict[str, _Code] = {}
        self._families: dict[str, Family] = {}
        self._lock = threading.Lock()

    def answer(self, base_url: str, method: str, target: str, body: bytes) -> Answer | None:
        """Answer a request to one of the OAuth paths; return None for any other path."""
        path, query = urlsplit(target).path, urlsplit(target).query
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        request = method, path
        if request == ("GET", METADATA):
            return json_answer(200, self.metadata(base_url))
        if request == ("GET", AUTHORIZE):
            return self._authorize(dict(parse_qsl(query)))
        if request == ("POST", TOKEN):
            status, answer, outcome = self._token(form)
            self.grants.append((form.get("grant_type", ""), outcome))
            return json_answer(status, answer)
        if request == ("POST", REVOKE):
            with self._lock:
                if (family := self._families.get(form.get("token", ""))) is not None:
                    self._end(family)
            return json_answer(200, {})
        return None

    def metadata(self, base_url: str) -> dict[str, object]:
        """Return the server's metadata (RFC 8414)."""
        return {
            "issuer": base_url,
            "authorization_endpoint": base_url + AUTHORIZE,
            "token_endpoint": base_url + TOKEN,
            "revocation_endpoint": base_url + REVOKE,
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "scopes_supported": ["user:default"],
        }

    def _authorize(self, query: dict[str, str]) -> Answer:
        redirect_uri = query.get("redirect_uri", "")
        parts = urlsplit(redirect_uri)
        known = (
            parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1") and parts.path == "/callback"
        )
        if query.get("client_id") != CLIENT or not known:
            return 400, {"Content-Type": "text/html"}, b"<!doctype html><title>Unknown client</title>"
        back = {"state": query.get("state", "")}
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            back |= {"error": "invalid_request", "error_description": "PKCE with S256 is required"}
        else:
            code = token_urlsafe(24)
            with self._lock:
                self._codes[code] = _Code(query.get("code_challenge", ""), redirect_uri, Family(self.role, self.user))
            back["code"] = code
        return 302, {"Location": f"{redirect_uri}?{urlencode(back)}", "Cache-Control": "no-store"}, b""

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, object], str]:
        with self._lock:
            if form.get("client_id") != CLIENT:
                return _refusal("invalid_client")
            if form.get("grant_type") == "authorization_code":
                code = self._codes.pop(form.get("code", ""), None)
                verifier = form.get("code_verifier", "").encode()
                challenge = urlsafe_b64encode(sha256(verifier).digest()).rstrip(b"=").decode()
                if (
                    code is None
                    or not hmac.compare_digest(challenge, code.challenge)
                    or form.get("redirect_uri") != code.redirect_uri
                ):
                    return _refusal("invalid_grant")
                return self._grant(code.family)
            if form.get("grant_type") != "refresh_token":
                return _refusal("unsupported_grant_type")
            token = form.get("refresh_token", "")
            family = self._families.get(token)
            if family is None or family.revoked:
                return _refusal("invalid_grant")
            if family.refresh[-1] != token:
                self._end(family)
                return *_refusal("invalid_grant")[:2], "replay"
            return self._grant(family)

    def _grant(self, family: Family) -> tuple[int, dict[str, object], str]:
        access, refresh = "omni_oat_" + token_urlsafe(self.token_bytes), "omni_ort_" + token_urlsafe(self.token_bytes)
        family.access.append(access)
        family.refresh.append(refresh)
        self._families[access] = self._families[refresh] = family
        self._keys[access] = Key("user", family.role, family.user, f"m-of-{family.user}")
        answer: dict[str, object] = {"access_token": access, "refresh_token": refresh, "token_type": "Bearer"}
        return 200, {**answer, "expires_in": self.lifetime, "scope": "user:default"}, "granted"

    def _end(self, family: Family) -> None:
        family.revoked = True
        self._withdraw(family)

    def _withdraw(self, family: Family) -> None:
        for access in family.access:
            self._keys.pop(access, None)

    def expire_access_tokens(self) -> None:
        """Make the instance refuse all current access tokens, as it does once they have expired."""
        with self._lock:
            for family in self._families.values():
                self._withdraw(family)


def _refusal(code: str) -> tuple[int, dict[str, object], str]:
    return 400, {"error": code}, code


def json_answer(status: int, value: object) -> Answer:
    """Return a JSON answer."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return status, headers, json.dumps(value).encode()
