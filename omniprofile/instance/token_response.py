"""The token endpoint's response: tokens, or an error (RFC 6749, sections 5.1 and 5.2). No input or output."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from omniprofile.instance.responses import InvalidResponse, Response, is_token, json_object, said
from omniprofile.model.secret import Secret, is_access_token

USUAL_LIFETIME = timedelta(hours=8)
"""How long Omni's access tokens live, for a response that does not say."""
LONGEST_LIFETIME = timedelta(days=3650)
_SMALL_SKEW = timedelta(minutes=1)
"""A smaller difference between the clocks may be due to the rounding of `Date` or to the response's travel time."""


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A token response. `lifetime` is `expires_in` in seconds, None if missing or not a number."""

    token: Secret
    refresh_token: Secret | None
    lifetime: float | None
    scope: str | None


class OAuthError(Exception):
    """The server's own error (RFC 6749, section 5.2): its code and description, both safe to display."""

    def __init__(self, code: str, description: str | None) -> None:
        super().__init__(code)
        self.code = code
        self.description = description


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
    if refresh_token is not None and not is_token(refresh_token):
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


def error_of(body: bytes, sent: Sequence[Secret]) -> OAuthError | None:
    """Return the OAuth error in a response body, or None."""
    try:
        read_token_response(body, sent)
    except OAuthError as error:
        return error
    except InvalidResponse:
        pass
    return None


def expiry(granted: TokenResponse, answer: Response, began: datetime) -> datetime:
    """Return when the access token expires, by our clock or the server's `Date`, whichever is earlier.

    We cannot know which clock is wrong, and ours may be corrected before the token is used. By our clock, at least half of the
    lifetime remains: otherwise a clock far ahead would cause a refresh on every call.
    """
    life = USUAL_LIFETIME if granted.lifetime is None else min(timedelta(seconds=granted.lifetime), LONGEST_LIFETIME)
    server = answer.date or began
    ahead = began - server
    return began + (max(life - ahead, life / 2) if ahead >= _SMALL_SKEW else life)


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
