"""A secret that cannot be printed by accident, and the mask that is printed instead."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "********"

_PUBLIC_PREFIXES = ("omni_osk_", "omni_pat_")
"""Prefixes that say what kind of key it is and nothing about the key."""


def looks_like_key(text: str) -> bool:
    """Whether a text that is meant to be something else begins as Omni's API keys do."""
    return text.startswith(_PUBLIC_PREFIXES)


LONGEST_KEY = 64 * 1024
"""Characters that a key or token has at most."""

_ACCESS_TOKEN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/")


def is_key(text: str) -> bool:
    """Return whether `text` can be a key: printable ASCII without spaces, which every header and form can carry."""
    return 0 < len(text) <= LONGEST_KEY and text.isascii() and text.isprintable() and " " not in text


def is_text(text: str) -> bool:
    """Return whether `text` can be a secret of `env`: one line with no space around it, which every variable can carry."""
    return 0 < len(text) <= LONGEST_KEY and text.isprintable() and text == text.strip()


def is_access_token(text: str) -> bool:
    """Return whether `text` can be an OAuth access token: `b64token` (RFC 6750, section 2.1)."""
    return is_key(text) and text[0] != "=" and _ACCESS_TOKEN.issuperset(text.rstrip("="))


KEY_SHAPES = (
    r"(?P<prefix>omni_(?:osk|pat)_)[A-Za-z0-9_-]{6,}"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # a JSON Web Token (RFC 7519)
    r"|(?P<bearer>\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{16,}"  # RFC 6750
)
"""What is a key wherever it stands, as a regular expression."""

_SHOWN_SHAPES = (
    r"(?P<prefix>omni_(?:osk|pat)_)[A-Za-z0-9_-]+"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_.-]*)?"
    r"|(?P<bearer>\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{16,}"
)
"""The same for what is shown, where a key may have been cut short."""

SECRET_WORDS = (
    "token", "secret", "password", "passwd", "passphrase", "apikey", "api_key", "api-key", "bearer", "credential",
)  # fmt: skip
"""What a name ends in, but for an `s`, that something secret goes by."""


def names_secret(name: str) -> bool:
    """Tell whether a variable or key of this name holds a secret."""
    return name.lower().removesuffix("s").endswith(SECRET_WORDS)


_obtained: dict[str, set[str]] = {}
"""Secrets that this process has read or made, with their spellings once a text was searched for them."""
_MOST_OBTAINED = 4096
"""So many secrets are remembered at least; twice as many are never kept."""
_UNRESERVED = dict.fromkeys(map(ord, "-._~"))
_SHORTEST = 5
"""A text of fewer characters is not looked for in other texts: it would be found in words that have nothing to do with it."""


def remember(secret: str) -> None:
    """Have `masked` hide `secret`, and each line of it, for the rest of this process; of very many, the latest."""
    for text in {secret, *secret.splitlines()}:
        if len(text.strip()) >= _SHORTEST:
            _obtained.setdefault(text.strip(), set())
    if len(_obtained) >= 2 * _MOST_OBTAINED:  # many at once, so that each of very many costs the same
        for text in list(_obtained)[:-_MOST_OBTAINED]:
            _obtained.pop(text, None)  # another thread may do the same


def forget_all() -> None:
    """Forget what `remember` was given."""
    _obtained.clear()


def masked(text: str) -> str:
    """Return `text` fit to be shown: no key, no password of a URL, and no secret that this process has obtained is in it."""
    for secret, spellings in list(_obtained.items()):  # another thread may obtain one meanwhile
        if not spellings:
            spellings.update(_spellings(secret))
        for spelling in spellings.copy():
            if spelling[:_SHORTEST] in text:
                text = _without(text, spelling)
    if "://" in text and "@" in text:
        import re

        text = re.sub(r"(://)[^\s/\"'@`]++@", rf"\1{MASK}@", text)
    return without_keys(text)


