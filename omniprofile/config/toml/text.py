"""One TOML file: its text, the data from `parse`, the places of keys and values from `positions`, and findings about them."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

from omniprofile.config.toml.data import KeyPath
from omniprofile.config.toml.parse import STRINGS_AND_COMMENTS, Position, SyntaxProblem, parse, position_after
from omniprofile.config.toml.positions import Offsets
from omniprofile.model.finding import Finding, Fix
from omniprofile.model.rule_codes import Code
from omniprofile.system.files import BYTE_ORDER_MARK


@dataclass
class Document:
    """A parsed file. `data` is None if `findings` has syntax errors."""

    file: str
    text: str
    data: dict[str, Any] | None = None
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def parse(cls, file: str, content: bytes) -> "Document":
        """Parse `content`; `file` only names it. A byte-order mark is accepted."""
        content = content.removeprefix(BYTE_ORDER_MARK)
        try:
            text = content.decode("utf-8")
            parsed = parse(text)
        except UnicodeDecodeError as problem:
            text = content[: problem.start].decode("utf-8")
            looks = "it looks like UTF-16: " if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ""
            parsed = [SyntaxProblem(position_after(text), "this is not UTF-8", f"{looks}save the file as UTF-8")]
        if isinstance(parsed, dict):
            return cls(file, text, parsed)
        return cls(
            file,
            text,
            findings=[Finding(file, *each.position, Code.SYNTAX, each.message, each.hint) for each in parsed],
        )

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
        for match in re.finditer(STRINGS_AND_COMMENTS, self.text) if "#" in self.text else ():
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
        offset = self._offsets.values.get(path) if self._offsets else None
        return self.position(path) if offset is None else self.place(offset)

    def _key(self, path: KeyPath) -> int:
        places = self._offsets.keys if self._offsets else {}
        while path and path not in places:
            path = path[:-1]
        return places.get(path, 0)

    @cached_property
    def _offsets(self) -> Offsets | None:
        return Offsets(self.text) if self.data is not None else None


_WORD = (
    r'''(?!"""|\'\'\')(?:"(?>(?:[^"\\]|\\.)*)"|'[^']*+'|'''  # a string
    r"""[+-]?[0-9][0-9_]*+\.[0-9][0-9_eE+-]*+(?=\s*+(?:[,\]}#]|$))|"""  # a number with a decimal point
    r"""[A-Za-z0-9_-]++(?=\s*+[.=\]])|[^\s,\[\]{}=#"']++)"""  # a key; any other value
)
