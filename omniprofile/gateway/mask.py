"""Mask the credential wherever a response echoes it. Knows no HTTP library."""

from base64 import b64encode
from functools import lru_cache
from html import escape
from string import punctuation

from omniprofile.gateway.content_coding import Unpacker

_FOR_ADDRESSES = str.maketrans("+/", "-_")
_SHORTEST = 8
"""A part of a token in Base64 that is this short could be anything."""


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


class Echoed(Exception):
    """A response contains the token in a form that cannot be masked."""


@lru_cache(maxsize=4)
def _spellings(token: bytes) -> tuple[bytes, ...]:
    """Return the forms in which responses echo the token: plain, escaped, in hexadecimal, or in Base64 within any text."""
    text = token.decode("ascii")
    found = {text, escape(text), token.hex(), token.hex().upper()}
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
    `unpacker` decodes is only searched.
    """

    def __init__(self, token: bytes, unpacker: Unpacker | None = None) -> None:
        self._spellings = _spellings(token)
        self._unpacker = unpacker
        self.held = b""
        """What is held back so far: at the end of the body it is to be forwarded as well."""
        self._searched = b""
        """The end of what was unpacked, in which the token may have begun."""

    def text(self, text: bytes) -> bytes:
        """Return a complete text with the token masked."""
        for spelling in self._spellings:
            text = text.replace(spelling, b"*" * len(spelling))
        return text

    def feed(self, piece: bytes) -> bytes:
        """Return what can be forwarded to the client. Raises Echoed if a compressed body contains the token."""
        for unpacked in self._unpacker.feed(piece) if self._unpacker else ():
            self._searched += unpacked
            if any(spelling in self._searched for spelling in self._spellings):
                raise Echoed
            self._searched = self._searched[1 - max(map(len, self._spellings)) :]
        masked = self.text(self.held + piece)
        begin = min(_beginning(masked, spelling) for spelling in self._spellings)
        self.held = masked[begin:]
        return masked[:begin]


def _beginning(data: bytes, token: bytes) -> int:
    """Return the index at which the end of `data` could begin the token; the length of `data` if it could not."""
    begin = data.find(token[:1], max(0, len(data) - len(token) + 1))
    while begin >= 0 and not token.startswith(data[begin:]):
        begin = data.find(token[:1], begin + 1)
    return len(data) if begin < 0 else begin
