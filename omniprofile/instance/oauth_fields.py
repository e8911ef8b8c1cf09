"""What all OAuth responses may hold: tokens, the words of the server, or nothing that can be used. No input or output."""

from collections.abc import Sequence

from omniprofile.model.names import printable
from omniprofile.model.secret import Secret
from omniprofile.model.server_text import without_opaque_words, without_sent

_MOST_SAID = 4096


class InvalidResponse(ValueError):
    """A response that cannot be used. `str()` says why in a few words, without any of its values."""


def said(text: str, limit: int, sent: Sequence[Secret]) -> str:
    """Return server text made safe to display: no control characters or tokens, since the server may echo one of those `sent`."""
    return printable(without_opaque_words(without_sent(text[:_MOST_SAID], sent)), limit)


def is_token(value: object) -> bool:
    """Whether `value` is text that fits in a header field or form unescaped (RFC 6749, appendix A: VSCHAR)."""
    return isinstance(value, str) and 0 < len(value) <= 16384 and all("!" <= char <= "~" for char in value)
