"""What a gateway keeps of the messages that it passes on, and what it drops or masks. Knows no HTTP library."""

import re
import zlib
from collections.abc import Iterable, Iterator
from urllib.parse import quote

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
"""Kept even where `Connection` names it: without it the body would end elsewhere."""
_MISWRITTEN = frozenset({b"content_length"})
_OF_REQUESTS = frozenset({b"authorization", b"host", b"cookie", b"cookie2", b"expect"})
_OF_RESPONSES = frozenset({b"set-cookie", b"set-cookie2"})


_SEARCHED = frozenset({b"gzip", b"x-gzip", b"deflate", b"identity"})
"""Content codings in which an answer can be searched for the token."""
_UNSEARCHED = frozenset(
    {b"aes128gcm", b"br", b"compress", b"x-compress", b"dcb", b"dcz", b"exi", b"pack200-gzip", b"zstd"}
)
"""The others of IANA's registry. No client knows another word as a coding: each reads such a body as it is."""


def request_fields(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return the fields of a request that go on to the instance: all but those of one connection, the credential's and Host.

    `Accept-Encoding` asks only for answers that can be searched for the token.
    """
    return [
        (name, _searched_only(value) if name.lower() == b"accept-encoding" else value)
        for name, value in _kept(fields, _OF_REQUESTS)
    ]


def _searched_only(accepted: bytes) -> bytes:
    """Return an `Accept-Encoding` without the codings that are not searched, and as it is where it has none of them."""
    parts = accepted.split(b",")
    kept = [part for part in parts if part.partition(b";")[0].strip().lower() not in _UNSEARCHED | {b"*"}]
    return accepted if len(kept) == len(parts) else b",".join(kept).strip() or b"identity"


def response_fields(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return the fields of a response that go on to the client."""
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
    """Return the name of a field with `-` for `_`: programs that get fields by CGI's variables take both for the same."""
    return name.lower().replace(b"_", b"-")


class Echoed(Exception):
    """A response repeats the token in a form that cannot be masked."""


class Unsearched(Exception):
    """A response is written in content codings in which nobody here can look for the token."""


def unpacker(fields: Fields) -> "Unpacker | None":
    """Return what unpacks the body that these fields belong to, None for a plain one. Raises Unsearched."""
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


class Unpacker:
    """Unpacks gzip, of one or several members, and deflate, with zlib's header or, as some servers send it, without."""

    _PIECE = 65536

    def __init__(self) -> None:
        self._begin = b""
        self._decoder: zlib._Decompress | None = None
        self._broken = False

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Yield what a piece unpacks to, in bounded pieces; nothing from where on no client could unpack it."""
        try:
            yield from self._unpack(packed)
        except zlib.error:
            self._broken = True

    def _unpack(self, packed: bytes) -> Iterator[bytes]:
        while not self._broken:
            if self._decoder is None:
                packed = self._begin = self._begin + packed
                if len(packed) < 2:
                    return
                self._begin = b""
                self._decoder = zlib.decompressobj(_window(packed))
            data = self._decoder.decompress(packed, self._PIECE)
            yield data
            if self._decoder.eof:
                packed = self._decoder.unused_data
                self._decoder = None
            else:
                packed = self._decoder.unconsumed_tail
                if not packed and len(data) < self._PIECE:
                    return


def _window(begin: bytes) -> int:
    """Return zlib's `wbits` for data with this beginning (RFC 1950, section 2.2; RFC 1952, section 2.3.1)."""
    has_header = begin[:2] == b"\x1f\x8b" or (begin[0] & 15 == zlib.DEFLATED and int.from_bytes(begin[:2]) % 31 == 0)
    return zlib.MAX_WBITS + 32 if has_header else -zlib.MAX_WBITS


def _spellings(token: bytes) -> tuple[bytes, ...]:
    """Return the token as answers repeat it: as it is, in an address (RFC 3986, section 2.1), and in JSON that escapes `/`."""
    escaped = quote(token, safe="").encode()
    return tuple({token, escaped, re.sub(rb"%..", lambda code: code[0].lower(), escaped), token.replace(b"/", rb"\/")})


class Mask:
    """Masks the token wherever a response repeats it. Of each piece, only an end that could begin the token is held back.

    The mask is as long as the token, because the response has announced its length. In a compressed body nothing can be masked:
    what `unpacker` makes of it is only searched. `found` says whether the token was in the body so far.
    """

    def __init__(self, token: bytes, unpacker: Unpacker | None = None) -> None:
        self._spellings = _spellings(token)
        self._held = b""
        self.found = False
        self._unpacker = unpacker
        self._inner = Mask(token) if unpacker else None

    def text(self, text: bytes) -> bytes:
        """Return a whole text with the token masked."""
        for spelling in self._spellings:
            text = text.replace(spelling, b"*" * len(spelling))
        return text

    def fields(self, fields: Fields) -> Fields:
        """Return header fields with the token masked."""
        return [(self.text(name), self.text(value)) for name, value in fields]

    def feed(self, piece: bytes) -> bytes:
        """Return what can go on to the client. Raises Echoed for a compressed body with the token in it."""
        if self._unpacker is not None and self._inner is not None:
            for unpacked in self._unpacker.feed(piece):
                self._inner.feed(unpacked)
                if self._inner.found:
                    raise Echoed
        data = self._held + piece if self._held else piece
        masked = self.text(data)
        self.found = self.found or masked != data
        begin = min(_beginning(masked, spelling) for spelling in self._spellings)
        self._held = masked[begin:]
        return masked[:begin]

    def end(self) -> bytes:
        """Return what was held back to the end of the body."""
        held, self._held = self._held, b""
        return held


def _beginning(data: bytes, token: bytes) -> int:
    """Return where the end of `data` may be the beginning of the token; its length where it is none."""
    begin = data.find(token[:1], max(0, len(data) - len(token) + 1))
    while begin >= 0 and not token.startswith(data[begin:]):
        begin = data.find(token[:1], begin + 1)
    return len(data) if begin < 0 else begin
