"""In which encodings a response can be searched for the credential, and how to decode these. Knows no HTTP library."""

import zlib
from collections.abc import Iterable, Iterator

_SEARCHED = frozenset({b"gzip", b"x-gzip", b"deflate", b"identity"})
"""Content codings in which a response can be searched for the token."""
_UNSEARCHED = frozenset(
    {b"aes128gcm", b"br", b"compress", b"x-compress", b"dcb", b"dcz", b"exi", b"pack200-gzip", b"zstd"}
)
"""The other codings in IANA's registry. No client knows any further coding, so each would read such a body as it is."""


def searchable_only(accepted: bytes) -> bytes:
    """Return an `Accept-Encoding` value without the codings that cannot be searched; unchanged if it has none of them."""
    parts = accepted.split(b",")
    kept = [part for part in parts if part.partition(b";")[0].strip().lower() not in _UNSEARCHED | {b"*"}]
    return accepted if len(kept) == len(parts) else b",".join(kept).strip() or b"identity"


class Unsearched(Exception):
    """A response uses content codings in which we cannot search for the token."""


def unpacker(fields: Iterable[tuple[bytes, bytes]]) -> "Unpacker | None":
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
