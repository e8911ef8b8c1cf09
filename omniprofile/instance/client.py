"""HTTP to an instance. DOOR: httpx, truststore.

One client for many threads, with connections that are used again. A redirect is never followed: the bearer token goes to the
origin it is for and nowhere else (RFC 6750, section 5.3). Every request ends within its deadline, also when a server sends a
byte a second, and no answer is read beyond 1 MiB. The operating system's certificates and the proxy variables are honoured.
"""

import socket
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Any, Self

import httpx
import truststore

import omniprofile
from omniprofile.model.names import printable
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret

LARGEST_ANSWER = 1024 * 1024
USER_AGENT = f"omniprofile/{omniprofile.__version__}"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: status, header fields with lower-case names, body, and the time it took in milliseconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: float


class NoAnswer(Exception):
    """There was no answer. `symptom` is `dns`, `offline`, `refused`, `timeout`, `protocol`, `too-large`, one of TLS (`tls`,
    `tls-name`, `tls-expired`, `tls-handshake`) or of a proxy (`proxy`, `socks`).

    `str()` says what happened in a few words, without the request.
    """

    def __init__(self, symptom: str, words: str) -> None:
        super().__init__(words)
        self.symptom = symptom


class Client:
    """A client, as a context manager. `timeout` is for a whole request, in seconds; `connections` how many are kept for
    further requests.
    """

    def __init__(self, *, timeout: float, connections: int = 16) -> None:
        self._timeout = timeout
        # How many there may be at once is the caller's to bound: a request that was given up still holds its connection,
        # and must not be what another one waits for.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=connections)
        self._http: httpx.Client | None = None
        self._fault = ("", "")
        certificates = _certificates()
        try:
            self._http = httpx.Client(
                verify=certificates,
                follow_redirects=False,
                limits=limits,
                headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            )
        except ImportError:
            self._fault = "socks", "a proxy variable names a SOCKS proxy, for which the package `socksio` is missing"
        except (ValueError, httpx.InvalidURL):
            # No word of theirs: a proxy's address may hold a password.
            self._fault = "proxy", "a proxy variable holds no address that can be used"

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close every connection."""
        if self._http is not None:
            self._http.close()

    def get(self, origin: Origin, path: str, token: Secret | None = None, *, timeout: float | None = None) -> Answer:
        """GET `path` of `origin`, with the token as bearer. Raises NoAnswer."""
        return self._send("GET", origin, path, token, None, timeout)

    def post_form(
        self, origin: Origin, path: str, fields: Mapping[str, str], *, timeout: float | None = None
    ) -> Answer:
        """POST a form, as OAuth's token endpoint takes it (RFC 6749, section 4.1.3). Raises NoAnswer."""
        return self._send("POST", origin, path, None, fields, timeout)

    def _send(
        self,
        method: str,
        origin: Origin,
        path: str,
        token: Secret | None,
        fields: Mapping[str, str] | None,
        timeout: float | None,
    ) -> Answer:
        """Send one request in a thread of its own, and give it up at its deadline.

        httpx limits each phase of a request and each wait for a byte, not the whole: a server that drips would hold it
        for ever. What is given up ends when the client is closed, and with the process in any case.
        """
        from concurrent.futures import Future
        from threading import Thread

        seconds = self._timeout if timeout is None else timeout
        until = monotonic() + seconds
        outcome: Future[Answer] = Future()

        def work() -> None:
            try:
                outcome.set_result(self._exchange(method, origin, path, token, fields, seconds))
            except BaseException as problem:  # noqa: BLE001 - handed to the thread that waits, whatever it is
                outcome.set_exception(problem)

        Thread(target=work, daemon=True).start()
        try:
            return outcome.result(timeout=max(0.0, until - monotonic()))
        except TimeoutError:
            raise NoAnswer("timeout", f"{origin.host} did not answer in {seconds:g} s") from None

    def _exchange(
        self,
        method: str,
        origin: Origin,
        path: str,
        token: Secret | None,
        fields: Mapping[str, str] | None,
        seconds: float,
    ) -> Answer:
        if self._http is None:
            raise NoAnswer(*self._fault)
        start = monotonic()
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
        form = dict(fields) if fields is not None else None
        way = _Way()
        try:
            request = self._http.build_request(
                method,
                f"{origin}{path}",
                headers=headers,
                data=form,
                timeout=seconds,
                extensions={"trace": way.note},
            )
            return self._read(self._http, request, start)
        except NoAnswer:
            raise
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as problem:
            # No `from`: the chain of an HTTP error holds the request, and so the token.
            raise _no_answer(problem, origin, way, seconds) from None

    @staticmethod
    def _read(http: httpx.Client, request: httpx.Request, start: float) -> Answer:
        response = http.send(request, stream=True)
        try:
            parts, size = [], 0
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > LARGEST_ANSWER:
                    raise NoAnswer("too-large", "the answer is larger than 1 MiB")
            return Answer(response.status_code, dict(response.headers), b"".join(parts), (monotonic() - start) * 1000)
        finally:
            response.close()


