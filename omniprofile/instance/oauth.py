"""OAuth's words: what is sent to an authorization server, and how its answers are read. DOOR: oauthlib. No input or output.

oauthlib makes the verifier and its challenge (RFC 7636), the authorization request, the forms for code, refresh and revocation
(RFC 6749, 7009), and reads token answers. It is kept from three habits of its own: it reads the environment (it only ever sees
a https address that nobody contacts; which origin may have a token is decided in `model.origin`), it takes a form for an
answer where JSON is meant, and it compares `state` in time that tells (callbacks are read here).
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, urlsplit

from omniprofile.model.names import printable
from omniprofile.model.secret import Secret, is_access_token, without_opaque_words, without_sent

if TYPE_CHECKING:
    from oauthlib.oauth2 import WebApplicationClient

CLIENT_ID = "omni-cli"
SCOPE = "user:default"
CALLBACK_PATH = "/callback"

Kind = Literal["refresh_token", "access_token"]

_NOWHERE = "https://instance.invalid/"
_MOST_FIELDS = 50
_MOST_SAID = 4096


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One login's own values: never used again."""

    redirect_uri: str
    state: Secret
    verifier: Secret
    challenge: str


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A token answer. `lifetime` is `expires_in` in seconds where it is a number that makes sense, else None."""

    token: Secret
    refresh_token: Secret | None
    lifetime: float | None
    scope: str | None


@dataclass(frozen=True, slots=True)
class Callback:
    """What the browser was sent back with: a code, or an error with its description, fit to be shown."""

    code: Secret | None
    error: str | None = None
    description: str | None = None


class InvalidResponse(ValueError):
    """An answer that is none. `str()` says why in a few words, without any of its values."""


class OAuthError(Exception):
    """The server's own error (RFC 6749, section 5.2): its code, and its description, both fit to be shown."""

    def __init__(self, code: str, description: str | None) -> None:
        super().__init__(code)
        self.code = code
        self.description = description


def new_authorization_request(redirect_uri: str) -> AuthorizationRequest:
    """Fresh state and PKCE values for one login."""
    from secrets import token_urlsafe

    client = _client()
    verifier = client.create_code_verifier(64)
    return AuthorizationRequest(
        redirect_uri, Secret(token_urlsafe(32)), Secret(verifier), client.create_code_challenge(verifier, "S256")
    )


def authorization_query(request: AuthorizationRequest) -> str:
    """Return the query of the address that the browser opens (RFC 6749, section 4.1.1; RFC 7636, section 4.3)."""
    uri = _client().prepare_request_uri(
        _NOWHERE,
        redirect_uri=request.redirect_uri,
        scope=SCOPE,
        state=request.state.reveal(),
        code_challenge=request.challenge,
        code_challenge_method="S256",
    )
    return urlsplit(uri).query


def code_form(request: AuthorizationRequest, code: Secret) -> dict[str, str]:
    """Return the form that turns a code into tokens."""
    return _fields(
        _client().prepare_request_body(
            code=code.reveal(), redirect_uri=request.redirect_uri, code_verifier=request.verifier.reveal()
        )
    )


def refresh_form(refresh_token: Secret, client_id: str) -> dict[str, str]:
    """Return the form that turns a refresh token into new tokens."""
    return _fields(_client(client_id).prepare_refresh_body(refresh_token=refresh_token.reveal(), client_id=client_id))


def revocation_form(token: Secret, kind: Kind, client_id: str) -> dict[str, str]:
    """Return the form that revokes a token; `kind` is `refresh_token` or `access_token` (RFC 7009, section 2.1)."""
    _, _, body = _client(client_id).prepare_token_revocation_request(
        _NOWHERE, token.reveal(), token_type_hint=kind, client_id=client_id
    )
    return _fields(body)


