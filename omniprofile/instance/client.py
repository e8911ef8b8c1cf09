"""HTTP requests to an instance. DOOR: httpx.

It uses httpx's transports directly, below the layers that could send a secret elsewhere: no cookies, no `.netrc`, no redirects,
because a bearer token must go only to its own origin (RFC 6750, section 5.3). A response is limited to 1 MiB; a compressed one
is refused.
"""

import ssl
from collections.abc import Mapping
from contextlib import AbstractContextManager
from threading import Lock, get_ident
from time import monotonic

import httpx

import omniprofile
from omniprofile.instance.certificates import trusted_context
from omniprofile.instance.instance_error import InstanceError
from omniprofile.instance.proxies import Proxy, proxy_for
from omniprofile.instance.responses import Response
from omniprofile.instance.transport import Trace, transport, transport_error
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.system.threads import start, wait

LARGEST_RESPONSE = 1024 * 1024
_HEADERS = {
    "User-Agent": f"omniprofile/{omniprofile.__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}


class Client(AbstractContextManager["Client"]):
    """An HTTP client, as a context manager.

    `timeout` limits a whole request, in seconds. Each thread has its own connections and keeps one for its next request,
    because httpx scans every connection of a shared pool again and again. `environ` holds the variables for proxies and
    certificates.
    """

    def __init__(self, *, timeout: float, environ: Mapping[str, str]) -> None:
        self._timeout = timeout
        self._environ = environ
        # Unlimited, since the caller limits how many requests run at once: an abandoned request still holds its connection, and
        # no other request may have to wait for it.
        self._limits = httpx.Limits(max_connections=None, max_keepalive_connections=1)
        self._lock = Lock()
        self._certificates: ssl.SSLContext | None = None
        self._transports: dict[tuple[int, str | None, str], httpx.HTTPTransport] = {}

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        for each in self._transports.values():
            each.close()

    def get(self, origin: Origin, path: str, token: Secret | None = None, *, timeout: float | None = None) -> Response:
        """GET `path` of `origin`, with `token` as bearer token. Raises InstanceError."""
        headers = {**_HEADERS, "Authorization": f"Bearer {token.reveal()}"} if token else _HEADERS
        return self._send(origin, "GET", path, headers=headers, timeout=timeout)

    def post_form(
        self, origin: Origin, path: str, fields: Mapping[str, str], *, timeout: float | None = None
    ) -> Response:
        """POST a form, as OAuth's token endpoint expects (RFC 6749, section 4.1.3). Raises InstanceError."""
        return self._send(origin, "POST", path, form=fields, timeout=timeout)

    def _send(
        self,
        origin: Origin,
        method: str,
        path: str,
        *,
        timeout: float | None,
        headers: Mapping[str, str] = _HEADERS,
        form: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request and abandon it at its deadline. Raises InstanceError.

        httpx limits each phase and each wait for a byte, not the whole request: a server that drips bytes could hold it for
        ever. An abandoned request ends when the client is closed, or at the latest with the process.
        """
        seconds = self._timeout if timeout is None else timeout
        proxy = proxy_for(origin, self._environ)
        shown, caller = proxy.named_by if proxy else None, get_ident()

        def exchange() -> Response:
            began, trace = monotonic(), Trace()
            try:
                request = httpx.Request(
                    method,
                    f"{origin}{path}",
                    headers=headers,
                    data=form,
                    extensions={"timeout": httpx.Timeout(seconds).as_dict(), "trace": trace.__setitem__},
                )
                return _read(self._transport(origin, proxy, caller).handle_request(request), origin, shown, began)
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as problem:
                # No `from`: an HTTP error's chain holds the request, and so the token.
                raise transport_error(problem, origin, trace, seconds, shown) from None

        try:
            return wait(start(exchange), seconds)
        except TimeoutError:
            raise InstanceError("timeout", f"{origin.host} did not answer in {seconds:g} s", proxy=shown) from None

    def _transport(self, origin: Origin, proxy: Proxy | None, caller: int) -> httpx.HTTPTransport:
        """Return the thread `caller`'s transport through `proxy`, creating it on first use. Raises InstanceError."""
        kind = (caller, proxy.address if proxy else None, origin.scheme)
        with self._lock:
            if kind not in self._transports:
                context = None
                if origin.scheme == "https":
                    context = self._certificates = self._certificates or trusted_context(self._environ)
                self._transports[kind] = transport(httpx.HTTPTransport, context, proxy, self._limits)
            return self._transports[kind]


def _read(response: httpx.Response, origin: Origin, proxy: str | None, began: float) -> Response:
    try:
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity"):
            raise InstanceError(
                "compressed", f"{origin.host} sent a compressed response, which was not asked for", proxy=proxy
            )
        parts, size = [], 0
        for part in response.iter_raw():
            parts.append(part)
            size += len(part)
            if size > LARGEST_RESPONSE:
                raise InstanceError("too-large", f"the response of {origin.host} is larger than 1 MiB", proxy=proxy)
        return Response(response.status_code, dict(response.headers), b"".join(parts), (monotonic() - began) * 1000)
    finally:
        response.close()
