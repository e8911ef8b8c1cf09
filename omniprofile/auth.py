"""`Auth`: an HTTP client's requests, authenticated. DOOR: httpx, for the class that its clients take; anyio, on which it runs."""

from collections.abc import AsyncGenerator, Callable, Generator
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import TypeVar

import httpx

from omniprofile.api import app_for, request_for
from omniprofile.app import GIVING, ProfileRequest
from omniprofile.errors import Error, OriginMismatch
from omniprofile.model.credential import Credential
from omniprofile.model.freshness import AHEAD
from omniprofile.model.names import printable
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.provenance import Sourced
from omniprofile.system.environment import Environment

_AGAIN = timedelta(seconds=10)
"""How long to make do with a session that could not be renewed ahead of its expiry, before that is tried again."""


class Auth(httpx.Auth):
    """Authenticate the requests of an httpx client, sync or async, with a profile's credential.

    The credential is resolved at the first request, which also decides which profile is the one in use, and again before a
    request for which it would be too old. A request to any other origin than the credential's is refused with
    `omniprofile.Error` before it is sent; a redirect to one loses the header. On a 401 the credential is renewed (the key read
    anew, the session refreshed), and the request sent once more if the token is another one now. A body that is read while it
    is sent cannot be sent twice: then the 401 is the answer, and the next request has the new token. Whatever `resolve`
    raises, a request raises.

    One value serves any number of threads and tasks at once; an async client's event loop is never blocked. To a client
    that takes a function of the request it is one: that sets the header, and renews ahead of expiry alone.
    """

    def __init__(self, profile: str | None = None, *, config: str | None = None) -> None:
        self._wanted = request_for(profile)
        self._config = config
        self._lock = Lock()
        self._held: _Held | None = None
        self._failure: Error | None = None
        self._failed_at = 0.0

    def __repr__(self) -> str:
        return f"Auth({self._wanted.profile.value if self._wanted.profile else None!r})"

    def __call__(self, request: httpx.Request) -> httpx.Request:
        """Set the header of a request, and return it."""
        self._sign(request, self._current())
        return request

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Httpx's protocol: yield the request with its header, and once more after a 401 that a new token may help against."""
        held = self._current()
        self._sign(request, held)
        response = yield request
        if _refuses(response, held.credential):
            renewed = self._renewed(held)
            if renewed.credential.secret != held.credential.secret and _can_be_sent_again(request):
                self._sign(request, renewed)
                yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The same for async clients. What may wait for files, commands, locks or the network waits in a thread."""
        held = self._held if self._held is not None and self._held.is_fresh() else await _in_thread(self._current)
        self._sign(request, held)
        response = yield request
        if _refuses(response, held.credential):
            renewed = await _in_thread(lambda: self._renewed(held))
            if renewed.credential.secret != held.credential.secret and _can_be_sent_again(request):
                self._sign(request, renewed)
                yield request

    def _current(self) -> "_Held":
        """The credential, resolved if there is none yet, or it is about to expire."""
        held = self._held
        if held is not None and held.is_fresh():
            return held
        return self._shared(lambda held: held.is_fresh())

    def _renewed(self, refused: "_Held") -> "_Held":
        """The credential after the instance has refused `refused`."""
        return self._shared(lambda held: held is not refused, force_refresh=True)

    def _shared(self, will_do: "Callable[[_Held], bool]", *, force_refresh: bool = False) -> "_Held":
        """The credential held if it will do, else one obtained now. Those who wait meanwhile share what comes of it, be it an
        error.
        """
        asked = monotonic()
        with self._lock:
            if self._held is not None and will_do(self._held):
                return self._held
            if self._failure is not None and self._failed_at > asked:
                raise self._failure
            try:
                self._held = self._obtain(force_refresh=force_refresh)
            except Error as error:
                self._failure, self._failed_at = error, monotonic()
                raise
            self._failure = None
            return self._held

    def _obtain(self, *, force_refresh: bool = False) -> "_Held":
        app = app_for(self._config)
        resolution = app.resolve(self._wanted, GIVING.use)
        credential = app.obtain(resolution, GIVING, force_refresh=force_refresh)
        # Whatever the profile in use is by then, this value stays with the one that it began with.
        self._wanted = ProfileRequest(Sourced(resolution.profile, resolution.selection.provenance))
        return _Held(credential, app.environment)

    @staticmethod
    def _sign(request: httpx.Request, held: "_Held") -> None:
        _require_origin(held.credential, request.url)
        request.headers["Authorization"] = f"Bearer {held.credential.token}"


class _Held:
    """A credential with the moment at which it is to be renewed, None for never."""

    def __init__(self, credential: Credential, environment: Environment) -> None:
        self.credential = credential
        self._outside = environment
        self._renew_at: datetime | None = None
        if credential.expires_at is not None:
            now = environment.now()
            self._renew_at = credential.expires_at - AHEAD
            if self._renew_at <= now:
                # It is about to expire, and is what there was to be had: it is used while that is tried again.
                self._renew_at = min(now + _AGAIN, credential.expires_at)

    def is_fresh(self) -> bool:
        return self._renew_at is None or self._outside.now() < self._renew_at


_T = TypeVar("_T")


async def _in_thread(work: Callable[[], _T]) -> _T:
    """Run `work` beside the event loop, asyncio's or trio's: httpx itself runs on both by anyio."""
    from anyio import to_thread

    return await to_thread.run_sync(work)


def _refuses(response: httpx.Response, credential: Credential) -> bool:
    """Whether the credential's own instance, and not somebody it redirects to, refuses it."""
    return response.status_code == 401 and _origin_of(response.url) == credential.origin


def _can_be_sent_again(request: httpx.Request) -> bool:
    """Whether the whole body is there, and does not come from a generator or a file that has been read by now."""
    try:
        return request.content is not None
    except httpx.RequestNotRead:
        return False


def _require_origin(credential: Credential, url: httpx.URL) -> None:
    if _origin_of(url) != credential.origin:
        raise OriginMismatch(
            f"the credential of `{credential.profile}` is for {credential.origin}, not for {printable(url.host)}",
            hint="use one client for each profile, with `base_url=credential.base_url`",
        )


def _origin_of(url: httpx.URL) -> Origin | None:
    try:
        return Origin.parse(f"{url.scheme}://{url.netloc.decode('ascii')}")
    except NotAnOrigin:
        return None
