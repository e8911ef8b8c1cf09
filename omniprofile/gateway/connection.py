"""One client's connection to the gateway and its requests. DOOR: h11."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import h11

from omniprofile.errors import Error
from omniprofile.gateway.guard import Guard
from omniprofile.gateway.header_fields import Unsearched, request_fields, response_fields, unpacker
from omniprofile.gateway.mask import Echoed, Mask
from omniprofile.gateway.refusals import Refused, StrictConnection, check_client, check_request
from omniprofile.gateway.upstream import BrokenOff, Response, Upstream
from omniprofile.instance.instance_error import InstanceError
from omniprofile.model.credential import Credential
from omniprofile.model.read_only import is_override
from omniprofile.system.loopback_clients import PIECE
from omniprofile.system.threads import start

_HEAD_SECONDS = 60.0
"""How long a client may take to begin the next request and send its head."""
_STALLED_SECONDS = 600.0
"""How long a client may take to send or receive the next piece of a body."""
_LINGER_SECONDS = 1.0
_REPEATABLE = 64 * 1024
"""How much of a request body is kept, in bytes, to send the request again after a 401."""
_LEFT = 1024 * 1024
"""How much more of a refused request is read, in bytes: some clients read the response only after sending everything."""


class _Gone(Exception):
    """The client has gone, or has stopped in the middle of a request."""


class Connection:
    """One client's connection, whose requests are answered in turn."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        guard: Guard,
        upstream: Upstream,
        trusted: Callable[[], object],
    ) -> None:
        self._reader = reader
        self._trusted = trusted
        self._writer = writer
        self._guard = guard
        self._upstream = upstream
        self._http = StrictConnection()
        self._out = b""

    async def serve(self) -> None:
        """Answer requests in turn until the connection ends."""
        try:
            while await self._serve_one():
                self._http.start_next_cycle()
            self._flush()
            await self._linger()
        except (_Gone, BrokenOff, Echoed, h11.ProtocolError, OSError, TimeoutError, asyncio.CancelledError):
            # An aborted connection shows the client that the response is incomplete.
            self._writer.transport.abort()
        finally:
            self._writer.close()

    async def _serve_one(self) -> bool:
        """Answer one request; return whether another may follow."""
        request = None
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                event = await self._event()
            if not isinstance(event, h11.Request):
                return False
            request = event
            body = self._check(request)
            if body is None:
                self._http.next_event()  # consumes EndOfMessage
            await self._forward(request, body)
        except h11.RemoteProtocolError as problem:
            if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
                raise
            status = max(problem.error_status_hint, 400)
            await self._refuse(request, Refused(status, "bad-request", "this is not a request of HTTP/1.1"))
        except Refused as refused:
            await self._refuse(request, refused)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(PIECE))
        return event

    def _check(self, request: h11.Request) -> "_Body | None":
        """Return the body of a permitted request, None if it has none. Raises Refused."""
        check_client(self._guard, request)
        self._trusted()
        check_request(self._guard, request)
        fields = dict(request.headers)
        if b"transfer-encoding" in fields or int(fields.get(b"content-length", b"0")):
            return _Body(self)
        return None

    async def _forward(self, request: h11.Request, body: "_Body | None") -> None:
        guard = self._guard
        fields = request_fields(request.headers.raw_items())
        if guard.access == "read-only":
            fields = [field for field in fields if not is_override(field[0].decode("ascii"))]
        try:
            used = guard.credential.ready()
            if used is None:
                used = await asyncio.wrap_future(start(guard.credential.current))
            send = partial(self._upstream.send, request.method, request.target, fields)
            response = await send(used.token, body.read() if body else None)
            if response.status == 401 and (renewed := await self._renewed(used)) is not None:
                again = body.again() if body else None
                if body is None or again is not None:
                    await response.close()
                    used = renewed
                    response = await send(used.token, again)
        except InstanceError as problem:
            raise Refused(502, f"unreachable-{problem.symptom.name}", str(problem), problem.hint) from None
        except Error as error:
            raise Refused(502, error.code, error.message, error.hint) from None
        try:
            await self._pass_on(request, response, used)
        finally:
            await response.close()

    async def _renewed(self, refused: Credential) -> Credential | None:
        """Return a new credential after the instance refused this one; None if there is no other."""
        try:
            renewed = await asyncio.wrap_future(start(lambda: self._guard.credential.renewed(refused)))
        except Error:
            return None  # the instance's own response says what is wrong
        return renewed if renewed.secret != refused.secret else None

    async def _pass_on(self, request: h11.Request, response: Response, used: Credential) -> None:
        fields = response_fields(response.fields)
        has_body = request.method != b"HEAD" and response.status not in (204, 304)
        try:
            mask = Mask(used.token.encode("ascii"), unpacker(fields) if has_body else None)
        except Unsearched as coding:
            raise Refused(
                502,
                "unsearched-encoding",
                f"the instance answered in the encoding `{coding}`, which the gateway cannot search for the credential",
                "ask without `Accept-Encoding`",
            ) from None
        self._guard.note(request.method.decode("ascii"), response.status)
        await self._write(
            h11.Response(status_code=response.status, headers=mask.fields(fields), reason=mask.text(response.reason))
        )
        async for piece in response.body():
            if shown := mask.feed(piece):
                await self._write(h11.Data(shown))
        if has_body and (rest := mask.end()):
            await self._write(h11.Data(rest))
        await self._write(h11.EndOfMessage())

    async def _write(self, event: Any) -> None:
        self._out += self._http.send(event) or b""
        if isinstance(event, h11.Response):
            # Flush later, so that a body already received goes out in the same packet.
            asyncio.get_running_loop().call_soon(self._flush)
        elif self._out:
            self._flush()
            async with asyncio.timeout(_STALLED_SECONDS):
                await self._writer.drain()

    def _flush(self) -> None:
        if self._out:
            self._writer.write(self._out)
            self._out = b""

    async def _refuse(self, request: h11.Request | None, refused: Refused) -> None:
        """Answer a refused request. If its end is uncertain, close the connection: what follows must not be read as a request."""
        if request is not None:
            path = request.target.partition(b"?")[0].decode("ascii")
            self._guard.note_refused(request.method.decode("ascii"), path, refused.status)
            self._skim()
        content = refused.content()
        fields = [(b"Content-Type", b"application/json"), (b"Content-Length", str(len(content)).encode("ascii"))]
        if refused.status == 401:
            fields.append((b"WWW-Authenticate", b"Bearer"))
        if refused.status == 400 or self._http.their_state is not h11.DONE:
            fields.append((b"Connection", b"close"))
        await self._write(h11.Response(status_code=refused.status, headers=fields))
        if request is None or request.method != b"HEAD":
            await self._write(h11.Data(content))
        await self._write(h11.EndOfMessage())

    def _skim(self) -> None:
        """Consume the end of a request without a body, so that another may follow."""
        while not self._http.they_are_waiting_for_100_continue and isinstance(self._http.next_event(), h11.Data):
            pass

    async def _linger(self) -> None:
        """Close the connection so that the client can read the response: unread data would cause a reset."""
        if self._reader.at_eof() or self._http.their_state in (h11.IDLE, h11.CLOSED):
            return
        self._writer.write_eof()
        async with asyncio.timeout(_LINGER_SECONDS):
            left = _LEFT
            while left > 0 and (data := await self._reader.read(PIECE)):
                left -= len(data)

    async def next_piece(self) -> bytes | None:
        """Return the next piece of the request body, None at its end. Raises _Gone."""
        if self._http.they_are_waiting_for_100_continue:
            await self._write(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
        try:
            async with asyncio.timeout(_STALLED_SECONDS):
                event = await self._event()
        except (h11.RemoteProtocolError, TimeoutError) as problem:
            raise _Gone from problem
        if isinstance(event, h11.Data):
            return bytes(event.data)
        return None


class _Body:
    """A request body, forwarded while it is being received."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._whole: bytes | None = None

    async def read(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, keeping a body of at most `_REPEATABLE` bytes."""
        kept = bytearray()
        while (piece := await self._connection.next_piece()) is not None:
            if len(kept) <= _REPEATABLE:
                kept += piece
            yield piece
        if len(kept) <= _REPEATABLE:
            self._whole = bytes(kept)

    def again(self) -> AsyncIterator[bytes] | None:
        """Return the body once more, or None if not all of it was kept."""
        return None if self._whole is None else self._again(self._whole)

    async def _again(self, whole: bytes) -> AsyncIterator[bytes]:
        if whole:
            yield whole
