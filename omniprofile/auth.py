"""`Auth` authenticates the requests of an HTTP client. DOOR: httpx, for the class that its clients take; anyio, for threads."""

import os
from collections.abc import AsyncGenerator, Generator
from typing import TypeVar, cast

import httpx

from omniprofile.api import obtain, request_for
from omniprofile.app import ProfileRequest
from omniprofile.credentials.held_credential import HeldCredential
from omniprofile.credentials.intent import KEEPING
from omniprofile.errors import AccessLimited, OriginMismatch
from omniprofile.model.access_rules import denial, is_override
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Access
from omniprofile.model.names import printable
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.provenance import Sourced
from omniprofile.system.environment import Environment

_T = TypeVar("_T")


class Auth(httpx.Auth):
    """Authentication of the requests of an httpx client, sync or async, with a profile's credential.

    The first request resolves the credential, and thereby the current profile; later ones renew a credential that is about to
    expire. A request to any other origin than the credential's raises `omniprofile.Error` before it is sent; a redirect to one
    loses the header. On a 401 the credential is renewed (the key read again, the session refreshed), and the request is sent once
    more if the token has changed. A streamed body cannot be sent twice: the caller gets the 401, and the next request has the new
    token. A request raises whatever `resolve` raises, except that a profile with limited `access` can be used: only a request
    that its `access` does not allow raises.

    One instance serves any number of threads and tasks at once, and never blocks an async client's event loop. A client that
    takes a function of the request, such as `requests`, can use it too: it sets the header, and renews only ahead of expiry.
    """

    def __init__(self, profile: str | None = None, *, config: str | os.PathLike[str] | None = None) -> None:
        environment = Environment.real()
        self._wanted = request_for(profile)
        self._config = config
        self._credential = HeldCredential(self._obtain, lambda: environment.now())  # noqa: PLW0108 - look `now` up at each call
        self._limits: tuple[Access, tuple[str, ...]] = ("full", ())  # the profile's `access` and `allow`

    def __repr__(self) -> str:
        return f"Auth({self._wanted.profile.value if self._wanted.profile else None!r})"

    def __call__(self, request: _T) -> _T:
        """Set the header of a request, from httpx or with the same attributes, and return it."""
        self._sign(cast("httpx.Request", request), self._credential.current())
        return request

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Yield the request with its header, and again after a 401 if there is a new token (httpx's protocol)."""
        used = self._credential.current()
        self._sign(request, used)
        response = yield request
        if _refuses(response, used):
            renewed = self._credential.renewed(used)
            if renewed.secret != used.secret and _can_be_sent_again(request):
                self._sign(request, renewed)
                yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Do the same for async clients. Anything that may wait for files, commands, locks or the network runs in a thread."""
        from anyio import to_thread  # httpx supports asyncio and trio through it

        used = self._credential.ready()
        if used is None:
            used = await to_thread.run_sync(self._credential.current)
        self._sign(request, used)
        response = yield request
        if _refuses(response, used):
            renewed = await to_thread.run_sync(self._credential.renewed, used)
            if renewed.secret != used.secret and _can_be_sent_again(request):
                self._sign(request, renewed)
                yield request

    def _obtain(self, force_refresh: bool) -> Credential:
        resolution, credential = obtain(self._wanted, KEEPING, self._config, force_refresh=force_refresh)
        # Keep using this profile, even if another one becomes the current profile.
        self._wanted = ProfileRequest(Sourced(resolution.profile, resolution.selection.provenance))
        self._limits = resolution.access, resolution.allow
        return credential

    def _sign(self, request: httpx.Request, credential: Credential) -> None:
        url = httpx.URL(request.url)  # a string in `requests`
        if _origin_of(url) != credential.origin:
            raise OriginMismatch(
                f"the credential of `{credential.profile}` is for {credential.origin}, not for {printable(url.host)}",
                hint="use one client for each profile, with `base_url=credential.base_url`",
            )
        access, allow = self._limits
        target = getattr(request, "extensions", {}).get("target", url.raw_path)  # httpcore prefers the extension
        denied = denial(credential.profile, access, allow, request.method, target.decode("latin-1"))
        if denied is not None:
            raise AccessLimited(f"{request.method} is refused: {denied.message}", hint=denied.hint)
        if access == "read-only":
            for name in filter(is_override, list(request.headers)):
                del request.headers[name]
        request.headers["Authorization"] = f"Bearer {credential.token}"


def _refuses(response: httpx.Response, credential: Credential) -> bool:
    """Whether the credential's own instance refuses it, not a server that it redirects to."""
    return response.status_code == 401 and _origin_of(response.url) == credential.origin


def _can_be_sent_again(request: httpx.Request) -> bool:
    """Whether the whole body is in memory, rather than from a generator or file that has been read already."""
    try:
        return request.content is not None
    except httpx.RequestNotRead:
        return False


def _origin_of(url: httpx.URL) -> Origin | None:
    try:
        return Origin.parse(f"{url.scheme}://{url.netloc.decode('ascii')}")
    except NotAnOrigin:
        return None