def read_callback(query: str, request: AuthorizationRequest) -> Callback:
    """Read the query that the browser was sent back with. Raises InvalidResponse for whatever is not an answer to this login.

    The state is compared in constant time, and before anything else is looked at.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as problem:
        raise InvalidResponse("it has too many fields") from problem
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in ("state", "code", "error")):
        raise InvalidResponse("it says something twice")
    fields = dict(pairs)
    state = fields.get("state", "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(state, request.state.reveal().encode()):
        raise InvalidResponse("its state is another login's" if state else "it has no state")
    if error := fields.get("error"):
        description = fields.get("error_description")
        sent = (request.state, request.verifier, Secret(request.challenge))
        return Callback(None, said(error, 60, sent), said(description, 300, sent) if description else None)
    code = fields.get("code", "")
    return Callback(Secret(code) if _is_token(code) else None)


def read_token_response(body: bytes, sent: Sequence[Secret] = ()) -> TokenResponse:
    """Read the body of the response to a request that `sent` these secrets.

    Raises OAuthError for the server's own error, InvalidResponse for anything but JSON.
    """
    from oauthlib.oauth2 import OAuth2Error

    fields = _object(body)
    lifetime = _lifetime(fields.pop("expires_in", None))
    fields.pop("expires_at", None)
    if not _is_scope(fields.get("scope")):
        fields.pop("scope", None)
    if fields.get("error") is None:
        fields.pop("error", None)
    error = fields.get("error")
    if not isinstance(error, str | None):
        raise InvalidResponse("its `error` is not a string")
    try:
        _client().parse_request_body_response(json.dumps(fields))
    except OAuth2Error as problem:
        if error is None:
            raise InvalidResponse("it lacks an access token") from None  # the chain would hold the answer
        description = said(str(problem.description), 300, sent) if problem.description else None
        raise OAuthError(said(error, 60, sent), description) from None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, Warning):
        raise InvalidResponse("it is misshapen") from None
    token, refresh_token = fields.get("access_token"), fields.get("refresh_token")
    if not isinstance(token, str) or not is_access_token(token):
        raise InvalidResponse("it lacks a usable access token")
    if refresh_token is not None and not _is_token(refresh_token):
        raise InvalidResponse("its refresh token is unusable")
    kind = fields.get("token_type", "bearer")
    if str(kind).lower() != "bearer":
        raise InvalidResponse("its tokens are no bearer tokens")
    scope = fields.get("scope")
    return TokenResponse(
        Secret(str(token)),
        Secret(str(refresh_token)) if refresh_token is not None else None,
        lifetime,
        str(scope) if scope is not None else None,
    )


def said(text: str, limit: int, sent: Sequence[Secret]) -> str:
    """Return what a server said, fit to be shown: no controls, and no token, for it may repeat one that it was `sent`."""
    return printable(without_opaque_words(without_sent(text[:_MOST_SAID], sent)), limit)


def error_of(body: bytes, sent: Sequence[Secret]) -> OAuthError | None:
    """Return the server's own error in a body, if it is one."""
    try:
        read_token_response(body, sent)
    except OAuthError as error:
        return error
    except InvalidResponse:
        pass
    return None


def _client(client_id: str = CLIENT_ID) -> "WebApplicationClient":
    from oauthlib.oauth2 import WebApplicationClient

    return WebApplicationClient(client_id)


def _fields(body: str) -> dict[str, str]:
    return dict(parse_qsl(body, keep_blank_values=True))


def _object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidResponse("it is not a JSON object")
    return value


def _is_token(value: object) -> bool:
    """Whether it is a text that can stand in a header field or form as it is (RFC 6749, appendix A: VSCHAR)."""
    return isinstance(value, str) and 0 < len(value) <= 16384 and all("!" <= char <= "~" for char in value)


def _is_scope(value: object) -> bool:
    """Whether it is a list of scopes, as RFC 6749, section 3.3, has one."""
    return isinstance(value, str) and len(value) <= 4096 and value.isascii() and value.isprintable()


def _lifetime(value: object) -> float | None:
    """Seconds, from a number or a text of digits; None for what is neither, and 0 for less than that."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if value != value else float(min(max(0, value), 10**12))  # only NaN is not itself