class _Way:
    """The way that a request went, by httpx's `trace` extension: the address that was called, and whether the tunnel that a
    proxy makes was there already.
    """

    def __init__(self) -> None:
        self.called: tuple[str, int] | None = None
        self.in_tunnel = False

    def note(self, event: str, about: Mapping[str, Any]) -> None:
        """What the extension calls at each step."""
        if event == "connection.connect_tcp.started":
            self.called = about["host"], about["port"]
        elif event == "proxy.start_tls.started":
            self.in_tunnel = True


class _ContextForEach(truststore.SSLContext):
    """truststore's certificates, by a context for each connection.

    One context of truststore's is locked for as long as a handshake takes, so that a host that never ends its own would hold
    up every other.
    """

    def wrap_socket(
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """Wrap `sock` in TLS, by a context of its own."""
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["http/1.1"])
        return context.wrap_socket(
            sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, session
        )


def _certificates() -> ssl.SSLContext:
    """The operating system's trust store; `SSL_CERT_FILE` and `SSL_CERT_DIR` name another, as for every OpenSSL program.

    On Linux and its like truststore finds the files and OpenSSL judges by them: there the context that it has filled is used
    as a plain one, since filling one takes 30 ms and would be done for every connection.
    """
    if sys.platform in ("darwin", "win32"):
        return _ContextForEach(ssl.PROTOCOL_TLS_CLIENT)
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    filled = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost").context
    if filled.verify_mode is not ssl.CERT_REQUIRED or not filled.check_hostname:
        raise AssertionError("a context that would accept any certificate")
    filled.sslsocket_class, filled.sslobject_class = ssl.SSLSocket, ssl.SSLObject
    return filled


def _no_answer(problem: Exception, origin: Origin, way: _Way, seconds: float) -> NoAnswer:
    host = origin.host
    if isinstance(problem, httpx.ProxyError):
        return NoAnswer("proxy", f"the proxy answers {printable(str(problem), 60)}")
    if isinstance(problem, httpx.TimeoutException):
        return NoAnswer("timeout", f"{host} did not answer in {seconds:g} s")
    if isinstance(problem, httpx.ConnectError):
        causes = _causes(problem)
        if way.called is None or way.called == (origin.host, origin.port) or way.in_tunnel:
            return _not_connected(causes, origin)
        return NoAnswer("proxy", f"the proxy {printable(f'{way.called[0]}:{way.called[1]}')} {_why_not(causes)}")
    if isinstance(problem, httpx.UnsupportedProtocol | httpx.InvalidURL | UnicodeError):
        return NoAnswer("protocol", "the request could not be made: a proxy variable may be misshapen")
    return NoAnswer("protocol", f"{host} broke the connection off, or does not speak HTTP")


def _why_not(causes: list[BaseException]) -> str:
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "does not speak TLS, or its certificate is not trusted"
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "has a name that does not resolve"
    return "does not accept connections"


_NAME_DIFFERS = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_TIME_DIFFERS = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


def _not_connected(causes: list[BaseException], origin: Origin) -> NoAnswer:
    from errno import EHOSTUNREACH, ENETUNREACH

    host = origin.host
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            code = getattr(cause, "verify_code", None)
            if code in _NAME_DIFFERS:
                return NoAnswer("tls-name", f"the certificate of {host} is for another host")
            if code in _TIME_DIFFERS:
                return NoAnswer("tls-expired", f"the certificate of {host} has expired, or is not valid yet")
            return NoAnswer("tls", f"the certificate of {host} is not trusted")
        if isinstance(cause, ssl.SSLError):
            return NoAnswer("tls-handshake", f"{host} does not speak TLS on port {origin.port}, or broke it off")
        if isinstance(cause, socket.gaierror):
            return NoAnswer("dns", f"the name {host} does not resolve")
        if isinstance(cause, OSError) and cause.errno in (ENETUNREACH, EHOSTUNREACH):
            return NoAnswer("offline", f"there is no way to {host}")
    return NoAnswer("refused", f"{host} does not accept connections on port {origin.port}")


def _causes(problem: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    link: BaseException | None = problem
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__
    return found
