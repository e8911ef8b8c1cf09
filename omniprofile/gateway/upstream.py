"""Requests to the instance, streamed in both directions. DOOR: httpx, and anyio, whose streams it uses.

Uses httpx's transports directly, below the layers that could send the credential elsewhere: no redirects, no cookies, and no
variables except those of `instance.proxies` and `instance.certificates`.
"""

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from omniprofile.gateway.header_fields import Fields
from omniprofile.instance.certificates import trusted_context
from omniprofile.instance.proxies import proxy_for
from omniprofile.instance.transport import Trace, transport, transport_error
from omniprofile.model.origin import Origin

_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 3600.0
"""How long the instance may take to send or receive the next bytes: long polls wait for minutes."""
_TIMEOUT = httpx.Timeout(_IDLE_SECONDS, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS).as_dict()
_KEPT_SECONDS = 20.0
"""How long an idle connection is kept; less than servers keep theirs."""

_MOST_KEPT = 64
_REPEATABLE = (b"GET", b"HEAD", b"OPTIONS")
_ENDED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class _Target(httpx.URL):
    """The origin with the request target exactly as the client wrote it: httpx would quote it again.

    httpx's extension `target` does not work here: it would also replace the host name sent to a proxy.
    """

    target: bytes = b"/"

    @property
    def raw_path(self) -> bytes:
        """Return the request target."""
        return self.target


class Response:
    """A response whose body has not been read yet. `release` gets its connection back once the response is closed."""

    def __init__(self, response: httpx.Response, release: Callable[[], Awaitable[None]]) -> None:
        self._response = response
        self._release = release
        self.status = response.status_code
        self.fields: Fields = response.headers.raw
        self.reason: bytes = response.extensions.get("reason_phrase", b"")

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, still encoded. Raises BrokenOff."""
        try:
            async for part in self._response.aiter_raw():
                yield part
        except (httpx.HTTPError, httpx.StreamError) as problem:
            raise BrokenOff from problem

    async def close(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        await self._response.aclose()
        await self._release()


class BrokenOff(Exception):
    """The instance closed the connection in the middle of a body."""


@dataclass(eq=False, repr=False)
class Upstream(AbstractAsyncContextManager["Upstream"]):
    """The connections to one origin, as an async context manager.

    Each connection has its own transport, and the last one used is used first: httpx's pool examines every connection on every
    request.
    """

    origin: Origin
    environ: Mapping[str, str]
    _certificates: ssl.SSLContext | None = None
    _idle: list[httpx.AsyncHTTPTransport] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._proxy = proxy_for(self.origin, self.environ)
        self._host = str(self.origin).partition("://")[2].encode("ascii")

    async def __aexit__(self, *_: object) -> None:
        """Close the idle connections. Requests in progress close their own."""
        for each in self._idle:
            await each.aclose()

    async def _release(self, sender: httpx.AsyncHTTPTransport) -> None:
        if len(self._idle) < _MOST_KEPT and not _has_more(sender):
            self._idle.append(sender)
        else:
            await sender.aclose()

    def _transport(self) -> tuple[httpx.AsyncHTTPTransport, bool]:
        """Return an idle transport, or a new one, and whether it has been used before. Raises InstanceError."""
        if self._idle:
            return self._idle.pop(), True
        if self.origin.scheme == "https" and self._certificates is None:
            self._certificates = trusted_context(self.environ)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEPT_SECONDS)
        return transport(httpx.AsyncHTTPTransport, self._certificates, self._proxy, limits), False

    async def send(
        self, method: bytes, target: bytes, fields: Fields, body: AsyncIterable[bytes] | None, token: str
    ) -> Response:
        """Send one request with `token` as bearer token, and return its response once that begins. Raises InstanceError.

        `fields` holds the length of `body`, if it is known; otherwise the body is sent chunked.
        """
        authorization = (b"Authorization", f"Bearer {token}".encode("ascii"))
        url = _Target(str(self.origin))
        url.target = target
        trace: Trace = {}

        async def note(step: str, details: Mapping[str, Any]) -> None:
            trace[step] = details

        request = httpx.Request(
            method.decode("ascii"),
            url,
            headers=[(b"Host", self._host), *fields, authorization],
            content=body,
            stream=httpx.ByteStream(b"") if body is None else None,  # without it, httpx would add `Content-Length: 0`
            extensions={"timeout": _TIMEOUT, "trace": note},
        )
        request.method, request.url = method.decode("ascii"), url  # httpx has changed both
        while True:
            sender, used = self._transport()
            try:
                return Response(await sender.handle_async_request(request), partial(self._release, sender))
            except (httpx.HTTPError, httpx.StreamError, ssl.SSLError) as problem:  # anyio lets some of TLS's through
                await sender.aclose()
                if used and body is None and method in _REPEATABLE and isinstance(problem, _ENDED):
                    continue  # the instance has just closed the idle connection
                # No `from`: an HTTP error's chain holds the request, and so the token.
                shown = self._proxy.named_by if self._proxy else None
                seconds = _CONNECT_SECONDS if isinstance(problem, httpx.ConnectTimeout) else _IDLE_SECONDS
                raise transport_error(problem, self.origin, trace, seconds, shown) from None


def _has_more(sender: httpx.AsyncHTTPTransport) -> bool:
    """Return whether the instance has sent more than its response, which would be taken for the next response.

    httpx checks only the socket for this, not what has already been read from it. Neither its extensions nor a network backend
    of httpcore's say where in the bytes a response ends, or what is left of them: only httpcore's parser and the streams know.
    """
    for connection in sender._pool.connections:  # noqa: SLF001 - see above
        inner: Any = connection
        while hasattr(inner, "_connection"):  # behind a proxy, or before the protocol is known
            inner = inner._connection  # noqa: SLF001
        if inner is not None and (
            inner._h11_state.trailing_data != (b"", False)  # noqa: SLF001
            or _has_unread(inner._network_stream._stream)  # noqa: SLF001
        ):
            return True
    return False


def _has_unread(stream: Any) -> bool:
    """Tell whether one of anyio's streams holds bytes that httpcore has not asked for, or the end of its TLS session."""
    from anyio.streams.tls import TLSAttribute, TLSStream  # loaded by now, but not before the first request

    while isinstance(stream, TLSStream):
        try:
            stream.extra(TLSAttribute.ssl_object).read(1)  # noqa: S610 - this is not Django
        except ssl.SSLWantReadError:
            stream = stream.transport_stream
        except ssl.SSLError:
            return True
        else:
            return True
    return bool(stream._protocol.read_queue)  # noqa: SLF001 - see `_has_more`
