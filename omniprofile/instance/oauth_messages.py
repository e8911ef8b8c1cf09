"""OAuth requests and responses as values. No input or output.

The authorization request with its PKCE values (RFC 6749, section 4.1.1; RFC 7636), the forms for code, refresh and revocation
(RFC 6749, 7009), and token responses, which must be JSON.
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from omniprofile.model.names import printable
from omniprofile.model.secret import Secret, is_access_token, without_opaque_words, without_sent

CLIENT_ID = "omni-cli"
SCOPE = "user:default"
CALLBACK_PATH = "/callback"

Kind = Literal["refresh_token", "access_token"]

_MOST_FIELDS = 50
_MOST_SAID = 4096


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The values of one login, never used again."""

    redirect_uri: str
    state: Secret
    verifier: Secret
    challenge: str


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A token response. `lifetime` is `expires_in` in seconds, None if missing or not a number."""

    token: Secret
    refresh_token: Secret | None
    lifetime: float | None
    scope: str | None


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback's code, or its error with a description, both safe to display.

    `issuer` is the server that claims to have sent it, if named (RFC 9207).
    """

    code: Secret | None
    error: str | None = None
    description: str | None = None
    issuer: str | None = None


class InvalidResponse(ValueError):
    """A response that cannot be used. `str()` says why in a few words, without any of its values."""


class OAuthError(Exception):
    """The server's own error (RFC 6749, section 5.2): its code and description, both safe to display."""

    def __init__(self, code: str, description: str | None) -> None:
        super().__init__(code)
        self.code = code
        self.description = description


def new_authorization_request(redirect_uri: str) -> AuthorizationRequest:
    """Return a fresh state and PKCE values for one login."""
    from secrets import token_urlsafe

    verifier = token_urlsafe(48)  # 64 characters; RFC 7636, section 4.1, requires 43 to 128
    return AuthorizationRequest(redirect_uri, Secret(token_urlsafe(32)), Secret(verifier), challenge_of(verifier))


def challenge_of(verifier: str) -> str:
    """Return the `S256` challenge of a verifier (RFC 7636, section 4.2)."""
    from base64 import urlsafe_b64encode
    from hashlib import sha256

    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).decode("ascii").rstrip("=")


def authorization_query(request: AuthorizationRequest) -> str:
    """Return the query of the authorization URL (RFC 6749, section 4.1.1; RFC 7636, section 4.3)."""
    return urlencode(
        {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": request.redirect_uri,
            "scope": SCOPE,
            "state": request.state.reveal(),
            "code_challenge": request.challenge,
            "code_challenge_method": "S256",
        }
    )


def code_form(request: AuthorizationRequest, code: Secret) -> dict[str, str]:
    """Return the form that exchanges a code for tokens (RFC 6749, section 4.1.3; RFC 7636, section 4.5)."""
    return {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "code": code.reveal(),
        "redirect_uri": request.redirect_uri,
        "code_verifier": request.verifier.reveal(),
    }


def refresh_form(refresh_token: Secret, client_id: str) -> dict[str, str]:
    """Return the form that exchanges a refresh token for new tokens (RFC 6749, section 6)."""
    return {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": refresh_token.reveal()}


def revocation_form(token: Secret, kind: Kind, client_id: str) -> dict[str, str]:
    """Return the form that revokes a token; `kind` is `refresh_token` or `access_token` (RFC 7009, section 2.1)."""
    return {"token": token.reveal(), "token_type_hint": kind, "client_id": client_id}


def read_callback(query: str, request: AuthorizationRequest) -> Callback:
    """Read the query of a callback. Raises InvalidResponse if it does not belong to this login.

    Compares the state first, in constant time, before using any other field.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as problem:
        raise InvalidResponse("it has too many fields") from problem
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in ("state", "code", "error", "iss")):
        raise InvalidResponse("it says something twice")
    fields = dict(pairs)
    state = fields.get("state", "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(state, request.state.reveal().encode()):
        raise InvalidResponse("its state is another login's" if state else "it has no state")
    if error := fields.get("error"):
        description = fields.get("error_description")
        sent = (request.state, request.verifier, Secret(request.challenge))
        shown = said(description, 300, sent) if description else None
        return Callback(None, said(error, 60, sent), shown, fields.get("iss"))
    code = fields.get("code", "")
    return Callback(Secret(code) if _is_token(code) else None, issuer=fields.get("iss"))


def read_token_response(body: bytes, sent: Sequence[Secret] = ()) -> TokenResponse:
    """Read the body of a token response; the request `sent` these secrets, which are masked in errors.

    Raises OAuthError for the server's own error, InvalidResponse for anything else that holds no usable tokens.
    """
    fields = json_object(body)
    if fields is None:
        raise InvalidResponse("it is not a JSON object")
    if (error := fields.get("error")) is not None:
        if not isinstance(error, str) or not error:
            raise InvalidResponse("its `error` is empty" if error == "" else "its `error` is not a string")
        description = fields.get("error_description")
        raise OAuthError(said(error, 60, sent), said(str(description), 300, sent) if description else None)
    if "access_token" not in fields:
        raise InvalidResponse("it lacks an access token")
    token, refresh_token = fields.get("access_token"), fields.get("refresh_token")
    if not isinstance(token, str) or not is_access_token(token):
        raise InvalidResponse("it lacks a usable access token")
    if refresh_token is not None and not _is_token(refresh_token):
        raise InvalidResponse("its refresh token is unusable")
    kind = fields.get("token_type", "bearer")
    if str(kind).lower() != "bearer":
        raise InvalidResponse("its tokens are not bearer tokens")
    scope = fields.get("scope")
    return TokenResponse(
        Secret(token),
        Secret(str(refresh_token)) if refresh_token is not None else None,
        _lifetime(fields.get("expires_in")),
        str(scope) if _is_scope(scope) else None,
    )


def said(text: str, limit: int, sent: Sequence[Secret]) -> str:
    """Return server text made safe to display: no control characters or tokens, since the server may echo one of those `sent`."""
    return printable(without_opaque_words(without_sent(text[:_MOST_SAID], sent)), limit)


def error_of(body: bytes, sent: Sequence[Secret]) -> OAuthError | None:
    """Return the OAuth error in a response body, or None."""
    try:
        read_token_response(body, sent)
    except OAuthError as error:
        return error
    except InvalidResponse:
        pass
    return None


def json_object(body: bytes) -> dict[str, object] | None:
    """Return the JSON object in a response body; None for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_token(value: object) -> bool:
    """Whether `value` is text that fits in a header field or form unescaped (RFC 6749, appendix A: VSCHAR)."""
    return isinstance(value, str) and 0 < len(value) <= 16384 and all("!" <= char <= "~" for char in value)


def _is_scope(value: object) -> bool:
    """Whether `value` can be a list of scopes (RFC 6749, section 3.3)."""
    return isinstance(value, str) and len(value) <= 4096 and value.isascii() and value.isprintable()


def _lifetime(value: object) -> float | None:
    """Return seconds from a number or a string of digits, at least 0; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if value != value else float(min(max(0, value), 10**12))  # only NaN differs from itself
