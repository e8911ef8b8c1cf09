"""The statements of a TOML text, headers and pairs, with the character offsets of their keys and values.

One pass over a text that `tomllib` has accepted: this module does not look for errors. tomlkit, whose exact round trip could give
the offsets too, takes 12 times as long as `tomllib` (measured for 1,000 profiles).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from omniprofile.config.toml.data import KeyPath

# All quantifiers are possessive or in an atomic group, so that no text makes the patterns backtrack.
# Never a possessive group, `(?:…)*+`: Python matches it wrongly before 3.11.5 (python/cpython#106052).
BLANK = re.compile(r"(?>(?:[ \t\r\n]++|#[^\n]*+)*)")
_SPACE = re.compile(r"[ \t]*+")
_STRING = re.compile(
    r'"""(?>(?:[^"\\]++|\\.|"(?!""))*)"{3,5}|'
    r"'''(?>(?:[^']++|'(?!''))*)'{3,5}|"
    r'"(?>(?:[^"\\]++|\\.)*)"|'
    r"'[^']*+'",
    re.DOTALL,
)
_KEY = re.compile(rf"[ \t]*+([A-Za-z0-9_-]++|{_STRING.pattern})[ \t]*+", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\r\n]++")
_ESCAPE = re.compile(r"\\(?:u(.{4})|U(.{8})|x(..)|(.))")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


class Key(NamedTuple):
    """One part of a key. `start` and `end` include its quotes."""

    name: str
    start: int
    end: int


class Pair(NamedTuple):
    """`keys = value`, with the value from `start` to `end`. `path` starts at the top of the file.

    `members` are the pairs of an inline table, None for any other value. `elements` are those of an array, as pairs without
    keys.
    """

    path: KeyPath
    keys: tuple[Key, ...]
    start: int
    end: int
    members: "tuple[Pair, ...] | None" = None
    elements: "tuple[Pair, ...]" = ()

    @property
    def base(self) -> KeyPath:
        """The path of the table that contains the pair."""
        return self.path[: len(self.path) - len(self.keys)]


@dataclass(slots=True)
class Table:
    """A header, `[keys]`, and the pairs below it. The first table of a text is its top level, without keys and header.

    `start` and `end` are those of the header, including its brackets.
    """

    path: KeyPath
    keys: tuple[Key, ...]
    start: int
    end: int
    pairs: list[Pair] = field(default_factory=list)


def scan(text: str) -> list[Table]:
    """Return every table of `text`, in order."""
    scanner = Scanner(text)
    tables = [Table((), (), 0, 0)]
    while (statement := scanner.statement(tables[-1].path)) is not None:
        if isinstance(statement, Table):
            tables.append(statement)
        else:
            tables[-1].pairs.append(statement)
    return tables


def every_pair(tables: Iterable[Table]) -> Iterator[Pair]:
    """Yield all pairs, those of an inline table after the one that contains it; none in arrays."""
    work: list[Pair] = [pair for table in tables for pair in table.pairs]
    work.reverse()
    while work:
        pair = work.pop()
        yield pair
        work += reversed(pair.members or ())


class Scanner:
    """Reads the statements of a text in order, from the offset `at`. `arrays` counts each array of tables so far."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0
        self.arrays: dict[KeyPath, int] = {}

    def statement(self, base: KeyPath) -> Table | Pair | None:
        """Return the next statement, in the table at `base`; None at the end."""
        self._skip(BLANK)
        if self.at == len(self._text):
            return None
        return self._header() if self._text[self.at] == "[" else self._pair(base)

    def _header(self) -> Table:
        start = self.at
        array = self._text.startswith("[[", start)
        self.at += 1 + array
        keys = self._key()
        self.at += 1 + array
        path: KeyPath = ()
        for depth, key in enumerate(keys, 1):
            path = (*path, key.name)
            if path in self.arrays and (not array or depth < len(keys)):
                path = (*path, self.arrays[path] - 1)  # a key that names an array of tables refers to the last element
        if array:
            count = self.arrays.get(path, 0)
            self.arrays[path] = count + 1
            path = (*path, count)
        return Table(path, keys, start, self.at)

    def _key(self) -> tuple[Key, ...]:
        keys: list[Key] = []
        while match := _KEY.match(self._text, self.at):
            self.at = match.end()
            keys.append(Key(_name(match[1]), *match.span(1)))
            if not self._text.startswith(".", self.at):
                break
            self.at += 1
        return tuple(keys)

    def _pair(self, base: KeyPath) -> Pair:
        keys = self._key()
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        return self._value((*base, *(key.name for key in keys)), keys)

    def _value(self, path: KeyPath, keys: tuple[Key, ...] = ()) -> Pair:
        start = self.at
        if self._text[start] == "{":
            members = tuple(self._inside("}", lambda _: self._pair(path)))
            return Pair(path, keys, start, self.at, members)
        if self._text[start] == "[":
            elements = tuple(self._inside("]", lambda index: self._value((*path, index))))
            return Pair(path, keys, start, self.at, None, elements)
        if string := _STRING.match(self._text, start):
            self.at = string.end()
        elif scalar := _SCALAR.match(self._text, start):
            self.at += len(scalar[0].rstrip(" \t"))
        return Pair(path, keys, start, self.at)

    def _inside(self, end: str, read: Callable[[int], Pair]) -> Iterator[Pair]:
        """Yield the comma-separated items between brackets."""
        self.at += 1
        self._skip(BLANK)
        index = 0
        while self._text[self.at] != end:
            yield read(index)
            index += 1
            self._skip(BLANK)
            if self._text[self.at] == ",":
                self.at += 1
                self._skip(BLANK)
        self.at += 1

    def _skip(self, what: re.Pattern[str]) -> None:
        if match := what.match(self._text, self.at):
            self.at = match.end()


def _name(written: str) -> str:
    """Return the name in a part of a key, without quotes and escapes."""
    if written[0] == "'":
        return written[1:-1]
    if written[0] != '"':
        return written
    return _ESCAPE.sub(_unescaped, written[1:-1]) if "\\" in written else written[1:-1]


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    return chr(int(code, 16)) if code else _ESCAPED.get(match[4], match[4])
