"""The library face: `resolve` and `Auth`. DOOR: httpx, for the class that its clients take.

The same rules and files as the command line; a profile that is named in the call counts as named on the command line.
Nothing is printed: sentences that the command line would say on stderr go to the logger `omniprofile`, at level INFO.
"""

import logging
from collections.abc import Generator

import httpx

from omniprofile.app import App, Call, Outside
from omniprofile.errors import OriginMismatch
from omniprofile.model.credential import Credential
from omniprofile.model.names import printable
from omniprofile.model.origin import NotAnOrigin, Origin

_LOG = logging.getLogger("omniprofile")


def resolve(profile: str | None = None, *, config: str | None = None) -> Credential:
    """Resolve a profile into its credential.

    `profile` is a profile's name, None for the one in use (PRODUCT section 3). `config` is the path of the profile file, None
    for the usual one. Never prompts. Raises `omniprofile.Error`: each has `code`, `message` and `hint`.
    """
    app = App(Outside.real(), config_flag=config, notify=_LOG.info)
    return app.credential(Call.for_profile(profile) if profile is not None else Call())


class Auth(httpx.Auth):
    """Authenticate an httpx client's requests with a profile's credential.

    The credential is resolved at the first request. A request to any other origin than the credential's is refused with
    `omniprofile.Error` before it is sent, and a redirect to one loses the header. On a 401 the credential is resolved once
    more (a rotated key, a refreshed session) and the request sent once more if the token has changed.
    """

    def __init__(self, profile: str | None = None, *, config: str | None = None) -> None:
        self._profile = profile
        self._config = config
        self._credential: Credential | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Httpx's protocol: yield the request with its header, and once more after a 401 that a new token may mend."""
        credential = self._credential = self._credential or resolve(self._profile, config=self._config)
        _require_origin(credential, request.url)
        request.headers["Authorization"] = f"Bearer {credential.token}"
        response = yield request
        if response.status_code != 401:
            return
        renewed = self._credential = resolve(self._profile, config=self._config)
        if renewed.secret == credential.secret:
            return
        _require_origin(renewed, request.url)
        request.headers["Authorization"] = f"Bearer {renewed.token}"
        yield request


def _require_origin(credential: Credential, url: httpx.URL) -> None:
    address = f"{url.scheme}://{url.netloc.decode('ascii')}"
    try:
        origin = Origin.parse(address)
    except NotAnOrigin:
        origin = None
    if origin != credential.origin:
        raise OriginMismatch(
            f"the credential of `{credential.profile}` is for {credential.origin}, not for {printable(url.host)}",
            hint="use one client for each profile, with `base_url=credential.base_url`",
        )
