"""One client's connection to the gateway and its requests. DOOR: h11.

h11 reads and writes HTTP/1.1 strictly, except for some leniency towards old programs. `_StrictConnection` removes that: if two
programs read one request differently, requests can be smuggled.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from hmac import compare_digest
from typing import Any

import h11

from omniprofile.errors import AccessLimited, Error
from omniprofile.gateway.guard import Guard
from omniprofile.gateway.messages import Echoed, Mask, Unsearched, request_fields, response_fields, unpacker
from omniprofile.gateway.upstream import BrokenOff, Response, Upstream
from omniprofile.instance.symptoms import TransportError
from omniprofile.model.credential import Credential
from omniprofile.model.read_only import denial, is_override
from omniprofile.system.loopback_clients import PIECE
from omniprofile.system.threads import start

_HEAD_SECONDS = 60.0
"""How long a client may take to begin the next request and send its head."""
_STALLED_SECONDS = 600.0
"""How long a client may take to send or receive the next piece of a body."""
_LINGER_SECONDS = 1.0
_LARGEST_HEAD = 64 * 1024
_LONGEST_TARGET = 32 * 1024
_MOST_FIELDS = 200
_REPEATABLE = 64 * 1024
"""How much of a request body is kept, in bytes, to send the request again after a 401."""
_LEFT = 1024 * 1024
"""How much more of a refused request is read, in bytes: some clients read the response only after sending everything."""

_LENIENT = re.compile(rb"\n[ \t]|(?<!\r)\n|\r(?!\n)|\0")
"""What h11 accepts in a head although no program needs to send it: folded lines, bare CR or LF, NUL."""


class _StrictConnection(h11.Connection):
    """h11 as a server that accepts only heads that strictly follow RFC 9112."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, _LARGEST_HEAD)

    def next_event(self) -> Any:
        """Return the next event, as h11 does. Raises RemoteProtocolError."""
        if self.their_state is h11.IDLE:
            data = self.trailing_data[0]
            head, ended, _ = data.partition(b"\r\n\r\n")
            # Search only a complete head: one that arrives byte by byte would be searched again for every byte.
            if (ended or b"\n\n" in data or b"\n\r\n" in data) and _LENIENT.search(head):
                raise h11.RemoteProtocolError("the head of the request is not written as HTTP/1.1 asks for")
            if len(head) > _LARGEST_HEAD:
                raise h11.RemoteProtocolError("the head of the request is too large", error_status_hint=431)
        return super().next_event()


class _Refused(Exception):
    """A request that the gateway answers itself instead of forwarding it."""

    def __init__(self, status: int, code: str, message: str, hint: str | None = None, rule: str | None = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.status = status
        self.code = code
        self.hint = hint


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
        self._http = _StrictConnection()
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
            await self._refuse(request, _Refused(status, "bad-request", "this is not a request of HTTP/1.1"))
        except _Refused as refused:
            await self._refuse(request, refused)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(PIECE))
        return event

    def _check(self, request: h11.Request) -> "_Body | None":
        """Return the body of a permitted request, None if it has none. Raises _Refused."""
        guard = self._guard
        method, target = request.method.decode("ascii"), request.target.decode("ascii")
        fields = dict(request.headers)
        if method == "CONNECT" or not (target.startswith("/") or (method, target) == ("OPTIONS", "*")):
            raise _Refused(400, "not-a-proxy", "this gateway leads to one instance: ask it for a path")
        if fields.get(b"host", b"").decode("latin-1").lower() not in guard.hosts:
            raise _Refused(421, "wrong-host", "the request is for another host than this gateway")
        given = [value for name, value in request.headers if name == b"authorization"]
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        if scheme.lower() != b"bearer" or not compare_digest(token.strip(), guard.token.encode("ascii")):
            raise _Refused(401, "wrong-token", "the request does not have the token of this gateway")
        self._trusted()
        if len(request.headers) > _MOST_FIELDS:
            raise _Refused(431, "too-many-fields", "the request has too many header fields")
        if len(target) > _LONGEST_TARGET:
            raise _Refused(414, "too-long", "the address of the request is too long")
        if request.http_version not in (b"1.0", b"1.1"):
            raise _Refused(505, "bad-request", "the request is not of HTTP/1.1")
        if b"transfer-encoding" in fields and (b"content-length" in fields or request.http_version != b"1.1"):
            raise _Refused(400, "bad-request", "the end of the request's body is ambiguous")
        if method in ("TRACE", "TRACK"):
            raise _Refused(405, "method", "a server would send the credential back (RFC 9110, section 9.3.8)")
        denied = denial(guard.profile, guard.access, guard.allow, method, target)
        if denied is not None:
            raise _Refused(403, AccessLimited.code, denied.message, denied.hint, denied.rule)
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
        except TransportError as problem:
            raise _Refused(502, f"unreachable-{problem.symptom}", str(problem), problem.hint) from None
        except Error as error:
            raise _Refused(502, error.code, error.message, error.hint) from None
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
            raise _Refused(
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

    async def _refuse(self, request: h11.Request | None, refused: _Refused) -> None:
        """Answer a refused request. If its end is uncertain, close the connection: what follows must not be read as a request."""
        if request is not None:
            path = request.target.partition(b"?")[0].decode("ascii")
            self._guard.note_refused(request.method.decode("ascii"), path, refused.status)
            self._skim()
        error = {"code": refused.code, "message": str(refused), "hint": refused.hint}
        if refused.rule is not None:
            error["rule"] = refused.rule
        content = json.dumps({"error": error}).encode()
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
        self._kept: list[bytes] | None = []
        self._size = 0
        self._ended = False

    async def read(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, keeping up to `_REPEATABLE` bytes."""
        while (piece := await self._connection.next_piece()) is not None:
            self._size += len(piece)
            if self._kept is not None:
                self._kept.append(piece)
                if self._size > _REPEATABLE:
                    self._kept = None
            yield piece
        self._ended = True

    def again(self) -> AsyncIterator[bytes] | None:
        """Return the body once more, or None if not all of it was kept."""
        return self._again(self._kept) if self._ended and self._kept is not None else None

    async def _again(self, pieces: list[bytes]) -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
