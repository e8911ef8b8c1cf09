"""A type for secrets that cannot be printed by accident, and the masking of secrets in text."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK = "********"

_PUBLIC_PREFIXES = ("omni_osk_", "omni_pat_")
"""Prefixes that give the kind of a key, and nothing of the key itself."""


def looks_like_key(text: str) -> bool:
    """Return whether a text that should be something else begins like Omni's API keys."""
    return text.startswith(_PUBLIC_PREFIXES)


LONGEST_KEY = 64 * 1024
"""The most characters that a key or token may have."""

_ACCESS_TOKEN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/")


def is_key(text: str) -> bool:
    """Return whether `text` can be a key: printable ASCII without spaces, which every header and form can carry."""
    return 0 < len(text) <= LONGEST_KEY and text.isascii() and text.isprintable() and " " not in text


def is_text(text: str) -> bool:
    """Return whether `text` can be a secret of `env`: one line without surrounding space, which every variable can carry."""
    return 0 < len(text) <= LONGEST_KEY and text.isprintable() and text == text.strip()


def is_access_token(text: str) -> bool:
    """Return whether `text` can be an OAuth access token: `b64token` (RFC 6750, section 2.1)."""
    return is_key(text) and text[0] != "=" and _ACCESS_TOKEN.issuperset(text.rstrip("="))


KEY_SHAPES = (
    r"(?P<prefix>omni_(?:osk|pat)_)[A-Za-z0-9_-]{6,}"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # a JSON Web Token (RFC 7519)
    r"|(?P<bearer>\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{16,}"  # RFC 6750
)
"""A regular expression for whatever is a key in any context."""

_SHOWN_SHAPES = (
    r"(?P<prefix>omni_(?:osk|pat)_)[A-Za-z0-9_-]+"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_.-]*)?"
    r"|(?P<bearer>\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{16,}"
)
"""The same for texts to be shown, in which a key may have been cut short."""

SECRET_WORDS = (
    "token", "secret", "password", "passwd", "passphrase", "apikey", "api_key", "api-key", "bearer", "credential",
)  # fmt: skip
"""The endings, apart from a final `s`, of names that stand for something secret."""


def names_secret(name: str) -> bool:
    """Return whether a variable or key with this name holds a secret."""
    return name.lower().removesuffix("s").endswith(SECRET_WORDS)


_obtained: dict[str, set[str]] = {}
"""Secrets that this process has read or made, each with its spellings, which are added when it is first looked for."""
_starts: dict[str, dict[str, None]] = {}
"""The obtained secrets by how all their spellings start, because many share that. It is empty where they may differ."""
_MOST_OBTAINED = 4096
"""The latest secrets that are always remembered. The number kept never reaches twice this."""
_UNRESERVED = dict.fromkeys(map(ord, "-._~"))
_SHORTEST = 5
"""The shortest secret that is searched for: a shorter one would be found in unrelated words."""


def remember(secret: str) -> None:
    """Make `masked` hide `secret`, and each of its lines, from now on. Of very many secrets, only the latest are kept."""
    for text in {secret, *secret.splitlines()}:
        if len(text.strip()) >= _SHORTEST:
            _obtained.setdefault(text.strip(), set())
            _starts.setdefault(_start(text.strip()), {})[text.strip()] = None
    if len(_obtained) >= 2 * _MOST_OBTAINED:  # drop many at once, so that the cost per secret stays constant
        for text in list(_obtained)[:-_MOST_OBTAINED]:
            _starts[_start(text)].pop(text, None)  # another thread may do the same
            _obtained.pop(text, None)


def forget_all() -> None:
    """Forget all secrets given to `remember`."""
    _obtained.clear()
    _starts.clear()


def masked(text: str) -> str:
    """Return `text` with keys, passwords in URLs, and all secrets that this process has obtained masked."""
    for secret in [secret for start in list(_starts) if start in text for secret in list(_starts[start])]:
        spellings = _obtained.get(secret, set())
        if not spellings:
            spellings.update(_spellings(secret))
        for spelling in spellings.copy():
            if spelling[:_SHORTEST] in text:
                text = _without(text, spelling)
    if "://" in text and "@" in text:
        import re

        text = re.sub(r"(://)[^\s/\"'@`]++@", rf"\1{MASK}@", text)
    return without_keys(text)


def _start(secret: str) -> str:
    """Return how every spelling of `secret` starts: it has one spelling, or this is empty."""
    return secret[:_SHORTEST] if secret.isascii() and secret.translate(_UNRESERVED).isalnum() else ""


def _spellings(secret: str) -> set[str]:
    """Return a secret as plain text, and as JSON, XML, a URL and a workflow command spell it."""
    if _start(secret):
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
    """Return `text` with `secret` masked, including where an ellipsis cuts it short."""
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
    """Return `text` with everything that looks like a key masked, after its public prefix."""
    if not ("omni_" in text or "eyJ" in text or "earer" in text):
        return text
    import re

    return re.sub(_SHOWN_SHAPES, lambda match: (match["prefix"] or match["bearer"] or "") + MASK, text)


def without_opaque_words(text: str) -> str:
    """Return a server's `text` with every long word masked that no person would write: it may be a token sent earlier.

    UUIDs stay, since a server's support asks for them.
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
    """Return a server's `text` with everything masked that it repeats of the secrets that it was `sent`.

    Eight consecutive letters and digits of a secret are enough (all of a shorter one), in either case, with any other
    characters between them, and percent-encoded any number of times up to four.
    """
    known = [secret for secret in (_folded(one.reveal()) for one in sent) if len(secret) >= _SHORTEST]
    folded = _folded(text)
    if not any(piece in secret for secret in known for piece in _pieces(folded, secret)):
        return text
    letters, places = _letters(text)
    hidden = bytearray(len(text))
    for secret in known:
        size = min(_PIECE, len(secret))
        for at, piece in enumerate(_pieces(letters, secret)):
            if piece in secret:
                begin, end = places[at][0], places[at + size - 1][1]
                hidden[begin:end] = b"\1" * (end - begin)
    shown = []
    for at, char in enumerate(text):
        if not hidden[at]:
            shown.append(char)
        elif not at or not hidden[at - 1]:
            shown.append(MASK)
    return "".join(shown)


_PIECE = 8


def _pieces(letters: str, secret: str) -> "Iterator[str]":
    """Yield the pieces of `letters` that are looked for in `secret`."""
    size = min(_PIECE, len(secret))
    return (letters[at : at + size] for at in range(len(letters) - size + 1))


def _folded(text: str) -> str:
    """Return the letters and digits of `_letters`, which takes longer because it finds their places too."""
    if text.isascii() and "%" not in text:
        return "".join(filter(str.isalnum, text)).lower()
    return _letters(text)[0]


def _letters(text: str) -> "tuple[str, list[tuple[int, int]]]":
    """Return the letters and digits of `text`, percent-decoded and in lower case, and where each begins and ends in `text`."""
    found = [(char, at, at + 1) for at, char in enumerate(text)]
    for _ in range(4 if "%" in text else 0):  # `%2525…`: each encoding makes it longer
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
        """Return the secret itself. Every call deserves review."""
        return self._text

    @property
    def masked(self) -> str:
        """A mask of fixed length, after the key's public prefix if any. Shows neither a part nor the length of the secret."""
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
