"""The requests to an OAuth server, as values. No input or output.

The authorization request with its PKCE values (RFC 6749, section 4.1.1; RFC 7636), and the forms for code, refresh and
revocation (RFC 6749, 7009).
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from typing import Literal
from urllib.parse import urlencode

from omniprofile.model.secret import Secret

CLIENT_ID = "omni-cli"
SCOPE = "user:default"
CALLBACK_PATH = "/callback"

Kind = Literal["refresh_token", "access_token"]


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The values of one login, fresh for each: where it ends, its state and its PKCE verifier."""

    redirect_uri: str
    state: Secret = field(default_factory=lambda: Secret(token_urlsafe(32)))
    verifier: Secret = field(default_factory=lambda: Secret(token_urlsafe(48)))
    """64 characters; RFC 7636, section 4.1, requires 43 to 128."""

    @property
    def challenge(self) -> str:
        """The `S256` challenge of the verifier (RFC 7636, section 4.2)."""
        return urlsafe_b64encode(sha256(self.verifier.reveal().encode("ascii")).digest()).decode("ascii").rstrip("=")


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
