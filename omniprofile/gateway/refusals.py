"""Which requests a gateway refuses, and with which answer. DOOR: h11."""

import json
import re
from hmac import compare_digest
from typing import Any

import h11

from omniprofile.errors import AccessLimited
from omniprofile.gateway.guard import Guard
from omniprofile.model.read_only import denial

_LARGEST_HEAD = 64 * 1024
_LONGEST_TARGET = 32 * 1024
_MOST_FIELDS = 200
_LENIENT = re.compile(rb"\n[ \t]|(?<!\r)\n|\r(?!\n)|\0")
"""What h11 accepts in a head although no program needs to send it: folded lines, bare CR or LF, NUL."""


class StrictConnection(h11.Connection):
    """h11 as a server that accepts only heads that strictly follow RFC 9112.

    h11 is lenient towards old programs: if two programs read one request differently, requests can be smuggled.
    """

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


class Refused(Exception):
    """A request that the gateway answers itself instead of forwarding it."""

    def __init__(self, status: int, code: str, message: str, hint: str | None = None, rule: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self._error = {"code": code, "message": message, "hint": hint}
        if rule is not None:
            self._error["rule"] = rule

    def content(self) -> bytes:
        """Return the body of the answer, in JSON."""
        return json.dumps({"error": self._error}).encode()


def check_client(guard: Guard, request: h11.Request) -> None:
    """Raise Refused unless the client asks this gateway, and knows its token."""
    method, target = request.method.decode("ascii"), request.target.decode("ascii")
    if method == "CONNECT" or not (target.startswith("/") or (method, target) == ("OPTIONS", "*")):
        raise Refused(400, "not-a-proxy", "this gateway leads to one instance: ask it for a path")
    if dict(request.headers).get(b"host", b"").decode("latin-1").lower() not in guard.hosts:
        raise Refused(421, "wrong-host", "the request is for another host than this gateway")
    given = [value for name, value in request.headers if name == b"authorization"]
    scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
    if scheme.lower() != b"bearer" or not compare_digest(token.strip(), guard.token.encode("ascii")):
        raise Refused(401, "wrong-token", "the request does not have the token of this gateway")


def check_request(guard: Guard, request: h11.Request) -> None:
    """Raise Refused for what the gateway, or the profile's `access`, does not let through."""
    method, target = request.method.decode("ascii"), request.target.decode("ascii")
    fields = dict(request.headers)
    if len(request.headers) > _MOST_FIELDS:
        raise Refused(431, "too-many-fields", "the request has too many header fields")
    if len(target) > _LONGEST_TARGET:
        raise Refused(414, "too-long", "the address of the request is too long")
    if request.http_version not in (b"1.0", b"1.1"):
        raise Refused(505, "bad-request", "the request is not of HTTP/1.1")
    if b"transfer-encoding" in fields and (b"content-length" in fields or request.http_version != b"1.1"):
        raise Refused(400, "bad-request", "the end of the request's body is ambiguous")
    if method in ("TRACE", "TRACK"):
        raise Refused(405, "method", "a server would send the credential back (RFC 9110, section 9.3.8)")
    denied = denial(guard.profile, guard.access, guard.allow, method, target)
    if denied is not None:
        raise Refused(403, AccessLimited.code, denied.message, denied.hint, denied.rule)
