"""What a gateway keeps of the messages that it passes on, and what it drops or masks. Knows no HTTP library."""

import zlib
from collections.abc import Iterable

Fields = list[tuple[bytes, bytes]]
"""Header fields as they stand in a message."""

_HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authentication-info", b"proxy-authorization",
        b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
"""Fields about one connection, and about trailers, which are dropped (RFC 9110, sections 6.5 and 7.6.1)."""
_FRAMING = frozenset({b"content-length"})
"""Not dropped because `Connection` names it: the body would have another end."""
_OF_REQUESTS = frozenset({b"authorization", b"host", b"cookie", b"cookie2", b"expect"})
_OF_RESPONSES = frozenset({b"set-cookie", b"set-cookie2"})


def request_fields(fields: Iterable[tuple[bytes, bytes]], dropped: frozenset[bytes] = frozenset()) -> Fields:
    """Return the fields of a request that go on to the instance: all but those of one connection, the credential's and Host."""
    return _kept(fields, _OF_REQUESTS | dropped)


def response_fields(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return the fields of a response that go on to the client."""
    return _kept(fields, _OF_RESPONSES)


def _kept(fields: Iterable[tuple[bytes, bytes]], dropped: frozenset[bytes]) -> Fields:
    given = [(name, value, name.lower()) for name, value in fields]
    named = {
        part.strip().lower() for _, value, lower in given if lower == b"connection" for part in value.split(b",")
    } - _FRAMING
    return [(name, value) for name, value, lower in given if lower not in dropped | _HOP_BY_HOP | named]


class Echoed(Exception):
    """A response repeats the token in a form that cannot be masked."""


class Mask:
    """Masks the token where a response repeats it, piece by piece, without holding a piece back that cannot begin it.

    The mask is as long as the token, for the response has announced its length.
    """

    def __init__(self, token: bytes, encoding: bytes = b"") -> None:
        self._token = token
        self._stars = b"*" * len(token)
        self._held = b""
        self._inner = Mask(token) if encoding else None
        # 32 + MAX_WBITS: gzip or zlib, whichever the data begins with
        self._unpacked = zlib.decompressobj(47) if encoding else None

    def fields(self, fields: Fields) -> Fields:
        """Return header fields with the token masked in their values."""
        return [(name, value.replace(self._token, self._stars)) for name, value in fields]

    def feed(self, piece: bytes) -> bytes:
        """Return what can go on to the client. Raises Echoed for a compressed body with the token in it."""
        if self._inner is not None:
            self._inspect(piece)
            return piece
        data = self._held + piece if self._held else piece
        if self._token in data:
            data = data.replace(self._token, self._stars)
        begin = data.find(self._token[:1], max(0, len(data) - len(self._token) + 1))
        while begin >= 0 and not self._token.startswith(data[begin:]):
            begin = data.find(self._token[:1], begin + 1)
        if begin < 0:
            self._held = b""
            return data
        self._held = data[begin:]
        return data[:begin]

    def end(self) -> bytes:
        """Return what was held back to the end of the body."""
        held, self._held = self._held, b""
        return held

    def _inspect(self, piece: bytes) -> None:
        unpacked, inner = self._unpacked, self._inner
        if unpacked is None or inner is None:
            return
        try:
            while piece and not unpacked.eof:
                data = unpacked.decompress(piece, 65536)
                piece = unpacked.unconsumed_tail
                if self._stars in inner.feed(data):
                    raise Echoed
        except zlib.error:  # no such format: clients cannot read it either
            self._unpacked = None
