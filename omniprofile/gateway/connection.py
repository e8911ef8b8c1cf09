"""One client's connection to the gateway: its requests, forwarded or refused. DOOR: h11."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import h11

from omniprofile.errors import Error
from omniprofile.gateway.client_stream import Body, ClientStream, Gone
from omniprofile.gateway.content_coding import Unsearched, unpacker
from omniprofile.gateway.gateway_run import GatewayRun
from omniprofile.gateway.header_fields import request_fields, response_fields
from omniprofile.gateway.mask import Echoed, Mask
from omniprofile.gateway.request_checks import Refused, check_client, check_request
from omniprofile.gateway.upstream import BrokenOff, Response, Upstream
from omniprofile.instance.instance_error import InstanceError
from omniprofile.model.access_rules import is_override
from omniprofile.model.credential import Credential
from omniprofile.system.threads import start


@dataclass(frozen=True, slots=True)
class Connection:
    """One client's connection, whose requests are answered in turn. `trusted` is called once the client knows the token."""

    client: ClientStream
    run: GatewayRun
    upstream: Upstream
    trusted: Callable[[], object]

    async def serve(self) -> None:
        """Answer requests in turn until the connection ends."""
        try:
            while await self._serve_one() and self.client.start_next_request():
                pass
            await self.client.linger()
        except (Gone, BrokenOff, Echoed, h11.ProtocolError, OSError, TimeoutError, asyncio.CancelledError):
            # An aborted connection shows the client that the response is incomplete.
            self.client.writer.transport.abort()
        finally:
            self.client.writer.close()

    async def _serve_one(self) -> bool:
        """Answer one request; return whether there was one."""
        request = None
        try:
            request = await self.client.request()
            if request is None:
                return False
            check_client(self.run, request)
            self.trusted()
            check_request(self.run, request)
            await self._forward(request, self.client.body(request))
        except h11.RemoteProtocolError as problem:
            if self.client.has_responded:
                raise
            status = max(problem.error_status_hint, 400)
            await self._refuse(request, Refused(status, "bad-request", "this is not a request of HTTP/1.1"))
        except Refused as refused:
            await self._refuse(request, refused)
        return True

    async def _forward(self, request: h11.Request, body: Body | None) -> None:
        run = self.run
        fields = request_fields(request.headers.raw_items())
        if run.access == "read-only":
            fields = [field for field in fields if not is_override(field[0].decode("ascii"))]
        try:
            used = run.credential.ready()
            if used is None:
                used = await asyncio.wrap_future(start(run.credential.current))
            send = partial(self.upstream.send, request.method, request.target, fields, body)
            response = await send(used.token)
            renewed = await self._renewed(used) if response.status == 401 else None
            if renewed is not None and (body is None or body.whole is not None):
                await response.close()
                used = renewed
                response = await send(used.token)
        except InstanceError as problem:
            reason, remedy = problem.words(self.upstream.origin.host, run.profile)
            raise Refused(502, f"unreachable-{problem.symptom.name}", reason, remedy) from None
        except Error as error:
            raise Refused(502, error.code, error.message, error.hint) from None
        try:
            await self._pass_on(request, response, used)
        finally:
            await response.close()

    async def _renewed(self, refused: Credential) -> Credential | None:
        """Return a new credential after the instance refused this one; None if there is no other."""
        try:
            renewed = await asyncio.wrap_future(start(lambda: self.run.credential.renewed(refused)))
        except Error:
            return None  # the instance's own response says what is wrong
        return renewed if renewed.secret != refused.secret else None

    async def _pass_on(self, request: h11.Request, response: Response, used: Credential) -> None:
        fields = response_fields(response.fields, self.upstream.origin, dict(request.headers)[b"host"])
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
        self.run.note(request.method.decode("ascii"), response.status)
        headers = [(mask.text(name), mask.text(value)) for name, value in fields]
        await self.client.write(
            h11.Response(status_code=response.status, headers=headers, reason=mask.text(response.reason))
        )
        async for piece in response.body():
            if shown := mask.feed(piece):
                await self.client.write(h11.Data(shown))
        if mask.held:
            await self.client.write(h11.Data(mask.held))
        await self.client.write(h11.EndOfMessage())

    async def _refuse(self, request: h11.Request | None, refused: Refused) -> None:
        """Answer a refused request. If its end is uncertain, close the connection: what follows must not be read as a request."""
        if request is not None:
            path = request.target.partition(b"?")[0].decode("ascii")
            self.run.note_refused(request.method.decode("ascii"), path, refused.status)
            self.client.skim()
        content = refused.content()
        fields = [(b"Content-Type", b"application/json"), (b"Content-Length", str(len(content)).encode("ascii"))]
        if refused.status == 401:
            fields.append((b"WWW-Authenticate", b"Bearer"))
        if refused.status == 400 or not self.client.request_has_ended:
            fields.append((b"Connection", b"close"))
        await self.client.write(h11.Response(status_code=refused.status, headers=fields))
        if request is None or request.method != b"HEAD":
            await self.client.write(h11.Data(content))
        await self.client.write(h11.EndOfMessage())
