"""Mask the credential wherever a response echoes it. Knows no HTTP library."""

import zlib
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from string import punctuation

_FOR_ADDRESSES = str.maketrans("+/", "-_")
_SHORTEST = 8
"""A part of a token in Base64 that is this short could be anything."""


class Echoed(Exception):
    """A response contains the token in a form that cannot be masked."""


class Unpacker:
    """Decodes gzip with one or more members, and deflate with zlib's header or, as some servers send it, without."""

    _PIECE = 65536

    def __init__(self) -> None:
        self._begin = b""
        self._decoder: zlib._Decompress | None = None
        self._broken = False

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Yield the decoded data of a piece, in bounded pieces. Stops at data that no client could decode."""
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
    """Return zlib's `wbits` for data that begins like this (RFC 1950, section 2.2; RFC 1952, section 2.3.1)."""
    has_header = begin[:2] == b"\x1f\x8b" or (begin[0] & 15 == zlib.DEFLATED and int.from_bytes(begin[:2]) % 31 == 0)
    return zlib.MAX_WBITS + 32 if has_header else -zlib.MAX_WBITS


_MARKUP = "&<>\"'"
_ESCAPES = [
    *(("".join(set(punctuation) - set("-._~")), form) for form in ("%%%02X", "%%%02x")),
    ("/", "\\%c"),
    ('"\\', "\\%c"),
    ('"\\/', "\\%c"),
    *(
        (_MARKUP + more, form)
        for more in ("", "+", "/=`", "+/=`")
        for form in ("&#%d;", "&#x%x;", "&#x%X;", "\\u%04x", "\\u%04X")
    ),
]
"""Which characters are escaped in which form: in addresses (RFC 3986, section 2.1), in JSON, in HTML and in JSON for HTML."""


@lru_cache(maxsize=4)
def _spellings(token: bytes) -> tuple[bytes, ...]:
    """Return the forms in which responses echo the token: as it is, escaped, or in Base64, where any text may stand around it."""
    text = token.decode("ascii")
    found = {text, escape(text)}
    for characters, form in _ESCAPES:
        found.add("".join(form % ord(one) if one in characters else one for one in text))
    for shift in range(3):
        encoded = b64encode(b"\0" * shift + token).decode("ascii").rstrip("=")
        # Without the characters that the bytes around the token change.
        part = encoded[(0, 2, 3)[shift] : len(encoded) - ((shift + len(token)) % 3 > 0)]
        if len(part) > _SHORTEST:
            found |= {part, part.translate(_FOR_ADDRESSES)}
    return tuple(one.encode("ascii") for one in found)


class Mask:
    """Masks the token wherever a response echoes it. Holds back only an end of a piece that could begin the token.

    The mask is as long as the token, because the response has declared its length. A compressed body cannot be masked: what
    `unpacker` decodes is only searched. `found` says whether the body so far has contained the token.
    """

    def __init__(self, token: bytes, unpacker: Unpacker | None = None) -> None:
        self._spellings = _spellings(token)
        self._held = b""
        self.found = False
        self._unpacker = unpacker
        self._inner = Mask(token) if unpacker else None

    def text(self, text: bytes) -> bytes:
        """Return a complete text with the token masked."""
        for spelling in self._spellings:
            text = text.replace(spelling, b"*" * len(spelling))
        return text

    def fields(self, fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return header fields with the token masked."""
        return [(self.text(name), self.text(value)) for name, value in fields]

    def feed(self, piece: bytes) -> bytes:
        """Return what can be forwarded to the client. Raises Echoed if a compressed body contains the token."""
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
        """Return what is still held back at the end of the body."""
        held, self._held = self._held, b""
        return held


def _beginning(data: bytes, token: bytes) -> int:
    """Return the index at which the end of `data` could begin the token; the length of `data` if it could not."""
    begin = data.find(token[:1], max(0, len(data) - len(token) + 1))
    while begin >= 0 and not token.startswith(data[begin:]):
        begin = data.find(token[:1], begin + 1)
    return len(data) if begin < 0 else begin
