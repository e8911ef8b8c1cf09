"""Which header fields a gateway forwards, and which it drops. Knows no HTTP library."""

import re
from collections.abc import Iterable

from omniprofile.gateway.content_coding import searchable_only
from omniprofile.model.origin import NotAnOrigin, Origin

Fields = list[tuple[bytes, bytes]]
"""Header fields as raw names and values, in message order."""

_HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authentication-info", b"proxy-authorization",
        b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
"""Fields for one connection or for trailers: dropped (RFC 9110, sections 6.5 and 7.6.1)."""
_FRAMING = frozenset({b"content-length"})
"""Kept even if `Connection` names it: without it the body would end elsewhere."""
_MISWRITTEN = frozenset({b"content_length"})
_RANGES = frozenset({b"range", b"if-range", b"request-range", b"accept-ranges"})
"""Fields with which a program could have an echoed token sent to it in pieces, and the offer of that."""
_OF_REQUESTS = frozenset({b"authorization", b"host", b"cookie", b"cookie2", b"expect"}) | _RANGES
_OF_RESPONSES = frozenset({b"set-cookie", b"set-cookie2"}) | _RANGES
_ADDRESSES = frozenset({b"location", b"content-location"})
_HOST = re.compile(rb"(https?:)?(//[^/?#\\]+)(?=[/?#]|\Z)", re.IGNORECASE)
"""The scheme, which may be left out, and the authority of an address (RFC 3986, section 4.2)."""


def request_fields(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return the request fields to forward: all but hop-by-hop fields, credentials, Host and ranges.

    Reduces `Accept-Encoding` to codings that can be searched for the token.
    """
    return [
        (name, searchable_only(value) if name.lower() == b"accept-encoding" else value)
        for name, value in _kept(fields, _OF_REQUESTS)
    ]


def response_fields(fields: Iterable[tuple[bytes, bytes]], origin: Origin, gateway: bytes) -> Fields:
    """Return the response fields to forward to the client, which knows the gateway by the host and port `gateway`.

    Addresses of `origin` become the gateway's, as with `proxy_redirect` of nginx: a client that follows a redirect to the
    instance itself would leave the gateway, and have no credential there.
    """
    return [
        (name, _through(gateway, value, origin) if name.lower() in _ADDRESSES else value)
        for name, value in _kept(fields, _OF_RESPONSES)
    ]


def _through(gateway: bytes, address: bytes, origin: Origin) -> bytes:
    """Return an address, with the gateway in place of `origin`."""
    found = _HOST.match(address)
    if found is None:
        return address
    scheme = found[1] or f"{origin.scheme}:".encode("ascii")
    try:
        named = Origin.parse((scheme + found[2]).decode("latin-1"))
    except NotAnOrigin:
        return address
    return b"http://" + gateway + address[found.end() :] if named == origin else address


def _kept(fields: Iterable[tuple[bytes, bytes]], dropped: frozenset[bytes]) -> Fields:
    given = [(name, value, _written(name)) for name, value in fields]
    named = {
        _written(part.strip()) for _, value, written in given if written == b"connection" for part in value.split(b",")
    } - _FRAMING
    if any(name.lower() == b"transfer-encoding" for name, _, _ in given):
        named |= _FRAMING  # it overrides the length, which is then dropped (RFC 9112, section 6.3)
    return [
        (name, value)
        for name, value, written in given
        if written not in dropped | _HOP_BY_HOP | named and name.lower() not in _MISWRITTEN
    ]


def _written(name: bytes) -> bytes:
    """Return a field name with `-` for `_`: programs that get fields as CGI variables cannot tell the two apart."""
    return name.lower().replace(b"_", b"-")
