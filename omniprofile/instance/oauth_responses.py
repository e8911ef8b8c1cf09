"""What an OAuth server answers: the callback that the browser brings, and token responses, in JSON. No input or output."""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from omniprofile.instance.oauth_requests import AuthorizationRequest
from omniprofile.model.names import printable
from omniprofile.model.secret import Secret, is_access_token
from omniprofile.model.server_text import without_opaque_words, without_sent

_MOST_FIELDS = 50
_MOST_SAID = 4096


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
