"""The character offset of every key and value in a TOML text, for findings. Takes as long as `tomllib`."""

import re

from omniprofile.config.toml.data import KeyPath
from omniprofile.config.toml.statements import BLANK, Pair, Scanner, Table

# Quantifiers as in `statements`.
_BARE = "[A-Za-z0-9_-]++"
_PLAIN_VALUE = r"\"[^\"\\\n]++\"|'[^'\n]++'|true|false|[0-9]++"
_PLAIN = re.compile(
    rf"{BLANK.pattern}"
    rf"(?>\[(?P<header>{_BARE}(?>(?:\.{_BARE})*))\]"
    rf"|(?P<key>{_BARE})[ \t]*+=[ \t]*+(?P<value>{_PLAIN_VALUE}"
    rf"|\{{[ \t]*+(?P<member>{_BARE})[ \t]*+=[ \t]*+(?P<inner>{_PLAIN_VALUE})[ \t]*+\}}))"
    r"(?=[ \t\r\n#]|\Z)"
)
"""The most common statements: a header of bare keys, and a bare key with a plain value or an inline table of one such pair."""


class Offsets:
    """The offsets of every key and value of a text, by path."""

    def __init__(self, text: str) -> None:
        self.keys: dict[KeyPath, int] = {}
        self.values: dict[KeyPath, int] = {}
        scanner = Scanner(text)
        base: KeyPath = ()
        while True:
            plain = _PLAIN.match(text, scanner.at)
            if plain and (key := plain["key"]):
                scanner.at = plain.end()
                path = (*base, key)
                self.keys[path], self.values[path] = plain.start("key"), plain.start("value")
                if member := plain["member"]:
                    path = (*path, member)
                    self.keys[path], self.values[path] = plain.start("member"), plain.start("inner")
            elif plain and not scanner.arrays:
                scanner.at = plain.end()
                base = names = tuple(plain["header"].split("."))
                at = plain.start("header")
                for depth, name in enumerate(names[:-1], 1):
                    self.keys.setdefault(base[:depth], at)
                    at += len(name) + 1
                self.keys[base] = at
            elif (statement := scanner.statement(base)) is None:
                return
            elif isinstance(statement, Table):
                base = statement.path
                self._add_header(statement)
            else:
                self._add_pair(statement)

    def _add_header(self, table: Table) -> None:
        keys = iter(table.keys)
        at = 0
        for depth, part in enumerate(table.path, 1):
            if isinstance(part, str):
                at = next(keys).start
            self.keys.setdefault(table.path[:depth], at)
        if table.path and isinstance(table.path[-1], str):
            self.keys[table.path] = at  # the table's own header, not a longer key that named it first

    def _add_pair(self, pair: Pair) -> None:
        path, keys = pair.path, pair.keys
        for depth, key in enumerate(keys[:-1], len(path) - len(keys) + 1):
            self.keys.setdefault(path[:depth], key.start)
        self.keys[path] = keys[-1].start if keys else pair.start
        self.values[path] = pair.start
        for inner in pair.members or pair.elements:
            self._add_pair(inner)
