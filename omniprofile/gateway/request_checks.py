"""Checks who sends a request to the gateway, and whether it may pass; how it is refused. DOOR: h11."""

import json
from hmac import compare_digest

import h11

from omniprofile.errors import AccessLimited
from omniprofile.gateway.gateway_run import GatewayRun
from omniprofile.model.access_rules import denial

_LONGEST_TARGET = 32 * 1024
_MOST_FIELDS = 200


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


def check_client(run: GatewayRun, request: h11.Request) -> None:
    """Raise Refused unless the client asks this gateway, and knows its token."""
    method, target = request.method.decode("ascii"), request.target.decode("ascii")
    if method == "CONNECT" or not (target.startswith("/") or (method, target) == ("OPTIONS", "*")):
        raise Refused(400, "not-a-proxy", "this gateway leads to one instance: ask it for a path")
    if dict(request.headers).get(b"host", b"").decode("latin-1").lower() not in run.hosts:
        raise Refused(421, "wrong-host", "the request is for another host than this gateway")
    given = [value for name, value in request.headers if name == b"authorization"]
    scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
    if scheme.lower() != b"bearer" or not compare_digest(token.strip(), run.token.encode("ascii")):
        raise Refused(401, "wrong-token", "the request does not have the token of this gateway")


def check_request(run: GatewayRun, request: h11.Request) -> None:
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
    denied = denial(run.profile, run.access, run.allow, method, target)
    if denied is not None:
        raise Refused(403, AccessLimited.code, denied.message, denied.hint, denied.rule)
