"""One TOML file as data and places. DOOR: tomllib.

The values come from `tomllib`, which is strict and in the standard library; the places of keys and values from `positions`.

Parsing takes bounded time for any bytes: keys with many parts, for which `tomllib` takes quadratic time, are detected first.
Nesting too deep for `tomllib`, or for code that walks through the data, is a finding like any syntax error.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from omniprofile.config.toml.positions import KeyPath, Places, key_at, scan
from omniprofile.errors import ConfigUnreadable
from omniprofile.model.finding import Code, Finding, Fix
from omniprofile.system.files import BYTE_ORDER_MARK, LARGEST, Unreadable, read_regular

DEEPEST = 50
"""The deepest allowed nesting of arrays and inline tables, and the most parts of a key."""

_MOST_SYNTAX_ERRORS = 20
_PARSED_AGAIN = 20 * 1024 * 1024
"""After a syntax error, the rest is parsed again to find the next one, until this many characters have been parsed."""

# Not compiled: a valid file needs none of these patterns, and compiling them takes as long as parsing a small file.
_PLACE = r" \(at (?:line (\d+), column (\d+)|end of document)\)$"


class Position(NamedTuple):
    """A place in a file: line and column from 1, columns in characters (code points)."""

    line: int
    column: int


@dataclass
class Document:
    """A parsed file. `data` is None if `findings` has syntax errors."""

    file: str
    text: str
    data: dict[str, Any] | None = None
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def read(cls, path: str, limit: int = LARGEST) -> "Document":
        """Read and parse a file of at most `limit` bytes.

        Raises ConfigUnreadable if it cannot be read; syntax errors become findings.
        """
        try:
            return cls.parse(path, read_regular(path, limit))
        except FileNotFoundError as problem:
            raise ConfigUnreadable(f"`{path}` not found", hint="check the path") from problem
        except Unreadable as problem:
            raise ConfigUnreadable(f"`{path}` cannot be read: {problem}") from problem

    @classmethod
    def parse(cls, file: str, content: bytes) -> "Document":
        """Parse `content`; `file` only names it. A byte-order mark is accepted."""
        content = content.removeprefix(BYTE_ORDER_MARK)
        try:
            document = cls(file, content.decode("utf-8"))
        except UnicodeDecodeError as problem:
            before = content[: problem.start].decode("utf-8")
            document = cls(file, before)
            looks = "it looks like UTF-16: " if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ""
            document._report(_position_after(before), "this is not UTF-8", f"{looks}save the file as UTF-8")
            return document
        document._parse()
        return document

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, with any carriage return left at their ends."""
        return self.text.split("\n")

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self.lines), initial=0))

    def place(self, offset: int) -> Position:
        """Return the line and column of the character at `offset`."""
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of the character at a line and column."""
        return self._starts[line - 1] + column - 1

    def comments(self) -> Iterator[tuple[Position, str]]:
        """Yield every comment with its place, from its `#` to the end of the line. A `#` in a string does not start one."""
        for match in re.finditer(_STRINGS_AND_COMMENTS, self.text) if "#" in self.text else ():
            if match[0].startswith("#"):
                yield self.place(match.start()), match[0].rstrip("\r")

    def word(self, place: Position) -> str:
        """Return the source text of the bare or quoted key, or of the scalar value on one line, that starts at `place`."""
        match = re.compile(_WORD).match(self.lines[place.line - 1], place.column - 1)
        return match[0] if match else ""

    def finding(
        self, path: KeyPath, code: Code, message: str, suggestion: str | None = None, *,
        at_key: bool = False, replacement: str | None = None,
    ) -> Finding:  # fmt: skip
        """Return a finding at the value (or the key) at `path`. `replacement` is TOML that can safely replace it."""
        place = self.position(path) if at_key else self.value_position(path)
        word = self.word(place) if replacement is not None else ""
        fix = Fix(*place, len(word), replacement) if word and replacement is not None else None
        return Finding(self.file, *place, code, message, suggestion, fix, path)

    def position(self, path: KeyPath) -> Position:
        """Return the place of the key at `path`, or if it is not in the text, that of the nearest enclosing key."""
        return self.place(self._key(path))

    def line(self, path: KeyPath) -> int:
        """Return the line of `position(path)`."""
        return bisect_right(self._starts, self._key(path))

    def value_position(self, path: KeyPath) -> Position:
        """Return the place of the value at `path`; its key's place if the value is a table with a header."""
        offset = self._places.values.get(path) if self._places else None
        return self.position(path) if offset is None else self.place(offset)

    def _key(self, path: KeyPath) -> int:
        places = self._places.keys if self._places else {}
        while path and path not in places:
            path = path[:-1]
        return places.get(path, 0)

    @cached_property
    def _places(self) -> Places | None:
        """The places of the keys and values; None if the text does not parse."""
        return Places(self.text) if self.data is not None else None

    def _report(self, position: Position, message: str, suggestion: str | None = None) -> None:
        line = self.lines[position.line - 1] if position.line <= len(self.lines) else ""
        from omniprofile.config.toml import syntax_errors

        suggestion = suggestion or syntax_errors.suggestion(line, message)
        self.findings.append(
            Finding(
                self.file, position.line, position.column, Code.SYNTAX, syntax_errors.wording(message), suggestion
            )
        )  # fmt: skip

    def _parse(self) -> None:
        text = self.text
        # Hardly any line has this many dots, and a closer look costs as much as parsing.
        if any(line.count(".") >= DEEPEST for line in self.lines) and self._report_too_deep():
            return
        for _ in range(max(2, min(_MOST_SYNTAX_ERRORS, _PARSED_AGAIN // (len(text) + 1)))):
            problem = self._load(text)
            if problem is None:
                break
            text = self._without_line(text, problem)
            if not text:
                break
        if self.findings:
            if self.data is not None:
                self._report_duplicates(text)
            self.data = None
            self.findings.sort()
        elif _depth(self.data) > DEEPEST and self._report_too_deep():
            self.data = None

    def _report_too_deep(self) -> bool:
        place = _too_deep(self.text)
        if place is not None:
            self._report(place, f"this is nested more than {DEEPEST} deep")
        return place is not None

    def _load(self, text: str) -> Position | None:
        """Parse `text` into `data`, or report its first error; return that error's place if there may be more after it."""
        import tomllib

        try:
            self.data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as problem:
            message = str(problem)
            place = re.search(_PLACE, message)
            found = Position(int(place[1]), int(place[2])) if place and place[1] else _open_quote(text)
            self._report(found or _position_after(text.rstrip()), re.sub(_PLACE, "", message))
            return found
        except RecursionError:
            if not self._report_too_deep():
                self._report(Position(1, 1), f"this is nested more than {DEEPEST} deep")
        except ValueError:  # from `int`: https://docs.python.org/3/library/stdtypes.html#int-max-str-digits
            longest = max(re.finditer(_DIGITS, text), key=lambda match: len(match["digits"] or ""))
            self._report(
                Position(*self.place(longest.start())), "a number has too many digits", "write a shorter number"
            )
        return None

    def _without_line(self, text: str, problem: Position) -> str:
        """Return `text` without the statement at `problem`, so that the rest can be checked too; empty to stop."""
        lines = text.split("\n")
        index = problem.line - 1
        if index >= len(lines) or not lines[index].strip() or '"""' in lines[index] or "'''" in lines[index]:
            return ""
        # Keep a header in place of an invalid one, so that its keys do not end up in the previous table.
        header = lines[index].lstrip().startswith("[")
        lines[index] = f'["unreadable header in line {problem.line}"]' if header else ""
        return "\n".join(lines)

    def _report_duplicates(self, rest: str) -> None:
        """Replace tomllib's findings about a key or table defined twice with ones that name the line of the first.

        `rest` is the text without the reported lines; it parses.
        """
        places, tables = Places(rest), scan(rest)
        starts = [table.start for table in tables]
        for index, finding in enumerate(self.findings):
            if not any(word in finding.message for word in ("overwrite", "already", "twice")):
                continue
            start = self.offset(finding.line, 1)
            try:
                keys, header = key_at(self.text, start)
            except ValueError:
                continue
            # `rest` has the same lines, except that the reported ones are empty or replaced.
            line = _line_start(rest, finding.line)
            base = () if header else tables[bisect_right(starts, line) - 1].path
            first = places.keys.get((*base, *(key.name for key in keys)))
            if first is not None and first < line:
                column = keys[-1].start - start + 1
                message = f"this is defined already in line {rest.count(chr(10), 0, first) + 1}"
                self.findings[index] = replace(
                    finding, column=column, message=message, suggestion="remove one of the two"
                )


def _open_quote(text: str) -> Position | None:
    """Return the end of the first line with an unclosed single quote, which tomllib reports at the end of the text."""
    for match in re.finditer(_STRINGS_AND_COMMENTS, text):
        if match[0][:1] == "'" and match[0][:3] != "'''" and (len(match[0]) == 1 or match[0][-1] != "'"):
            return _position_after(text[: match.end()].removesuffix("\r"))
    return None


def _line_start(text: str, line: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
    return at


def _depth(data: object) -> int:
    """Return how deep tables and arrays are nested, counting the outermost one."""
    depth, level = 0, [data]
    while level:
        depth += 1
        level = [
            value
            for table in level
            for value in (table.values() if isinstance(table, dict) else table if isinstance(table, list) else ())
            if isinstance(value, dict | list)
        ]
    return depth


def _position_after(text: str) -> Position:
    """Return the place right after `text`."""
    line = text.count("\n") + 1
    return Position(line, len(text) - (text.rfind("\n") + 1) + 1)


def _too_deep(text: str) -> Position | None:
    """Return the first place where brackets nest too deep or a key has too many parts, ignoring strings and comments.

    One pass that is good enough to protect `tomllib`: in a file that is not TOML, the place may be wrong.
    """
    depth = 0
    for match in re.finditer(_TOKENS, text):
        piece = match[0]
        if piece in "[{":
            depth += 1
            if depth > DEEPEST:
                return _position_after(text[: match.start()])
        elif piece in "]}":
            depth = max(0, depth - 1)
        elif match.lastgroup == "key" and piece.count(".") >= DEEPEST:
            return _position_after(text[: match.start()])
    return None


_WORD = (
    r'''(?!"""|\'\'\')(?:"(?:[^"\\]|\\.)*+"|'[^']*+'|'''  # a string
    r"""[+-]?[0-9][0-9_]*+\.[0-9][0-9_eE+-]*+(?=\s*+(?:[,\]}#]|$))|"""  # a number with a decimal point
    r"""[A-Za-z0-9_-]++(?=\s*+[.=\]])|[^\s,\[\]{}=#"']++)"""  # a key; any other value
)
# Possessive, and matching even without a closing quote, so that no text makes them backtrack.
_LONG_STRING = (
    r'''"""(?:[^"\\]|\\.|"(?!""))*+"{0,5}|'''
    r"""'''(?:[^']|'(?!''))*+'{0,5}"""
)
_SHORT_STRING = r""""(?:[^"\\\n]|\\[^\n])*+"?|'[^'\n]*+'?"""
_STRINGS_AND_COMMENTS = rf"(?s){_LONG_STRING}|{_SHORT_STRING}|#[^\n]*+"
_DIGITS = rf"{_STRINGS_AND_COMMENTS}|(?P<digits>[0-9_]++)"
_PART = rf"(?>[A-Za-z0-9_-]++|{_SHORT_STRING})"
_TOKENS = rf"(?s){_LONG_STRING}|(?P<key>{_PART}(?:[ \t]*+\.[ \t]*+{_PART})*+)|#[^\n]*+|[\[\]{{}}]"
