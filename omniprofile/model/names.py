"""Names: which are valid, which one was probably meant, which variables belong to a profile, and how to show one."""

import sys

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


def closest(name: str, known: "Iterable[str]", count: int = 3) -> list[str]:
    """Return at most `count` of the `known` names that a user who typed `name` may have meant, best first.

    A name is close if it differs by one or two letters, has the same words, or begins with what was typed.
    """
    found = [(off, candidate) for candidate in known if (off := _how_far(name, candidate)) is not None]
    found.sort()
    if found and found[0][0] == 0:  # the same name in another case
        found = [(off, candidate) for off, candidate in found if off == 0]
    return [candidate for _, candidate in found[:count]]


def _how_far(name: str, candidate: str) -> "int | None":
    """Return how far a candidate is from the typed name; None if it is a different word."""
    typed, meant = name.casefold(), candidate.casefold()
    off = distance(typed, meant)
    # One different letter makes a short word another word: `get` is not `set`.
    if off == 0 or (off == 1 and (len(typed) > 3 or typed[:1] == meant[:1])) or (off == 2 and len(typed) > 5):
        return off
    words = set(meant.replace("_", "-").replace(".", "-").split("-"))
    if len(typed) > 1 and (meant.startswith(typed) or set(typed.replace("_", "-").split("-")) <= words):
        return 3
    return 4 if len(meant) > 3 and typed.startswith(meant) else None


def distance(one: str, other: str) -> int:
    """Count the letters to change, add, remove or swap (optimal string alignment), up to 3."""
    # Each change adds at most one letter to the set and removes at most one.
    if abs(len(one) - len(other)) > 2 or len(set(one) ^ set(other)) > 4:
        return 3
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i] + [3] * len(other)
        for j in range(max(1, i - 2), min(len(other), i + 2) + 1):  # every other cell is more than 2
            char = other[j - 1]
            row[j] = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (letter != char))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == char:
                row[j] = min(row[j], rows[-2][j - 2] + 1)
        rows.append(row)
    return min(rows[-1][-1], 3)


def quoted_list(names: "Iterable[str]", last: str = "or") -> str:
    """Return `a`, `b` or `c`, with `last` as the conjunction."""
    words = [f"`{name}`" for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def did_you_mean(word: str, known: "Iterable[str]", otherwise: str, most: int = 3) -> str:
    """Return a hint with the `most` names among `known` that are closest to `word`, or `otherwise` if none is close."""
    near = closest(word, known, most)
    return f"did you mean {quoted_list(near)}?" if near else otherwise


def counted(number: int, noun: str) -> str:
    """Return `no files`, `1 file`, `2 files`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def variable_stem(profile: str) -> str:
    """Return the middle of a profile's own variables: upper case, with `_` for other characters (`my-conn` gives `MY_CONN`)."""
    return "".join(char.upper() if char in _LETTERS_DIGITS else "_" for char in profile)


def token_variable(profile: str) -> str:
    """Return the variable that always holds a token for `profile`."""
    return f"OMNI_PROFILE_{variable_stem(profile)}_TOKEN"


def base_url_variable(profile: str) -> str:
    """Return the variable that always holds the base URL of `profile`."""
    return f"OMNI_PROFILE_{variable_stem(profile)}_BASE_URL"


def escaped(char: str, kept: str = "") -> str:
    """Return a character made safe for a terminal: as an escape if it is not printable, unless it is one of `kept`."""
    return char if char.isprintable() or char in kept else char.encode("unicode_escape").decode()


def legible(text: str) -> str:
    """Return a text of any length and any number of lines, made safe for a terminal as `printable` does for one line."""
    if text.isprintable():
        return text
    # A carriage return would overwrite the line, except before a newline, where it is part of the line ending.
    return "\r\n".join("".join(escaped(char, "\n\t") for char in part) for part in text.split("\r\n"))


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


def quoted_word(word: str) -> str:
    """Return `word` quoted as one word for the system's shells. `cmd` knows only double quotes."""
    if sys.platform == "win32":
        plain = word and all(char.isalnum() or char in "_.:/\\+@-" for char in word)
        return word if plain else f'"{word}"'
    from shlex import quote

    return quote(word)


def command_words(command: str) -> list[str]:
    """Split a command line that a person wrote into words. Raises ValueError for an unclosed quote.

    Removes quotes as a shell does. On Windows a backslash is part of a path, not an escape.
    """
    import shlex

    lexer = shlex.shlex(command, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    if sys.platform == "win32":
        lexer.escape = ""
    return list(lexer)


def removal(path: str) -> str:
    """Return the command that removes a file or folder."""
    return f"{'del' if sys.platform == 'win32' else 'rm -r'} {quoted_place(path)}"


def quoted_place(path: str) -> str:
    """Return the whole of `path` quoted as one word, which a person can paste into a shell.

    Bytes that are unsafe to show become escapes in POSIX's `$'…'` quotes (2024, section 2.2.4).
    """
    if path.isprintable():
        return quoted_word(path)
    special = {"\\": "\\\\", "'": "\\'"}
    shown = (
        special.get(char, char)
        if char.isprintable()
        else "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
        for char in path
    )
    return f"$'{''.join(shown)}'"
