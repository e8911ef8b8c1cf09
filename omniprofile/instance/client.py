"""HTTP to an instance. DOOR: httpx, truststore.

One client for many threads, with connections that are used again. A redirect is never followed: the bearer token goes to the
origin it is for and nowhere else (RFC 6750, section 5.3). Every request ends within its deadline, also when a server sends a
byte a second, and no answer is read beyond 1 MiB. The operating system's certificates and the proxy variables are honoured.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self

import httpx

import omniprofile
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
    """There was no answer. `symptom` is `dns`, `refused`, `tls`, `timeout`, `proxy`, `protocol` or `too-large`.

    `str()` says what happened in a few words, without the request.
    """

    def __init__(self, symptom: str, words: str) -> None:
        super().__init__(words)
        self.symptom = symptom


class Client:
    """A client, as a context manager. `timeout` is for a whole request, in seconds; `connections` how many at once."""

    def __init__(self, *, timeout: float, connections: int = 16) -> None:
        self._timeout = timeout
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._http = httpx.Client(
            verify=_certificates(),
            follow_redirects=False,
            limits=limits,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        )

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close every connection."""
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
        start = monotonic()
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
        form = dict(fields) if fields is not None else None
        try:
            request = self._http.build_request(method, f"{origin}{path}", headers=headers, data=form, timeout=seconds)
            return self._read(request, start)
        except NoAnswer:
            raise
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as problem:
            # No `from`: the chain of an HTTP error holds the request, and so the token.
            raise _no_answer(problem, origin, seconds) from None

    def _read(self, request: httpx.Request, start: float) -> Answer:
        response = self._http.send(request, stream=True)
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


def _certificates() -> ssl.SSLContext:
    """The operating system's trust store; `SSL_CERT_FILE` and `SSL_CERT_DIR` name another, as for every OpenSSL program."""
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _no_answer(problem: Exception, origin: Origin, seconds: float) -> NoAnswer:
    host = origin.host
    if isinstance(problem, httpx.ProxyError):
        return NoAnswer("proxy", "the proxy refused the connection")
    if isinstance(problem, httpx.TimeoutException):
        return NoAnswer("timeout", f"{host} did not answer in {seconds:g} s")
    if isinstance(problem, httpx.ConnectError):
        causes = _causes(problem)
        import socket

        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return NoAnswer("tls", f"the certificate of {host} is not trusted, or TLS failed")
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return NoAnswer("dns", f"the name {host} does not resolve")
        return NoAnswer("refused", f"{host} does not accept connections on port {origin.port}")
    if isinstance(problem, httpx.UnsupportedProtocol | httpx.InvalidURL | UnicodeError):
        return NoAnswer("protocol", "the request could not be made: a proxy variable may be misshapen")
    return NoAnswer("protocol", f"{host} broke the connection off, or does not speak HTTP")


def _causes(problem: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    link: BaseException | None = problem
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__
    return found
