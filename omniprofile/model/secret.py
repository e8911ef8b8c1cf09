"""A type for secrets that cannot be printed by accident, and the masking of secrets in text."""

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
SHORTEST = 5
"""The shortest secret that is searched for: a shorter one would be found in unrelated words."""


def remember(secret: str) -> None:
    """Make `masked` hide `secret`, and each of its lines, from now on. Of very many secrets, only the latest are kept."""
    for text in {secret, *secret.splitlines()}:
        if len(text.strip()) >= SHORTEST:
            _obtained.setdefault(text.strip(), set())
            _starts.setdefault(_start(text.strip()), {})[text.strip()] = None
    if len(_obtained) >= 2 * _MOST_OBTAINED:  # drop many at once, so that the cost per secret stays constant
        for text in list(_obtained)[:-_MOST_OBTAINED]:
            _starts[_start(text)].pop(text, None)  # another thread may do the same
            _obtained.pop(text, None)


def masked(text: str) -> str:
    """Return `text` with keys, passwords in URLs, and all secrets that this process has obtained masked."""
    secrets = [secret for start in list(_starts) if start in text for secret in list(_starts[start])]
    for secret in sorted(secrets, key=len, reverse=True):  # the whole before its lines, some too short to be looked for
        spellings = _obtained.get(secret, set())
        if not spellings:
            spellings.update(_spellings(secret))
        for spelling in spellings.copy():
            if spelling[:SHORTEST] in text:
                text = _without(text, spelling)
    if "://" in text and "@" in text:
        import re

        text = re.sub(r"(://)[^\s/\"'@`]++@", rf"\1{MASK}@", text)
    return without_keys(text)


def _start(secret: str) -> str:
    """Return how every spelling of `secret` starts: it has one spelling, or this is empty."""
    return secret[:SHORTEST] if secret.isascii() and secret.translate(_UNRESERVED).isalnum() else ""


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
    start, at = secret[:SHORTEST], 0
    pieces: list[str] = []
    while (found := text.find(start, at)) >= 0:
        length = SHORTEST
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
