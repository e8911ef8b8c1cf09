"""The browser's part of a login (RFC 8252), up to the code, which comes by the callback or in a pasted address.

A whole login is `cli.browser_login`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from time import monotonic
from typing import Protocol

from omniprofile.errors import Error, LoginFailed
from omniprofile.instance.authorization_response import PERSONAL_TOKENS, Callback, code_of, read_pasted
from omniprofile.instance.callback import Listener
from omniprofile.instance.callback_http import Page
from omniprofile.instance.client import Client
from omniprofile.instance.endpoints import Endpoints, discover
from omniprofile.instance.instance_error import InstanceError
from omniprofile.instance.oauth_requests import AuthorizationRequest, authorization_query
from omniprofile.instance.responses import InvalidResponse
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.times import duration_text
from omniprofile.system.threads import next_of

LIMIT_SECONDS = 120.0
"""How long a login waits for the callback."""
_DISCOVERY_SECONDS = 10.0


class LoginUI(Protocol):
    """How the flow talks to the user. Every method returns at once."""

    @property
    def browser_opened(self) -> bool | None:
        """Whether a browser was opened; None while unknown."""
        ...

    def open_url(self, start: str, address: str, put: Callable[[str | Error], None]) -> None:
        """Open `start`, a one-time local URL, in a browser, and show `address`, to which it redirects.

        Passes each line the user pastes to `put`; an error passed there ends the login.
        """
        ...

    def notify(self, sentence: str) -> None:
        """Tell the user what happened."""
        ...

    def pasted_badly(self, why: str) -> None:
        """Explain to the user why a pasted line is not a callback URL of this login."""
        ...


@dataclass(frozen=True, slots=True)
class Authorized:
    """An authorization code and what redeems it. `show` sets the page for the waiting browser, if there is one."""

    request: AuthorizationRequest
    code: Secret
    show: Callable[[Page], None]


def find_endpoints(client: Client, origin: Origin) -> Endpoints:
    """Return the instance's endpoints. Raises Unreachable, before any browser is opened, if the instance does not respond."""
    try:
        return discover(client, origin, timeout=_DISCOVERY_SECONDS)
    except InstanceError as problem:
        raise problem.as_error("the login cannot start", origin) from None


@contextmanager
def authorized(
    origin: Origin,
    endpoints: Endpoints,
    ui: LoginUI,
    *,
    account: str,
    limit: float = LIMIT_SECONDS,
    port: int = 0,
    uid: int | None = None,
) -> Iterator[Authorized]:
    """Have the user authorize omniprofile within `limit` seconds; the body redeems the code and shows the result page.

    The callback listens on `port` (0 for any free one), and only a browser of user `uid` is redirected to the instance. If the
    body raises, the browser shows that the login failed. Raises LoginFailed, NoCredential, CredentialRefused, OriginMismatch
    and Unreachable, and OperationFailed if the port cannot be listened on.
    """
    queue: SimpleQueue[Callback | str | Error] = SimpleQueue()
    with Listener(queue.put, ui.notify, port=port, uid=uid) as listener:
        try:
            separator = "&" if "?" in endpoints.authorization else "?"
            address = f"{origin}{endpoints.authorization}{separator}{authorization_query(listener.request)}"
            ui.open_url(listener.start_at(address), address, queue.put)
            try:
                callback = _first_callback(queue, ui, listener.request, limit)
            except TimeoutError:
                opened, rejected = ui.browser_opened, listener.rejected_callbacks
                raise _nobody(account, limit, opened=opened, rejected=rejected) from None
            yield Authorized(listener.request, code_of(callback, endpoints, origin), listener.show)
        except Error as error:
            message = error.message[:1].upper() + error.message[1:].replace("`", "") + "."
            listener.show(Page(False, "Not logged in", message, "Your terminal says what to do."))
            raise


def _first_callback(
    queue: "SimpleQueue[Callback | str | Error]", ui: LoginUI, request: AuthorizationRequest, limit: float
) -> Callback:
    """Return the first answer to `request`, from the browser or pasted. Raises an Error in the queue, and TimeoutError."""
    until = monotonic() + limit
    while True:
        got = next_of(queue, until - monotonic())
        if isinstance(got, Error):
            raise got
        if not isinstance(got, str):
            return got
        try:
            return read_pasted(got, request)
        except InvalidResponse as problem:
            ui.pasted_badly(str(problem))


def _nobody(account: str, limit: float, *, opened: bool | None, rejected: int) -> LoginFailed:
    again = f"run `omniprofile login {account} --no-browser`"
    if rejected:
        hint = "an answer to another login came: close old login tabs, and run the login again"
    elif opened is False:
        hint = (
            "no browser was opened: visit the address yourself, or set `BROWSER` to one; "
            f"`omniprofile login {account} --timeout 10m` gives more time"
        )
    else:
        hint = (
            "if the page did not open, check the base URL; if it showed an error after Authorize, "
            f"{PERSONAL_TOKENS}; if the browser could not show `localhost`, {again} and paste the address it stopped at"
        )
    return LoginFailed(f"nobody answered the login of `{account}` within {duration_text(limit)}", hint=hint)
