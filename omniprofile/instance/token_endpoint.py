"""The token and revocation endpoints: exchange a code or refresh token for new tokens, and revoke tokens.

Every response becomes tokens or an error that says what happened. Only an `invalid_grant` error in the form of RFC 6749,
section 5.2, ends a session; any other error leaves it unchanged.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from omniprofile.errors import CredentialRefused, Error, SessionEnded, Unreachable
from omniprofile.instance.client import Client, Response
from omniprofile.instance.endpoints import USUAL, Endpoints
from omniprofile.instance.oauth_requests import (
    CLIENT_ID,
    SCOPE,
    AuthorizationRequest,
    Kind,
    code_form,
    refresh_form,
    revocation_form,
)
from omniprofile.instance.oauth_responses import (
    InvalidResponse,
    OAuthError,
    TokenResponse,
    error_of,
    read_token_response,
)
from omniprofile.instance.symptoms import SYMPTOMS, TransportError
from omniprofile.instance.whoami import common_symptom, http_date
from omniprofile.model.live import Status
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret

USUAL_LIFETIME = timedelta(hours=8)
"""How long Omni's access tokens live, for a response that does not say."""
EXCHANGE_SECONDS = 30.0
"""How long to wait for the token endpoint. Long, because giving up before the response comes wastes the refresh token."""
LONGEST_LIFETIME = timedelta(days=3650)
_SMALL_SKEW = timedelta(minutes=1)
"""A smaller difference between the clocks may be due to the rounding of `Date` or to the response's travel time."""


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
    began = now()
    answer = _post(client, origin, endpoints.token, code_form(request, code), "log in")
    granted = _read(answer, origin, "log in", [code, request.verifier, request.state])
    return StoredSecret(
        origin=origin,
        token=granted.token,
        stored_at=began,
        expires_at=_expiry(granted, answer, began),
        refresh_token=granted.refresh_token,
        client_id=CLIENT_ID,
        scope=granted.scope or SCOPE,
        token_path=endpoints.token if endpoints.token != USUAL.token else None,
    )


def refresh(client: Client, account: str, session: StoredSecret, *, now: Callable[[], datetime]) -> StoredSecret:
    """Exchange the session's refresh token for a new session. Raises SessionEnded, CredentialRefused or Unreachable."""
    if session.refresh_token is None:
        raise AssertionError("the caller has looked")
    origin, purpose = session.origin, "refresh the session"
    began = now()
    form = refresh_form(session.refresh_token, session.client_id or CLIENT_ID)
    answer = _post(client, origin, session.token_path or USUAL.token, form, purpose)
    granted = _read(answer, origin, purpose, [session.refresh_token, session.token], account)
    return replace(
        session,
        token=granted.token,
        # RFC 6749, section 6: if no new refresh token is issued, the old one stays valid.
        refresh_token=granted.refresh_token or session.refresh_token,
        expires_at=_expiry(granted, answer, began),
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
    except TransportError as problem:
        return str(problem)
    if answer.status == 200:
        return None
    error = error_of(answer.body, [token])
    return f"HTTP {answer.status}" + (f", `{error.code}`" if error else "")


def _post(client: Client, origin: Origin, path: str, form: dict[str, str], purpose: str) -> Response:
    try:
        return client.post_form(origin, path, form)
    except TransportError as problem:
        raise symptom_error(f"cannot {purpose}", origin, problem.symptom, str(problem), problem) from None


def _read(
    answer: Response, origin: Origin, purpose: str, sent: Sequence[Secret], account: str | None = None
) -> TokenResponse:
    """Return the tokens in a token response to a request that `sent` these secrets.

    `account` is the account whose session is refreshed, None for a login. Raises SessionEnded (only with an account),
    CredentialRefused or Unreachable.
    """
    status, cannot = answer.status, f"cannot {purpose}"
    if status == 200:
        try:
            return read_token_response(answer.body, sent)
        except InvalidResponse as problem:
            why = str(problem)
        except OAuthError as problem:
            why = f"status 200 with the error `{problem.code}`"
        raise symptom_error(cannot, origin, "wrong-instance-url", f"the answer of its token endpoint: {why}")
    if (common := common_symptom(answer, sent)) is not None:
        raise symptom_error(cannot, origin, *common)
    error = error_of(answer.body, sent)
    if error is None:
        raise symptom_error(cannot, origin, "wrong-instance-url", f"HTTP {status} from its token endpoint")
    words = f"`{error.code}`" + (f": {error.description}" if error.description else "")
    if error.code == "invalid_grant" and status in (400, 401):
        if account:
            raise SessionEnded(
                f"the session of `{account}` has expired or been revoked: {origin.host} refuses its refresh token ({words})",
                hint=f"run `omniprofile login {account}`; if it happens again, check in Omni's settings whether the CLI's token "
                "was revoked",
            )
        raise CredentialRefused(
            f"{origin.host} rejected the browser's answer ({words})",
            hint="run the login again, and click Authorize within its time; answer in one browser tab only",
        )
    raise CredentialRefused(
        f"{origin.host} refuses to {purpose} ({words})",
        hint="check the base URL, and that Personal Access Tokens are on: Settings > API access > Personal tokens",
    )


def symptom_error(
    what: str, origin: Origin, name: str, detail: str = "", problem: TransportError | None = None
) -> Error:
    """Return the error for a symptom, with the live check's remedy; `what` says what could not be done."""
    symptom = SYMPTOMS[name]
    kind = CredentialRefused if symptom.status is Status.INVALID else Unreachable
    reason, remedy = symptom.words(host=origin.host, detail=detail, proxy=problem.proxy if problem else None)
    return kind(f"{what}: {reason}", hint=(problem and problem.hint) or remedy)


def _expiry(granted: TokenResponse, answer: Response, began: datetime) -> datetime:
    """Return when the access token expires, by our clock or the server's `Date`, whichever is earlier.

    We cannot know which clock is wrong, and ours may be corrected before the token is used. By our clock, at least half of the
    lifetime remains: otherwise a clock far ahead would cause a refresh on every call.
    """
    life = USUAL_LIFETIME if granted.lifetime is None else min(timedelta(seconds=granted.lifetime), LONGEST_LIFETIME)
    server = http_date(answer.headers.get("date")) or began
    ahead = began - server
    return began + (max(life - ahead, life / 2) if ahead >= _SMALL_SKEW else life)
