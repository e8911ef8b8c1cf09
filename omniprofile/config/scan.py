"""Where every table, key and value of a TOML text stands, by character offset, for edits that are cut out of the text.

For text that `document` has parsed without a finding, and for nothing else: what may be wrong in a text is not looked for
here. `document` itself finds places with tree-sitter, in any text and by line; a test holds the two to each other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
"""As in `document`: the names from the top of the file, and indexes where there are arrays of tables."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"""(?:"{0,2})|'
    r"'''(?:[^']++|'(?!''))*+'''(?:'{0,2})|"
    r'"(?:[^"\\]++|\\.)*+"|'
    r"'[^']*+'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\r\n]+")


@dataclass(frozen=True, slots=True)
class Key:
    """One part of a key as it is written, quotes included."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pair:
    """`keys = value`. `path` is whole, from the top of the file; `members` are the pairs of a value that is an inline table."""

    path: Path
    keys: tuple[Key, ...]
    start: int
    end: int
    members: "tuple[Pair, ...] | None" = None

    @property
    def base(self) -> Path:
        """The path of the table that the pair is written in."""
        return self.path[: len(self.path) - len(self.keys)]


@dataclass(slots=True)
class Table:
    """A header, `[keys]`, and the pairs below it. The first table of a text is its top, with no key and no header.

    `start` and `end` are those of the header, from bracket to bracket.
    """

    path: Path
    keys: tuple[Key, ...]
    start: int
    end: int
    pairs: list[Pair] = field(default_factory=list)


def scan(text: str) -> list[Table]:
    """Every table of `text`, in its order."""
    return list(_Scanner(text).tables())


def every_pair(tables: list[Table]) -> Iterator[Pair]:
    """All pairs, those of inline tables after the one that holds them."""
    work: list[Pair] = [pair for table in reversed(tables) for pair in reversed(table.pairs)]
    while work:
        pair = work.pop()
        yield pair
        work += reversed(pair.members or ())


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counts: dict[Path, int] = {}

    def tables(self) -> Iterator[Table]:
        table = Table((), (), 0, 0)
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                yield table
                table = self._header()
            else:
                table.pairs.append(self._pair(table.path))
            self._skip(_BLANK)
        yield table

    def _header(self) -> Table:
        start = self._at
        array = self._text.startswith("[[", start)
        self._at += 2 if array else 1
        keys = self._key()
        self._at += 2 if array else 1
        path: Path = ()
        for key in keys:
            path = (*path, key.name)
            if path in self._counts and (not array or len(path) < len(keys)):
                path = (*path, self._counts[path] - 1)
        if array:
            count = self._counts.get(path, 0)
            self._counts[path] = count + 1
            path = (*path, count)
        return Table(path, keys, start, self._at)

    def _pair(self, base: Path) -> Pair:
        keys = self._key()
        self._at += 1  # the sign
        self._skip(_SPACE)
        start = self._at
        path = (*base, *(key.name for key in keys))
        members = self._value(path)
        return Pair(path, keys, start, self._at, members)

    def _key(self) -> tuple[Key, ...]:
        keys = []
        while True:
            self._skip(_SPACE)
            start = self._at
            match = _STRING.match(self._text, start) or _BARE.match(self._text, start)
            if match is None:
                raise AssertionError(f"no key at offset {start} of a text that parses")
            self._at = match.end()
            keys.append(Key(_name(match[0]), start, self._at))
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return tuple(keys)
            self._at += 1

    def _value(self, path: Path) -> tuple[Pair, ...] | None:
        """Go past a value; the pairs of an inline table."""
        if self._text[self._at] == "{":
            return tuple(self._inline(path))
        if self._text[self._at] == "[":
            self._array()
            return None
        string = _STRING.match(self._text, self._at)
        plain = _PLAIN.match(self._text, self._at)
        if string is not None:
            self._at = string.end()
        elif plain is not None:
            self._at += len(plain[0].rstrip(" \t"))
        return None

    def _inline(self, path: Path) -> Iterator[Pair]:
        self._at += 1
        self._skip(_BLANK)
        while self._text[self._at] != "}":
            yield self._pair(path)
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BLANK)
        self._at += 1

    def _array(self) -> None:
        self._at += 1
        self._skip(_BLANK)
        while self._text[self._at] != "]":
            self._value(())
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BLANK)
        self._at += 1

    def _skip(self, what: re.Pattern[str]) -> None:
        match = what.match(self._text, self._at)
        self._at = match.end() if match else self._at


def _name(written: str) -> str:
    """The name that a part of a key stands for."""
    if written[0] == "'":
        return written[1:-1]
    if written[0] != '"':
        return written
    from omniprofile.config.document import Document

    (name,) = Document.parse("", f"{written} = 0".encode()).data or ("",)
    return name
