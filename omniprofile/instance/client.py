"""HTTP requests to an instance. DOOR: httpx.

It uses httpx's transports directly, below the layers that could send a secret elsewhere: no cookies, no `.netrc`, no redirects,
because a bearer token must go only to its own origin (RFC 6750, section 5.3). A response is limited to 1 MiB; a compressed one
is refused.
"""

import ssl
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Lock
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
_KEEP_ONE = httpx.Limits(max_connections=None, max_keepalive_connections=1)
_HEADERS = {
    "User-Agent": f"omniprofile/{omniprofile.__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}


@dataclass(eq=False, repr=False)
class Client(AbstractContextManager["Client"]):
    """An HTTP client, as a context manager.

    `timeout` limits a whole request, in seconds. `environ` holds the variables for proxies and certificates. Any number of
    threads may use it: each request has a transport for itself, which keeps its connection for the next one, because httpx scans
    every connection of a shared transport again and again.
    """

    timeout: float
    environ: Mapping[str, str]
    _lock: Lock = field(default_factory=Lock)
    _certificates: ssl.SSLContext | None = None
    _transports: list[httpx.HTTPTransport] = field(default_factory=list)
    _idle: dict[tuple[str, Proxy | None], list[httpx.HTTPTransport]] = field(default_factory=lambda: defaultdict(list))

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        for each in self._transports:
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
        seconds = self.timeout if timeout is None else timeout
        proxy = proxy_for(origin, self.environ)
        shown = proxy.named_by if proxy else None

        def exchange() -> Response:
            began, trace = monotonic(), Trace()
            sender = self._idle_transport(origin.scheme, proxy)
            try:
                request = httpx.Request(
                    method,
                    f"{origin}{path}",
                    headers=headers,
                    data=form,
                    extensions={"timeout": httpx.Timeout(seconds).as_dict(), "trace": trace.__setitem__},
                )
                return _read(sender.handle_request(request), origin, shown, began)
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as problem:
                # No `from`: an HTTP error's chain holds the request, and so the token.
                raise transport_error(problem, origin, trace, seconds, shown) from None
            finally:
                self._idle[origin.scheme, proxy].append(sender)

        try:
            return wait(start(exchange), seconds)
        except TimeoutError:
            raise InstanceError.no_answer(origin.host, seconds, shown) from None

    def _idle_transport(self, scheme: str, proxy: Proxy | None) -> httpx.HTTPTransport:
        """Return a transport through `proxy` that no request uses, preferably the last one used. Raises InstanceError."""
        with self._lock:
            if idle := self._idle[scheme, proxy]:
                return idle.pop()
            if scheme == "https" and self._certificates is None:
                self._certificates = trusted_context(self.environ)
            context = self._certificates if scheme == "https" else None
            self._transports.append(transport(httpx.HTTPTransport, context, proxy, _KEEP_ONE))
            return self._transports[-1]


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
