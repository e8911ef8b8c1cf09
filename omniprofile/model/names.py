"""The names of profiles and instances: which are valid, and how to show one, or any other short text.

On the fast path: imports nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LENGTH = 64
_LETTERS_DIGITS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_ALLOWED = _LETTERS_DIGITS | frozenset("._-")

RULE = "letters, digits, `.`, `_` and `-`, at most 64, beginning with a letter or digit"
KEY_IN_VIEW = (
    "`omniprofile login NAME` asks for the key without showing it; revoke this one if others can see this machine's processes "
    "or your shell's history"
)
"""The hint for a key on the command line, which every process of the machine can read."""


def is_valid(name: str) -> bool:
    """Return whether `name` may name a profile or an instance. One that looks like a key may not: names are shown everywhere."""
    return (
        0 < len(name) <= MAX_LENGTH
        and name[0] in _LETTERS_DIGITS
        and all(char in _ALLOWED for char in name)
        and not holds_key(name)
    )


def holds_key(name: str) -> bool:
    """Return whether a part of `name` looks like an API key or a token."""
    if "omni_" not in name and "eyJ" not in name:
        return False
    from omniprofile.model.secret import without_keys

    return without_keys(name) != name


def account_name(profile: str, origin: object, variable: str | None = None) -> str:
    """Return the name that a store uses for the secret of `profile` at `origin`, or for the secret `variable` of its `env`."""
    return f"{profile}@{origin}" + (f"#{variable}" if variable else "")


def nearest_valid(name: str) -> str:
    """Return the valid name nearest to `name`: without accents, and with a `-` for each run of other characters.

    For a base URL it is the first part of the host: `acme` for `https://acme.omniapp.co`.
    """
    import unicodedata

    if holds_key(name):
        return "profile"
    host = name.partition("://")[2].partition("/")[0].partition(":")[0]
    if host and not host.rpartition(".")[2].isdigit():  # an IPv4 address has no name
        name = host.partition(".")[0]
    plain = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    words = "".join(char if char in _ALLOWED else " " for char in plain).split()
    return "-".join(words)[:MAX_LENGTH].strip("-._") or "profile"


def quoted_list(names: "Iterable[str]", last: str = "or") -> str:
    """Return `a`, `b` or `c`, with `last` as the conjunction."""
    words = [f"`{name}`" for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def counted(number: int, noun: str) -> str:
    """Return `no files`, `1 file`, `2 files`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def escaped(char: str, kept: str = "") -> str:
    """Return a character made safe for a terminal: as an escape if it is not printable, unless it is one of `kept`."""
    return char if char.isprintable() or char in kept else char.encode("unicode_escape").decode()


def legible(text: str) -> str:
    """Return a text of any length and any number of lines, made safe for a terminal as `printable` does for one line."""
    if text.isprintable():
        return text
    # A carriage return would overwrite the line, except before a newline, where it is part of the line ending.
    return "\r\n".join("".join(escaped(char, "\n\t") for char in part) for part in text.split("\r\n"))


def unbroken(text: str) -> str:
    """Return a text for one line, with its line breaks as escapes: a file's name may hold some, followed by words of its own."""
    return text.replace("\n", "\\n")


def printable(text: str, limit: int = 120) -> str:
    """Return `text` made safe for one line of a terminal: control, bidi and other invisible characters become escapes.

    Cuts it to at most `limit` characters, plus an ellipsis.
    """
    if len(text) <= limit and text.isprintable():
        return text
    pieces: list[str] = []
    left = limit
    for char in text:
        piece = escaped(char)
        left -= len(piece)
        if left < 0:
            return "".join(pieces) + "…"
        pieces.append(piece)
    return "".join(pieces)


def printable_place(text: str) -> str:
    """Return a path, or a text with one in it, as `printable` does, but up to 300 characters: a cut path is of little use."""
    return printable(text, 300)
