"""Which header fields a gateway forwards, and which it drops. Knows no HTTP library."""

from collections.abc import Iterable

from omniprofile.gateway.content_coding import searchable_only

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


def request_fields(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return the request fields to forward: all but hop-by-hop fields, credentials, Host and ranges.

    Reduces `Accept-Encoding` to codings that can be searched for the token.
    """
    return [
        (name, searchable_only(value) if name.lower() == b"accept-encoding" else value)
        for name, value in _kept(fields, _OF_REQUESTS)
    ]


def response_fields(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return the response fields to forward to the client."""
    return _kept(fields, _OF_RESPONSES)


def _kept(fields: Iterable[tuple[bytes, bytes]], dropped: frozenset[bytes]) -> Fields:
    given = [(name, value, _written(name)) for name, value in fields]
    named = {
        _written(part.strip()) for _, value, written in given if written == b"connection" for part in value.split(b",")
    } - _FRAMING
    return [
        (name, value)
        for name, value, written in given
        if written not in dropped | _HOP_BY_HOP | named and name.lower() not in _MISWRITTEN
    ]


def _written(name: bytes) -> bytes:
    """Return a field name with `-` for `_`: programs that get fields as CGI variables cannot tell the two apart."""
    return name.lower().replace(b"_", b"-")
