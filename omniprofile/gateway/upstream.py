"""Requests to the instance, streamed both ways. DOOR: httpx.

It works on httpx's transport, below what could carry the credential elsewhere: no redirect is followed, no cookie kept, no
variable read but those that `instance.proxies` and `instance.certificates` know.
"""

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self

import httpx

from omniprofile.gateway.messages import Fields
from omniprofile.instance.client import ConnectionTrace, TransportError, transport, transport_error
from omniprofile.instance.proxies import proxy_for
from omniprofile.model.origin import Origin

_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 3600.0
"""How long the instance may send or take nothing: long polls wait for minutes."""
_KEPT_SECONDS = 20.0
"""How long a connection that nobody uses is kept; less than servers keep theirs."""


class _Body(httpx.AsyncByteStream):
    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._parts


class _Target(httpx.URL):
    """The origin with a request target that stays as the client wrote it: httpx would quote it anew."""

    target: bytes = b"/"

    @property
    def raw_path(self) -> bytes:
        """The request target."""
        return self.target


class Response:
    """A response whose body is still to come."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.fields: Fields = response.headers.raw
        self.reason: bytes = response.extensions.get("reason_phrase", b"")

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes, encoded as it is. Raises BrokenOff."""
        stream = self._response.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            raise TypeError("an async transport gives an async stream")
        try:
            async for part in stream:
                yield part
        except (httpx.HTTPError, httpx.StreamError) as problem:
            raise BrokenOff from problem

    async def close(self) -> None:
        """Give the connection back, or end it where the body was not read to its end."""
        await self._response.aclose()


class BrokenOff(Exception):
    """The instance broke off in the middle of a body."""


class Upstream:
    """The connections to one origin, as an async context manager."""

    def __init__(self, origin: Origin, environ: Mapping[str, str]) -> None:
        self._origin = origin
        self._environ = environ
        self._proxy = proxy_for(origin, environ)
        self._host = str(origin).partition("://")[2].encode("ascii")
        self._made: httpx.AsyncHTTPTransport | None = None

    def _transport(self) -> httpx.AsyncHTTPTransport:
        """Return the transport, made when it is first needed. Raises TransportError."""
        if self._made is None:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=_KEPT_SECONDS)
            self._made = transport(
                self._origin,
                self._proxy,
                self._environ,
                lambda options: httpx.AsyncHTTPTransport(**options, limits=limits),
            )
        return self._made

    async def __aenter__(self) -> Self:
        """Return the upstream itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close every connection."""
        if self._made is not None:
            await self._made.aclose()

    async def send(
        self, method: bytes, target: bytes, fields: Fields, token: str, body: AsyncIterator[bytes] | None
    ) -> Response:
        """Send one request with the token as bearer, and return its response once that begins. Raises TransportError.

        `fields` has the length of `body`, if it has one; without, it is sent in chunks.
        """
        framing: Fields = []
        if body is not None and not any(name.lower() == b"content-length" for name, _ in fields):
            framing = [(b"Transfer-Encoding", b"chunked")]
        authorization = (b"Authorization", f"Bearer {token}".encode("ascii"))
        url = _Target(str(self._origin))
        url.target = target
        request = httpx.Request(
            method.decode("ascii"),
            url,
            headers=[(b"Host", self._host), *fields, *framing, authorization],
            stream=_Body(body) if body is not None else httpx.ByteStream(b""),
            extensions={
                "timeout": {
                    "connect": _CONNECT_SECONDS, "read": _IDLE_SECONDS, "write": _IDLE_SECONDS, "pool": _CONNECT_SECONDS,
                }
            },
        )  # fmt: skip
        request.method, request.url = method.decode("ascii"), url  # httpx has changed both
        sender = self._transport()
        try:
            return Response(await sender.handle_async_request(request))
        except (httpx.HTTPError, httpx.StreamError) as problem:
            # No `from`: the chain of an HTTP error holds the request, and so the token.
            shown = self._proxy.named_by if self._proxy else None
            raise transport_error(problem, self._origin, ConnectionTrace(), _CONNECT_SECONDS, shown) from None


__all__ = ["BrokenOff", "Response", "TransportError", "Upstream"]
