"""httpx's transports, which send one request through a proxy or without, and what their errors mean. DOOR: httpx."""

import socket
import ssl
from collections.abc import Callable, Mapping
from errno import EHOSTUNREACH, ENETUNREACH
from functools import partial
from typing import TypeVar

import httpx

from omniprofile.instance.instance_error import InstanceError
from omniprofile.instance.proxies import Proxy
from omniprofile.model.names import printable
from omniprofile.model.origin import Origin

T = TypeVar("T", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


def transport(kind: Callable[..., T], context: ssl.SSLContext | None, proxy: Proxy | None, limits: httpx.Limits) -> T:
    """Return a transport of this kind, through `proxy` if there is one. Raises InstanceError."""
    make = partial(kind, verify=context or False, trust_env=False, limits=limits)
    if proxy is None:
        return make()
    try:
        to = httpx.Proxy(proxy.address)
        to.ssl_context = context if to.url.scheme == "https" else None
        return make(proxy=to)
    except ImportError:
        words = f"{proxy.named_by} names a SOCKS proxy, for which the package `socksio` is missing"
        raise InstanceError("socks", words, proxy=proxy.named_by) from None
    except (ValueError, httpx.InvalidURL):
        # Don't quote the error: the proxy address may hold a password.
        words = f"the proxy address in {proxy.named_by} cannot be used"
        raise InstanceError("proxy", words, proxy=proxy.named_by) from None


Trace = dict[str, Mapping[str, object]]
"""The steps of a request so far, each with its details, as reported by httpx's `trace` extension."""


def transport_error(
    problem: Exception, origin: Origin, trace: Trace, seconds: float, proxy: str | None
) -> InstanceError:
    """Translate an httpx exception. `trace` has the steps of the request; `seconds` is its time limit."""

    def error(symptom: str, words: str) -> InstanceError:
        return InstanceError(symptom, words, proxy=proxy)

    host = origin.host
    if isinstance(problem, httpx.ProxyError):
        return error("proxy", f"the proxy answers {printable(str(problem), 60)}")
    if isinstance(problem, httpx.TimeoutException):
        return InstanceError.no_answer(host, seconds, proxy)
    if isinstance(problem, httpx.ConnectError):
        causes = _causes(problem)
        called = trace.get("connection.connect_tcp.started")
        if proxy is None or called is None or "proxy.start_tls.started" in trace:  # through the proxy's tunnel
            return error(*_not_connected(causes, origin))
        return error("proxy", f"the proxy {printable('{host}:{port}'.format_map(called))} {_why_not(causes)}")
    if proxy is not None and isinstance(problem, httpx.UnsupportedProtocol | httpx.InvalidURL | UnicodeError):
        return error("proxy", f"the proxy address in {proxy} cannot be used")
    if refusal := _tls_refusal(_causes(problem)):  # TLS 1.3 sends it after the handshake
        return error("tls-refused", f"{host} {refusal}")
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
    host = origin.host
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            code = getattr(cause, "verify_code", None)
            if code in _NAME_DIFFERS:
                return "tls-name", f"the certificate of {host} is for another host"
            if code in _TIME_DIFFERS:
                return "tls-expired", f"the certificate of {host} has expired, or is not valid yet"
            why = printable(getattr(cause, "verify_message", None) or "unknown reason", 100)
            return "tls", f"the certificate of {host} is not trusted ({why})"
        if refusal := _tls_refusal([cause]):
            return "tls-refused", f"{host} {refusal}"
        if isinstance(cause, ssl.SSLError):
            return "tls-handshake", f"{host} does not speak TLS on port {origin.port}, or closed the connection"
        if isinstance(cause, socket.gaierror):
            return "dns", f"the name {host} does not resolve"
        if isinstance(cause, OSError) and cause.errno in (ENETUNREACH, EHOSTUNREACH):
            return "offline", f"no route to {host}"
    return "refused", f"{host} does not accept connections on port {origin.port}"


def _tls_refusal(causes: list[BaseException]) -> str | None:
    """Return why a server that speaks TLS does not serve us, None if it did not say: it may speak something else."""
    reason = next((cause.reason for cause in causes if isinstance(cause, ssl.SSLError) and cause.reason), "")
    if reason in ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"):
        return "does not speak TLS 1.2 or newer"
    if reason.endswith("ALERT_CERTIFICATE_REQUIRED"):
        return "requires a client certificate"
    if reason.endswith("UNRECOGNIZED_NAME"):
        return "does not serve that name"
    if "_ALERT_" in reason:
        return f"refuses the TLS connection ({reason.partition('_ALERT_')[2].replace('_', ' ').lower()})"
    return None


def _causes(problem: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    link: BaseException | None = problem
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__
    return found
