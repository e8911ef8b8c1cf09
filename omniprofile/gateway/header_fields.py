"""Which header fields a gateway forwards, and which it drops. Knows no HTTP library."""

from collections.abc import Iterable

from omniprofile.gateway.mask import Unpacker

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
_SEARCHED = frozenset({b"gzip", b"x-gzip", b"deflate", b"identity"})
"""Content codings in which a response can be searched for the token."""
_UNSEARCHED = frozenset(
    {b"aes128gcm", b"br", b"compress", b"x-compress", b"dcb", b"dcz", b"exi", b"pack200-gzip", b"zstd"}
)
"""The other codings in IANA's registry. No client knows any further coding, so each would read such a body as it is."""


def request_fields(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return the request fields to forward: all but hop-by-hop fields, credentials, Host and ranges.

    Reduces `Accept-Encoding` to codings that can be searched for the token.
    """
    return [
        (name, _searched_only(value) if name.lower() == b"accept-encoding" else value)
        for name, value in _kept(fields, _OF_REQUESTS)
    ]


def _searched_only(accepted: bytes) -> bytes:
    """Return an `Accept-Encoding` value without the codings that cannot be searched; unchanged if it has none of them."""
    parts = accepted.split(b",")
    kept = [part for part in parts if part.partition(b";")[0].strip().lower() not in _UNSEARCHED | {b"*"}]
    return accepted if len(kept) == len(parts) else b",".join(kept).strip() or b"identity"


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


class Unsearched(Exception):
    """A response uses content codings in which we cannot search for the token."""


def unpacker(fields: Fields) -> Unpacker | None:
    """Return the decoder of a body with these fields, None if it is not compressed. Raises Unsearched."""
    codings = [
        coding
        for name, value in fields
        if name.lower() == b"content-encoding"
        for part in value.split(b",")
        if (coding := part.strip().lower()) in (_SEARCHED | _UNSEARCHED) - {b"identity"}
    ]
    if len(codings) > 1 or _UNSEARCHED.intersection(codings):
        raise Unsearched(b", ".join(codings).decode("ascii"))
    return Unpacker() if codings else None
