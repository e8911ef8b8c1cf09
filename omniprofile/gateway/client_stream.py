"""HTTP/1.1 with one client of the gateway. DOOR: h11."""

import asyncio
import re
from collections.abc import AsyncIterator

import h11

from omniprofile.system.loopback_clients import PIECE

_LARGEST_HEAD = 64 * 1024
_LENIENT = re.compile(rb"\n[ \t]|(?<!\r)\n|\r(?!\n)|\0")
"""What h11 accepts in a head although no program needs to send it: folded lines, bare CR or LF, NUL."""
_HEAD_SECONDS = 60.0
"""How long a client may take to begin the next request and send its head."""
_STALLED_SECONDS = 600.0
"""How long a client may take to send or receive the next piece of a body."""
_LINGER_SECONDS = 1.0
_LEFT = 1024 * 1024
"""How much more of a refused request is read, in bytes: some clients read the response only after sending everything."""
_REPEATABLE = 64 * 1024
"""How much of a request body is kept, in bytes, to send the request again after a 401."""


class Gone(Exception):
    """The client has gone, or has stopped in the middle of a request."""


class ClientStream:
    """The requests of one connection, in turn, and their responses.

    Accepts only heads that strictly follow RFC 9112. h11 is lenient towards old programs: if two programs read one request
    differently, requests can be smuggled.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._http = h11.Connection(h11.SERVER, _LARGEST_HEAD)
        self._out = b""

    @property
    def request_has_ended(self) -> bool:
        """Whether the whole request has been read."""
        return self._http.their_state is h11.DONE

    @property
    def has_responded(self) -> bool:
        """Whether a response to the current request has begun."""
        return self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE)

    def start_next_request(self) -> bool:
        """Get ready for another request; return False if there cannot be one."""
        if self._http.our_state is not h11.DONE or not self.request_has_ended:
            return False
        self._http.start_next_cycle()
        return True

    async def request(self) -> h11.Request | None:
        """Return the next request, None if the client sends no more. Raises RemoteProtocolError, TimeoutError and OSError."""
        async with asyncio.timeout(_HEAD_SECONDS):
            event = await self._event()
        return event if isinstance(event, h11.Request) else None

    def body(self, request: h11.Request) -> "Body | None":
        """Return the body of a request, None if it has none."""
        fields = dict(request.headers)
        if b"transfer-encoding" in fields or int(fields.get(b"content-length", b"0")):
            return Body(self)
        self._http.next_event()  # consumes EndOfMessage
        return None

    async def piece(self) -> bytes | None:
        """Return the next piece of the request body, None at its end. Raises Gone."""
        if self._http.they_are_waiting_for_100_continue:
            await self.write(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
        try:
            async with asyncio.timeout(_STALLED_SECONDS):
                event = await self._event()
        except (h11.RemoteProtocolError, TimeoutError) as problem:
            raise Gone from problem
        return bytes(event.data) if isinstance(event, h11.Data) else None

    def skim(self) -> None:
        """Consume what has arrived of the request, so that another may follow one without a body."""
        while not self._http.they_are_waiting_for_100_continue and isinstance(self._http.next_event(), h11.Data):
            pass

    async def write(self, event: h11.Event) -> None:
        """Send one of h11's events."""
        self._out += self._http.send(event) or b""
        if isinstance(event, h11.Response):
            # Flush later, so that a body already received goes out in the same packet.
            asyncio.get_running_loop().call_soon(self._flush)
        elif self._out:
            self._flush()
            async with asyncio.timeout(_STALLED_SECONDS):
                await self.writer.drain()

    async def linger(self) -> None:
        """End the connection so that the client can read the response: unread data would cause a reset."""
        self._flush()
        if self._reader.at_eof() or self._http.their_state in (h11.IDLE, h11.CLOSED):
            return
        self.writer.write_eof()
        async with asyncio.timeout(_LINGER_SECONDS):
            left = _LEFT
            while left > 0 and (data := await self._reader.read(PIECE)):
                left -= len(data)

    async def _event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self._next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(PIECE))
        return event

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        if self._http.their_state is h11.IDLE:
            data = self._http.trailing_data[0]
            head, ended, _ = data.partition(b"\r\n\r\n")
            # Search only a complete head: one that arrives byte by byte would be searched again for every byte.
            if (ended or b"\n\n" in data or b"\n\r\n" in data) and _LENIENT.search(head):
                raise h11.RemoteProtocolError("the head of the request is not written as HTTP/1.1 asks for")
            if len(head) > _LARGEST_HEAD:
                raise h11.RemoteProtocolError("the head of the request is too large", error_status_hint=431)
        return self._http.next_event()

    def _flush(self) -> None:
        if self._out:
            self.writer.write(self._out)
            self._out = b""


class Body:
    """A request body, passed on while it arrives. `whole` is all of it once it has been read, unless it is long."""

    def __init__(self, stream: ClientStream) -> None:
        self._stream = stream
        self.whole: bytes | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body, the first time as it arrives."""
        if self.whole is not None:
            if self.whole:
                yield self.whole
            return
        kept = bytearray()
        while (piece := await self._stream.piece()) is not None:
            if len(kept) <= _REPEATABLE:
                kept += piece
            yield piece
        if len(kept) <= _REPEATABLE:
            self.whole = bytes(kept)
