"""A secret that cannot be printed by accident, and the mask that is printed instead."""

MASK = "********"

_PUBLIC_PREFIXES = ("omni_osk_", "omni_pat_")
"""Prefixes that say what kind of key it is and nothing about the key."""


def looks_like_key(text: str) -> bool:
    """Whether a text that is meant to be something else begins as Omni's API keys do."""
    return text.startswith(_PUBLIC_PREFIXES)


KEY_SHAPES = (
    r"(?P<prefix>omni_(?:osk|pat)_)[A-Za-z0-9_-]{6,}"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # a JSON Web Token (RFC 7519)
    r"|(?P<bearer>\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{16,}"  # RFC 6750
)
"""What is a key wherever it stands, as a regular expression."""


def without_keys(text: str) -> str:
    """`text` with whatever has a key's shape masked, behind its public beginning."""
    if not ("omni_" in text or "eyJ" in text or "earer" in text):
        return text
    import re

    return re.sub(KEY_SHAPES, lambda match: (match["prefix"] or match["bearer"] or "") + MASK, text)


def without_opaque_words(text: str) -> str:
    """`text`, as a server said it, with every long word masked that no person would write: it may be a token sent before.

    A UUID stays: it is what a server's support asks for.
    """
    import re

    def shown(match: "re.Match[str]") -> str:
        word = match[0]
        if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", word):
            return word
        is_written = not any(char.isdigit() for char in word) and (word.islower() or word.isupper())
        return word if is_written else MASK

    return re.sub(r"[A-Za-z0-9_+=-]{20,}", shown, text)


class Secret:
    """A secret text. `str()`, `repr()`, formatting, pickling and equality with text all withhold it; `reveal()` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself. Every call is a place to review."""
        return self._text

    @property
    def masked(self) -> str:
        """A mask of fixed length, after the key's public prefix if it has one. Shows no part and no length of the secret."""
        for prefix in _PUBLIC_PREFIXES:
            if self._text.startswith(prefix):
                return prefix + MASK
        return MASK

    def __repr__(self) -> str:
        return "Secret(********)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> "str | tuple[object, ...]":
        raise TypeError("a secret cannot be pickled or copied")
