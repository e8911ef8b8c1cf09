"""The token and revocation endpoints: exchange a code or refresh token for new tokens, and revoke tokens.

Every response becomes tokens or an error that says what happened. Only an `invalid_grant` error in the form of RFC 6749,
section 5.2, ends a session; any other error leaves it unchanged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from omniprofile.errors import CredentialRefused, Error, SessionEnded
from omniprofile.instance.authorization_response import PERSONAL_TOKENS
from omniprofile.instance.client import Client
from omniprofile.instance.endpoints import USUAL, Endpoints
from omniprofile.instance.instance_error import InstanceError
from omniprofile.instance.oauth_requests import (
    CLIENT_ID,
    SCOPE,
    AuthorizationRequest,
    Kind,
    code_form,
    refresh_form,
    revocation_form,
)
from omniprofile.instance.responses import InvalidResponse, Response, common_problem
from omniprofile.instance.token_response import OAuthError, TokenResponse, error_of, expiry, read_token_response
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret

EXCHANGE_SECONDS = 30.0
"""How long to wait for the token endpoint. Long, because giving up before the response comes wastes the refresh token."""


def redeem(
    client: Client,
    origin: Origin,
    endpoints: Endpoints,
    request: AuthorizationRequest,
    code: Secret,
    *,
    now: Callable[[], datetime],
) -> StoredSecret:
    """Exchange a login's code for a session. Raises CredentialRefused or Unreachable."""
    began, form, sent = now(), code_form(request, code), [code, request.verifier, request.state]
    granted, expires_at = _exchange(client, origin, endpoints.token, form, sent, began)
    return StoredSecret(
        origin=origin,
        token=granted.token,
        stored_at=began,
        expires_at=expires_at,
        refresh_token=granted.refresh_token,
        client_id=CLIENT_ID,
        scope=granted.scope or SCOPE,
        token_path=endpoints.token if endpoints.token != USUAL.token else None,
    )


def refresh(client: Client, account: str, session: StoredSecret, *, now: Callable[[], datetime]) -> StoredSecret:
    """Exchange the session's refresh token for a new session. Raises SessionEnded, CredentialRefused or Unreachable."""
    if session.refresh_token is None:
        raise AssertionError("the caller has looked")
    began, form = now(), refresh_form(session.refresh_token, session.client_id or CLIENT_ID)
    path, sent = session.token_path or USUAL.token, [session.refresh_token, session.token]
    granted, expires_at = _exchange(client, session.origin, path, form, sent, began, account)
    return replace(
        session,
        token=granted.token,
        # RFC 6749, section 6: if no new refresh token is issued, the old one stays valid.
        refresh_token=granted.refresh_token or session.refresh_token,
        expires_at=expires_at,
        stored_at=began,
        refreshed_at=now(),
        scope=granted.scope or session.scope,
    )


def revoke(client: Client, session: StoredSecret, endpoint: str, kind: Kind, *, timeout: float) -> str | None:
    """Revoke one token of the session, its `refresh_token` or `access_token` (`kind`); return None, or why it failed."""
    token = session.refresh_token if kind == "refresh_token" else session.token
    if token is None:
        return None
    form = revocation_form(token, kind, session.client_id or CLIENT_ID)
    try:
        answer = client.post_form(session.origin, endpoint, form, timeout=timeout)
    except InstanceError as problem:
        return str(problem)
    if answer.status == 200:
        return None
    error = error_of(answer.body, [token])
    return f"HTTP {answer.status}" + (f", `{error.code}`" if error else "")


def _exchange(
    client: Client,
    origin: Origin,
    path: str,
    form: Mapping[str, str],
    sent: Sequence[Secret],
    began: datetime,
    account: str | None = None,
) -> tuple[TokenResponse, datetime]:
    """Send a form with the secrets `sent`, and return the tokens of the response and when the access token expires.

    `account` is the account whose session is refreshed, None for a login. Raises SessionEnded (only with an account),
    CredentialRefused or Unreachable.
    """
    purpose = "refresh the session" if account else "log in"
    try:
        answer = client.post_form(origin, path, form)
        granted = _tokens(answer, sent)
    except InstanceError as problem:
        raise problem.as_error(f"cannot {purpose}", origin) from None
    if isinstance(granted, OAuthError):
        raise _refusal(granted, answer.status, origin.host, purpose, account)
    return granted, expiry(granted, answer, began)


def _tokens(answer: Response, sent: Sequence[Secret]) -> TokenResponse | OAuthError:
    """Return the tokens in a response, or its OAuth error. Raises InstanceError for any other response."""
    if answer.status == 200:
        try:
            return read_token_response(answer.body, sent)
        except InvalidResponse as problem:
            why = f"the answer of its token endpoint: {problem}"
        except OAuthError as error:
            why = f"the answer of its token endpoint: status 200 with the error `{error.code}`"
    elif (common := common_problem(answer, sent)) is not None:
        raise common
    elif (refusal := error_of(answer.body, sent)) is not None:
        return refusal
    else:
        why = f"HTTP {answer.status} from its token endpoint"
    raise InstanceError("wrong-instance-url", why)


def _refusal(error: OAuthError, status: int, host: str, purpose: str, account: str | None) -> Error:
    words = f"`{error.code}`" + (f": {error.description}" if error.description else "")
    if error.code != "invalid_grant" or status not in (400, 401):
        return CredentialRefused(
            f"{host} refuses to {purpose} ({words})",
            hint=f"check the base URL; {PERSONAL_TOKENS}",
        )
    if account:
        return SessionEnded(
            f"the session of `{account}` has expired or been revoked: {host} refuses its refresh token ({words})",
            hint=f"run `omniprofile login {account}`; if it happens again, check in Omni's settings whether the CLI's token "
            "was revoked",
        )
    return CredentialRefused(
        f"{host} rejected the browser's answer ({words})",
        hint="run the login again, and click Authorize within its time; answer in one browser tab only",
    )
