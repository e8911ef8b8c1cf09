"""One TOML file as data and positions. DOOR: tomllib, tree_sitter, tree_sitter_toml.

Values come from `tomllib`, which is strict and in the standard library; where each key and value stands comes from
tree-sitter-toml. Measured for 1,000 profiles: tree-sitter parses in 15 ms and the walk takes 14 ms, where tomlkit, whose
containers could tell offsets by their exact round trip, takes 310 ms. Both are off the hot path.

Any bytes are read in bounded time. What `tomllib` would recurse or go quadratic over (deep nesting, keys of many parts) is
looked for first, and is a finding like any syntax error.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from omniprofile.config.lines import plain_lines
from omniprofile.errors import ConfigUnreadable
from omniprofile.model.finding import Code, Finding, Fix, Level
from omniprofile.system.files import BYTE_ORDER_MARK, LARGEST, Unreadable, read_regular

Path = tuple[str | int, ...]

DEEPEST = 50
"""Arrays and inline tables may be nested this deep, and a key may have this many parts."""

_MOST_SYNTAX_ERRORS = 20
_RECOVERABLE = 256 * 1024
"""What is no TOML and has more characters is not given to tree-sitter, which searches it for minutes."""
_PARSED_AGAIN = 20 * 1024 * 1024
"""After a syntax error the rest is parsed again for the next one, until this many characters have been parsed."""

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file: line and column from 1, columns in characters (code points)."""

    line: int
    column: int


