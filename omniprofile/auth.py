"""`Auth`: an HTTP client's requests, authenticated. DOOR: httpx, for the class that its clients take; anyio, on which it runs."""

from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial
from typing import TypeVar, cast

import httpx

from omniprofile.api import app_for, request_for
from omniprofile.app import ProfileRequest
from omniprofile.credentials.held_credential import HeldCredential
from omniprofile.credentials.protection import KEEPING
from omniprofile.errors import AccessLimited, OriginMismatch
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Access
from omniprofile.model.names import printable
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.provenance import Sourced
from omniprofile.model.read_only import denial, is_override
from omniprofile.system.environment import Environment

_T = TypeVar("_T")

Limits = tuple[Access, tuple[str, ...]]
"""A profile's `access` and `allow`."""


class Auth(httpx.Auth):
    """Authenticate the requests of an httpx client, sync or async, with a profile's credential.

    The credential is resolved at the first request, which also decides which profile is the current one, and again before a
    request for which it would be too old. A request to any other origin than the credential's is refused with
    `omniprofile.Error` before it is sent; a redirect to one loses the header. On a 401 the credential is renewed (the key read
    anew, the session refreshed), and the request sent once more if the token is another one now. A body that is read while it
    is sent cannot be sent twice: then the 401 is the answer, and the next request has the new token. Whatever `resolve`
    raises, a request raises; but a profile whose `access` is limited can be used, and raises for what that does not let through.

    One value serves any number of threads and tasks at once; an async client's event loop is never blocked. To a client
    that takes a function of the request, such as `requests`, it is one: that sets the header, and renews ahead of expiry alone.
    """

    def __init__(self, profile: str | None = None, *, config: str | None = None) -> None:
        environment = Environment.real()
        self._wanted = request_for(profile)
        self._config = config
        self._credential = HeldCredential(self._obtain, lambda: environment.now())  # noqa: PLW0108 - as it is by then
        self._limits: Limits = ("full", ())

    def __repr__(self) -> str:
        return f"Auth({self._wanted.profile.value if self._wanted.profile else None!r})"

    def __call__(self, request: _T) -> _T:
        """Set the header of a request, httpx's or one with the same attributes, and return it."""
        self._sign(cast("httpx.Request", request), self._credential.current())
        return request

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Httpx's protocol: yield the request with its header, and once more after a 401 that a new token may help against."""
        used = self._credential.current()
        self._sign(request, used)
        response = yield request
        if _refuses(response, used):
            renewed = self._credential.renewed(used)
            if renewed.secret != used.secret and _can_be_sent_again(request):
                self._sign(request, renewed)
                yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The same for async clients. What may wait for files, commands, locks or the network waits in a thread."""
        used = self._credential.ready()
        if used is None:
            used = await _in_thread(self._credential.current)
        self._sign(request, used)
        response = yield request
        if _refuses(response, used):
            renewed = await _in_thread(partial(self._credential.renewed, used))
            if renewed.secret != used.secret and _can_be_sent_again(request):
                self._sign(request, renewed)
                yield request

    def _obtain(self, force_refresh: bool) -> Credential:
        app = app_for(self._config)
        resolution = app.resolve(self._wanted, KEEPING.use)
        credential = app.obtain(resolution, KEEPING, force_refresh=force_refresh)
        app.record(resolution, "library")
        # Whatever the current profile is by then, this value stays with the one that it began with.
        self._wanted = ProfileRequest(Sourced(resolution.profile, resolution.selection.provenance))
        self._limits = resolution.access, resolution.allow
        return credential

    def _sign(self, request: httpx.Request, credential: Credential) -> None:
        url = httpx.URL(request.url)  # which is a text in `requests`
        _require_origin(credential, url)
        access, allow = self._limits
        target = getattr(request, "extensions", {}).get(
            "target", url.raw_path
        )  # httpcore sends the former, if there is one
        denied = denial(credential.profile, access, allow, request.method, target.decode("latin-1"))
        if denied is not None:
            raise AccessLimited(f"{request.method} is refused: {denied.message}", hint=denied.hint)
        if access == "read-only":
            for name in filter(is_override, list(request.headers)):
                del request.headers[name]
        request.headers["Authorization"] = f"Bearer {credential.token}"


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