def _spellings(secret: str) -> set[str]:
    """Return a secret as it stands in plain text, and as JSON, XML, a URL or a workflow command spell it."""
    if secret.isascii() and secret.translate(_UNRESERVED).isalnum():
        return {secret}
    import json
    from urllib.parse import quote
    from xml.sax.saxutils import escape

    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        escape(secret),
        escape(secret, {'"': "&quot;"}),
        quote(secret, safe=""),
        quote(secret),
        secret.replace("%", "%25"),
    }


def _without(text: str, secret: str) -> str:
    """Return `text` without `secret`, also where it is cut short by an ellipsis."""
    start, at = secret[:_SHORTEST], 0
    pieces: list[str] = []
    while (found := text.find(start, at)) >= 0:
        length = _SHORTEST
        while length < len(secret) and text[found + length : found + length + 1] == secret[length]:
            length += 1
        cut_short = text[found + length : found + length + 1] == "…" and secret[:length] not in _PUBLIC_PREFIXES
        whole = length == len(secret) or cut_short
        pieces += [text[at:found], MASK if whole else text[found : found + length]]
        at = found + length
    return "".join(pieces) + text[at:]


def without_keys(text: str) -> str:
    """Return `text` with whatever has a key's shape masked, behind its public beginning."""
    if not ("omni_" in text or "eyJ" in text or "earer" in text):
        return text
    import re

    return re.sub(_SHOWN_SHAPES, lambda match: (match["prefix"] or match["bearer"] or "") + MASK, text)


def without_opaque_words(text: str) -> str:
    """Return `text`, as a server said it, with every long word masked that no person would write: it may be a token sent before.

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


def without_sent(text: str, sent: "Iterable[Secret]") -> str:
    """Return `text`, as a server said it, with whatever it repeats of the secrets that it was `sent` masked.

    A piece of eight letters and digits counts (of a shorter secret all of it), whatever the case, whatever other characters
    stand between them, and also percent-encoded, once or more often.
    """
    known = [secret for secret in (_letters(one.reveal())[0] for one in sent) if len(secret) >= _SHORTEST]
    letters, places = _letters(text)
    hidden = bytearray(len(text))
    for secret in known:
        size = min(_PIECE, len(secret))
        for at in range(len(letters) - size + 1):
            if letters[at : at + size] in secret:
                begin, end = places[at][0], places[at + size - 1][1]
                hidden[begin:end] = b"\1" * (end - begin)
    if not any(hidden):
        return text
    shown = []
    for at, char in enumerate(text):
        if not hidden[at]:
            shown.append(char)
        elif not at or not hidden[at - 1]:
            shown.append(MASK)
    return "".join(shown)


_PIECE = 8


def _letters(text: str) -> "tuple[str, list[tuple[int, int]]]":
    """Return the letters and digits of `text` in lower case, percent-decoded, and where each of them begins and ends there."""
    found = [(char, at, at + 1) for at, char in enumerate(text)]
    for _ in range(4 if "%" in text else 0):  # `%2525…`: each time it is encoded, it grows
        decoded: list[tuple[str, int, int]] = []
        at = 0
        while at < len(found):
            pair = found[at + 1 : at + 3] if found[at][0] == "%" else []
            if len(pair) == 2 and all(char in "0123456789abcdefABCDEF" for char, _, _ in pair):
                decoded.append((chr(int(pair[0][0] + pair[1][0], 16)), found[at][1], pair[1][2]))
                at += 3
            else:
                decoded.append(found[at])
                at += 1
        if len(decoded) == len(found):
            break
        found = decoded
    kept = [(low, begin, end) for char, begin, end in found if char.isalnum() for low in char.lower()]
    return "".join(low for low, _, _ in kept), [(begin, end) for _, begin, end in kept]


class Secret:
    """A secret text. `str()`, `repr()`, formatting, pickling and equality with text all withhold it; `reveal()` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself. Every call is a place to review."""
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