@dataclass
class Document:
    """A parsed file. `data` is None when `findings` has syntax errors."""

    file: str
    text: str
    data: dict[str, Any] | None = None
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def read(cls, path: str, limit: int = LARGEST) -> "Document":
        """Read and parse a file of at most `limit` bytes.

        Raises ConfigUnreadable when it cannot be read; syntax errors are findings.
        """
        try:
            return cls.parse(path, read_regular(path, limit))
        except FileNotFoundError as problem:
            raise ConfigUnreadable(f"`{path}` is not there", hint="check the path") from problem
        except Unreadable as problem:
            raise ConfigUnreadable(f"`{path}` cannot be read: {problem}") from problem

    @classmethod
    def parse(cls, file: str, content: bytes) -> "Document":
        """Parse the bytes of `file`, which is only named. A byte-order mark is accepted."""
        content = content.removeprefix(BYTE_ORDER_MARK)
        try:
            document = cls(file, content.decode("utf-8"))
        except UnicodeDecodeError as problem:
            before = content[: problem.start].decode("utf-8")
            document = cls(file, before)
            looks = "it looks like UTF-16: " if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ""
            document._report(_position_after(before), "this is no UTF-8", f"{looks}save the file as UTF-8")
            return document
        document._parse()
        return document

    @cached_property
    def lines(self) -> list[str]:
        """The text by lines, a carriage return left at the end of each that has one."""
        return self.text.split("\n")

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line) + 1)
        return starts

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of the character at `offset` of the text."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """Where in the text the character at a line and column is."""
        return self._starts[line - 1] + column - 1

    def comments(self) -> Iterator[tuple[Position, str]]:
        """Every comment with its place, from its `#` to the end of its line. `#` in a string begins none."""
        for match in _STRINGS_AND_COMMENTS.finditer(self.text) if "#" in self.text else ():
            if match[0].startswith("#"):
                yield Position(*self.place(match.start())), match[0].rstrip("\r")

    def word(self, place: Position) -> str:
        """The bare or quoted key, or the scalar value on one line, that starts at `place`, as it is written."""
        match = _WORD.match(self.lines[place.line - 1], place.column - 1)
        return match[0] if match else ""

    def replacing(self, place: Position, text: str | None) -> Fix | None:
        """The fix that puts `text` in the place of the word that stands there; None where none does."""
        word = self.word(place) if text is not None else ""
        return Fix(place.line, place.column, len(word), text) if word and text is not None else None

    def position(self, path: Path) -> Position:
        """Where the key at `path` stands; the nearest enclosing one's place where `path` itself is not written down."""
        return self._nearest(self._positions.keys, path)

    def line(self, path: Path) -> int:
        """The line of `position(path)`. Of a file of plain lines it is had much faster than the column."""
        if self._plain_lines is None:
            return self.position(path).line
        while path and path not in self._plain_lines:
            path = path[:-1]
        return self._plain_lines.get(path, 1)

    @cached_property
    def _plain_lines(self) -> dict[Path, int] | None:
        return plain_lines(self.text)

    def value_position(self, path: Path) -> Position:
        """Where the value at `path` stands; its key's place where the value is a table with a header."""
        return self._positions.values.get(path) or self.position(path)

    def _nearest(self, places: Mapping[Path, Position], path: Path) -> Position:
        while path and path not in places:
            path = path[:-1]
        return places.get(path, Position(1, 1))

    @cached_property
    def _positions(self) -> "_Positions":
        # What is too deep for tomllib would take tree-sitter minutes.
        return _Positions() if self._too_deep else _Positions.of(self.text)

    @cached_property
    def _too_deep(self) -> Position | None:
        return _too_deep(self.text)

    def _report(self, position: Position, message: str, suggestion: str | None = None) -> None:
        line = self.lines[position.line - 1] if position.line <= len(self.lines) else ""
        from omniprofile.config.toml import syntax_errors

        suggestion = suggestion or syntax_errors.suggestion(line, message)
        self.findings.append(
            Finding(
                self.file, position.line, position.column, Code.SYNTAX, Level.ERROR, syntax_errors.wording(message), suggestion
            )
        )  # fmt: skip

    def _parse(self) -> None:
        # A file of plain lines nests nothing, and looking costs as much as parsing.
        if self._plain_lines is None and self._too_deep:
            self._report(self._too_deep, f"this is nested more than {DEEPEST} deep")
            return
        text = self.text
        for _ in range(max(2, min(_MOST_SYNTAX_ERRORS, _PARSED_AGAIN // (len(text) + 1)))):
            problem = self._load(text)
            if problem is None:
                break
            text = self._without_line(text, problem)
            if not text:
                break
        if self.findings:
            self.data = None
            if len(self.text) <= _RECOVERABLE:
                self._report_duplicates()
            self.findings.sort()

    def _load(self, text: str) -> Position | None:
        """Parse `text` into `data`, or report its first error. The error's place if there may be more behind it."""
        import tomllib

        try:
            self.data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as problem:
            message = str(problem)
            place = _PLACE.search(message)
            found = Position(int(place[1]), int(place[2])) if place and place[1] else _open_quote(text)
            self._report(found or _position_after(text.rstrip()), _PLACE.sub("", message))
            return found
        except (ValueError, RecursionError) as problem:  # a number too long to convert; nesting that slipped through
            self._report(Position(1, 1), f"the file cannot be parsed ({type(problem).__name__})")
        return None

    def _without_line(self, text: str, problem: Position) -> str:
        """`text` with the statement at `problem` taken out, so that what follows is looked at too; empty to stop there."""
        lines = text.split("\n")
        index = problem.line - 1
        if index >= len(lines) or not lines[index].strip() or '"""' in lines[index] or "'''" in lines[index]:
            return ""
        # A header that cannot be read must not leave its keys to the table before it.
        header = lines[index].lstrip().startswith("[")
        lines[index] = f'["unreadable header in line {problem.line}"]' if header else ""
        return "\n".join(lines)

    def _report_duplicates(self) -> None:
        """Say of a key or table that is defined twice where the first one stands, in place of tomllib's words for it."""
        twice = {second.line: (first, second) for first, second in self._positions.duplicates}
        for index, finding in enumerate(self.findings):
            words = finding.message
            if finding.line in twice and ("overwrite" in words or "already" in words or "twice" in words):
                first, second = twice[finding.line]
                message = f"this is defined already in line {first.line}"
                self.findings[index] = Finding(
                    finding.file,
                    second.line,
                    second.column,
                    finding.code,
                    finding.level,
                    message,
                    "remove one of the two",
                )


def _open_quote(text: str) -> Position | None:
    """The end of the first line that a single quote opens and does not close: tomllib looks for its end in all the rest."""
    for match in _STRINGS_AND_COMMENTS.finditer(text):
        if match[0][:1] == "'" and match[0][:3] != "'''" and (len(match[0]) == 1 or match[0][-1] != "'"):
            return _position_after(text[: match.end()].removesuffix("\r"))
    return None


def _position_after(text: str) -> Position:
    """The place right after the end of `text`."""
    line = text.count("\n") + 1
    return Position(line, len(text) - (text.rfind("\n") + 1) + 1)


def _too_deep(text: str) -> Position | None:
    """The first place where brackets nest too deep or a key has too many parts, looking past strings and comments.

    Good enough to keep `tomllib` from harm, in one pass: in a file that is no TOML it may find a place that is none.
    """
    depth = 0
    for match in _TOKENS.finditer(text):
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


_WORD = re.compile(
    r'''(?!"""|\'\'\')(?:"(?:[^"\\]|\\.)*+"|'[^']*+'|'''  # a string
    r"""[+-]?[0-9][0-9_]*+\.[0-9][0-9_eE+-]*+(?=\s*+(?:[,\]}#]|$))|"""  # a number with a point
    r"""[A-Za-z0-9_-]++(?=\s*+[.=\]])|[^\s,\[\]{}=#"']++)"""  # a key; any other value
)
# Possessive, and content to match an end that is missing: no byte is looked at twice, whatever the text.
_LONG_STRING = (
    r'''"""(?:[^"\\]|\\.|"(?!""))*+"{0,5}|'''
    r"""'''(?:[^']|'(?!''))*+'{0,5}"""
)
_SHORT_STRING = r""""(?:[^"\\\n]|\\[^\n])*+"?|'[^'\n]*+'?"""
_STRINGS_AND_COMMENTS = re.compile(rf"{_LONG_STRING}|{_SHORT_STRING}|#[^\n]*+", re.DOTALL)
_PART = rf"(?>[A-Za-z0-9_-]++|{_SHORT_STRING})"
_TOKENS = re.compile(rf"{_LONG_STRING}|(?P<key>{_PART}(?:[ \t]*+\.[ \t]*+{_PART})*+)|#[^\n]*+|[\[\]{{}}]", re.DOTALL)


@dataclass
class _Positions:
    """Where every key and value of a file stands, by path."""

    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    duplicates: list[tuple[Position, Position]] = field(default_factory=list)
    _explicit: set[Path] = field(default_factory=set)
    _counts: dict[Path, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> "_Positions":
        import tree_sitter
        import tree_sitter_toml

        content = text.encode("utf-8")
        tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language())).parse(content)
        positions = cls()
        positions._walk(tree.root_node, content.split(b"\n"))
        return positions

    def _walk(self, root: Any, lines: list[bytes]) -> None:
        columns: dict[int, _Columns] = {}

        def place(node: Any) -> Position:
            row, column = node.start_point
            if row not in columns:
                columns[row] = _Columns(lines[row])
            return Position(row + 1, columns[row].character(column))

        work: list[tuple[Any, Path]] = [(child, ()) for child in reversed(root.children)]
        while work:
            node, path = work.pop()
            match node.type:
                case "table" | "table_array_element":
                    head = next((child for child in node.children if child.type in _KEYS), None)
                    if head is None:
                        continue
                    base = self._header(list(_parts(head)), place, array=node.type == "table_array_element")
                    work += [(child, base) for child in reversed(node.children) if child.type == "pair"]
                case "pair":
                    # The grammar takes a comment behind the value for the pair's own.
                    key = node.children[0]
                    value = next(child for child in reversed(node.children) if child.type != "comment")
                    if key.type not in _KEYS:
                        continue
                    inner = self._key(list(_parts(key)), path, place, explicit=True)
                    self.values.setdefault(inner, place(value))
                    if value.type in ("inline_table", "array"):
                        work.append((value, inner))
                case "inline_table":
                    work += [(child, path) for child in reversed(node.children) if child.type == "pair"]
                case "array":
                    items = [child for child in node.named_children if child.type != "comment"]
                    for index, item in reversed(list(enumerate(items))):
                        self.values.setdefault((*path, index), place(item))
                        self.keys.setdefault((*path, index), place(item))
                        if item.type in ("inline_table", "array"):
                            work.append((item, (*path, index)))

    def _header(self, parts: list[tuple[str, Any]], place: Any, *, array: bool) -> Path:
        """The path of a table header. A part that names an array of tables means its last element."""
        base: Path = ()
        for name, node in parts[:-1]:
            base = self._key([(name, node)], base, place, explicit=False)
            if base in self._counts:
                base = (*base, self._counts[base] - 1)
        name, node = parts[-1]
        path = self._key([(name, node)], base, place, explicit=not array)
        if array:
            count = self._counts.get(path, 0)
            self._counts[path] = count + 1
            path = (*path, count)
            self.keys.setdefault(path, place(node))
        return path

    def _key(self, parts: list[tuple[str, Any]], base: Path, place: Any, *, explicit: bool) -> Path:
        """The path of a key under `base`, its place noted; one that is written out twice is a duplicate."""
        path = base
        for index, (name, node) in enumerate(parts):
            path = (*path, name)
            here = place(node)
            if explicit and index == len(parts) - 1:
                if path in self._explicit:
                    self.duplicates.append((self.keys[path], here))
                else:
                    self._explicit.add(path)
                    self.keys[path] = here
            else:
                self.keys.setdefault(path, here)
        return path


class _Columns:
    """Columns in characters for columns in bytes, of one line: asked from left to right, it looks at each byte once."""

    __slots__ = ("_ascii", "_byte", "_character", "_line")

    def __init__(self, line: bytes) -> None:
        self._line, self._ascii = line, line.isascii()
        self._byte = self._character = 0

    def character(self, byte: int) -> int:
        """The column, from 1, of the character that begins at `byte`, from 0."""
        if self._ascii:
            return byte + 1
        if byte < self._byte:
            self._byte = self._character = 0
        self._character += len(self._line[self._byte : byte].decode("utf-8", "replace"))
        self._byte = byte
        return self._character + 1


_KEYS = ("bare_key", "quoted_key", "dotted_key")


def _parts(node: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a key, with their nodes. `a."b c"` parses to nested nodes, the last part outermost."""
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type == "dotted_key":
            stack += [child for child in reversed(current.children) if child.type in _KEYS]
        elif current.type in _KEYS:
            yield _unquoted(current.text.decode("utf-8", "replace")), current


def _unquoted(text: str) -> str:
    if text[:1] not in ("'", '"'):
        return text
    import tomllib

    try:
        (key,) = tomllib.loads(f"{text} = 0")
    except (tomllib.TOMLDecodeError, ValueError):
        return text
    return str(key)
