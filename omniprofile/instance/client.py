"""HTTP requests to an instance. DOOR: httpx.

One client serves many threads and reuses connections. It uses httpx's transports directly, below the layers that could send a
secret elsewhere: no cookies, no `.netrc`, no redirects, because a bearer token must go only to its own origin (RFC 6750,
section 5.3). Every request ends by its deadline, even if a server sends one byte a second. A response is limited to 1 MiB; a
compressed one is refused.
"""

import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Lock, get_ident
from time import monotonic
from typing import Any, TypeVar

import httpx

import omniprofile
from omniprofile.instance.certificates import trusted_context
from omniprofile.instance.proxies import Proxy, proxy_for
from omniprofile.instance.symptoms import TransportError
from omniprofile.model.names import printable
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.system.threads import start, wait

LARGEST_RESPONSE = 1024 * 1024
_HEADERS = {
    "User-Agent": f"omniprofile/{omniprofile.__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response: status, header fields with lower-case names, body, and latency in milliseconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: float


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
        for transport in self._transports.values():
            transport.close()

    def get(self, origin: Origin, path: str, token: Secret | None = None, *, timeout: float | None = None) -> Response:
        """GET `path` of `origin`, with `token` as bearer token. Raises TransportError."""
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
        return self._send(origin, "GET", path, headers, None, timeout)

    def post_form(
        self, origin: Origin, path: str, fields: Mapping[str, str], *, timeout: float | None = None
    ) -> Response:
        """POST a form, as OAuth's token endpoint expects (RFC 6749, section 4.1.3). Raises TransportError."""
        return self._send(origin, "POST", path, {}, dict(fields), timeout)

    def _send(
        self,
        origin: Origin,
        method: str,
        path: str,
        headers: dict[str, str],
        form: dict[str, str] | None,
        timeout: float | None,
    ) -> Response:
        """Send one request and abandon it at its deadline. Raises TransportError.

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
                    headers={**_HEADERS, **headers},
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
            raise TransportError("timeout", f"{origin.host} did not answer in {seconds:g} s", proxy=shown) from None

    def _transport(self, origin: Origin, proxy: Proxy | None, caller: int) -> httpx.HTTPTransport:
        """Return the thread `caller`'s transport through `proxy`, creating it on first use. Raises TransportError."""
        kind = (caller, proxy.address if proxy else None, origin.scheme)
        with self._lock:
            if kind not in self._transports:
                context = None
                if origin.scheme == "https":
                    context = self._certificates = self._certificates or trusted_context(self._environ)
                self._transports[kind] = transport(
                    context, proxy, lambda options: httpx.HTTPTransport(**options, limits=self._limits)
                )
            return self._transports[kind]


T = TypeVar("T")


def transport(context: ssl.SSLContext | None, proxy: Proxy | None, make: Callable[[dict[str, Any]], T]) -> T:
    """Return the transport through `proxy` that `make` builds from httpx's arguments. Raises TransportError."""
    options: dict[str, Any] = {"verify": context or False, "trust_env": False}
    if proxy is None:
        return make(options)
    try:
        to = httpx.Proxy(proxy.address)
        to.ssl_context = context if to.url.scheme == "https" else None
        return make({**options, "proxy": to})
    except ImportError:
        words = f"{proxy.named_by} names a SOCKS proxy, for which the package `socksio` is missing"
        raise TransportError("socks", words, proxy=proxy.named_by) from None
    except (ValueError, httpx.InvalidURL):
        # Don't quote the error: the proxy address may hold a password.
        words = f"the proxy address in {proxy.named_by} cannot be used"
        raise TransportError("proxy", words, proxy=proxy.named_by) from None


def _read(response: httpx.Response, origin: Origin, proxy: str | None, began: float) -> Response:
    try:
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity"):
            raise TransportError(
                "compressed", f"{origin.host} sent a compressed response, which was not asked for", proxy=proxy
            )
        parts, size = [], 0
        for part in response.iter_raw():
            parts.append(part)
            size += len(part)
            if size > LARGEST_RESPONSE:
                raise TransportError("too-large", f"the response of {origin.host} is larger than 1 MiB", proxy=proxy)
        return Response(response.status_code, dict(response.headers), b"".join(parts), (monotonic() - began) * 1000)
    finally:
        response.close()


Trace = dict[str, Mapping[str, Any]]
"""The steps of a request so far, each with its details, as reported by httpx's `trace` extension."""


def transport_error(
    problem: Exception, origin: Origin, trace: Trace, seconds: float, proxy: str | None
) -> TransportError:
    """Translate an httpx exception. `trace` has the steps of the request; `seconds` is its time limit."""

    def error(symptom: str, words: str) -> TransportError:
        return TransportError(symptom, words, proxy=proxy)

    host = origin.host
    if isinstance(problem, httpx.ProxyError):
        return error("proxy", f"the proxy answers {printable(str(problem), 60)}")
    if isinstance(problem, httpx.TimeoutException):
        return error("timeout", f"{host} did not answer in {seconds:g} s")
    if isinstance(problem, httpx.ConnectError):
        causes = _causes(problem)
        called = trace.get("connection.connect_tcp.started")
        if proxy is None or called is None or "proxy.start_tls.started" in trace:  # through the proxy's tunnel
            return error(*_not_connected(causes, origin))
        return error("proxy", f"the proxy {printable('{host}:{port}'.format_map(called))} {_why_not(causes)}")
    if proxy is not None and isinstance(problem, httpx.UnsupportedProtocol | httpx.InvalidURL | UnicodeError):
        return error("proxy", f"the proxy address in {proxy} cannot be used")
    return error("protocol", f"{host} closed the connection, or does not speak HTTP")


def _why_not(causes: list[BaseException]) -> str:
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "does not speak TLS, or its certificate is not trusted"
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "has a name that does not resolve"
    return "does not accept connections"


_NAME_DIFFERS = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_TIME_DIFFERS = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


def _not_connected(causes: list[BaseException], origin: Origin) -> tuple[str, str]:
    from errno import EHOSTUNREACH, ENETUNREACH

    host = origin.host
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            code = getattr(cause, "verify_code", None)
            if code in _NAME_DIFFERS:
                return "tls-name", f"the certificate of {host} is for another host"
            if code in _TIME_DIFFERS:
                return "tls-expired", f"the certificate of {host} has expired, or is not valid yet"
            return "tls", f"the certificate of {host} is not trusted"
        if isinstance(cause, ssl.SSLError):
            return "tls-handshake", f"{host} does not speak TLS on port {origin.port}, or closed the connection"
        if isinstance(cause, socket.gaierror):
            return "dns", f"the name {host} does not resolve"
        if isinstance(cause, OSError) and cause.errno in (ENETUNREACH, EHOSTUNREACH):
            return "offline", f"no route to {host}"
    return "refused", f"{host} does not accept connections on port {origin.port}"


def _causes(problem: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    link: BaseException | None = problem
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__
    return found
