"""Parsing a TOML text, or finding its syntax errors. DOOR: tomllib.

Parsing takes bounded time for any text: keys with many parts, for which `tomllib` takes quadratic time, are detected first.
Nesting too deep for `tomllib`, or for code that walks through the data, is an error like any other.
"""

import re
from typing import Any, NamedTuple

from omniprofile.config.toml.positions import Offsets
from omniprofile.config.toml.statements import scan

DEEPEST = 50
"""The deepest allowed nesting of arrays and inline tables, and the most parts of a key."""
_MOST_ERRORS = 20
_PARSED_AGAIN = 20 * 1024 * 1024
"""After an error, the rest is parsed again to find the next one, until this many characters have been parsed."""

# Not compiled: a valid file needs none of these patterns, and compiling them takes as long as parsing a small file.
# Possessive, and matching even without a closing quote, so that no text makes them backtrack.
_LONG_STRING = (
    r'''"""(?>(?:[^"\\]|\\.|"(?!""))*)"{0,5}|'''
    r"""'''(?>(?:[^']|'(?!''))*)'{0,5}"""
)
_SHORT_STRING = r""""(?>(?:[^"\\\n]|\\[^\n])*)"?|'[^'\n]*+'?"""
STRINGS_AND_COMMENTS = rf"(?s){_LONG_STRING}|{_SHORT_STRING}|#[^\n]*+"
_DIGITS = rf"{STRINGS_AND_COMMENTS}|(?P<digits>[0-9_]++)"
_PART = rf"(?>[A-Za-z0-9_-]++|{_SHORT_STRING})"
_TOKENS = rf"(?s){_LONG_STRING}|(?P<key>{_PART}(?>(?:[ \t]*+\.[ \t]*+{_PART})*))|#[^\n]*+|[\[\]{{}}]"
_PLACE = r" \(at (?:line (\d+), column (\d+)|end of document)\)$"


class Position(NamedTuple):
    """A place in a text: line and column from 1, columns in characters (code points)."""

    line: int
    column: int


class SyntaxProblem(NamedTuple):
    """A syntax error: its place, what is wrong, and what was probably meant. `ends` says that nothing after it was checked."""

    position: Position
    message: str
    hint: str | None = None
    ends: bool = False


def parse(text: str) -> dict[str, Any] | list[SyntaxProblem]:
    """Return the data of `text`, or its syntax errors in order."""
    # Hardly any line has this many dots, and a closer look costs as much as parsing.
    if any(line.count(".") >= DEEPEST for line in text.split("\n")) and (problem := _too_deep(text)):
        return [problem]
    found: list[SyntaxProblem] = []
    rest = text
    for _ in range(max(2, min(_MOST_ERRORS, _PARSED_AGAIN // (len(text) + 1)))):
        result = _load(rest)
        if isinstance(result, dict):
            if not found and _is_deeper(result, DEEPEST) and (problem := _too_deep(text)):
                return [problem]
            return found or result
        found = sorted([*found, result], key=lambda problem: problem.position)
        rest = "" if result.ends else _without_line(rest, result.position.line)
        if not rest:
            break
    return found


def data_of(text: str) -> dict[str, Any]:
    """Return the data of a valid text."""
    if isinstance(data := parse(text), dict):
        return data
    raise AssertionError("only a text that parses is edited")


def _load(text: str) -> dict[str, Any] | SyntaxProblem:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        message = str(problem)
        place = re.search(_PLACE, message)
        found = Position(int(place[1]), int(place[2])) if place and place[1] else _open_quote(text)
        at = found or position_after(text.rstrip())
        return _worded(text, at, re.sub(_PLACE, "", message), ends=found is None)
    except RecursionError:
        return _too_deep(text) or _nested_at(Position(1, 1))
    except ValueError:  # from `int`: https://docs.python.org/3/library/stdtypes.html#int-max-str-digits
        longest = max(re.finditer(_DIGITS, text), key=lambda match: len(match["digits"] or ""))
        at = position_after(text[: longest.start()])
        return SyntaxProblem(at, "a number has too many digits", "write a shorter number", ends=True)


def _worded(text: str, at: Position, message: str, *, ends: bool) -> SyntaxProblem:
    """Return the error that tomllib reports with this message, in this program's words."""
    if any(word in message for word in ("overwrite", "already", "twice")) and (again := _defined_again(text, at.line)):
        return again
    from omniprofile.config.toml.syntax_errors import suggestion, wording

    line = text.split("\n")[at.line - 1]
    return SyntaxProblem(at, wording(message), suggestion(line, message), ends)


def _defined_again(text: str, line: int) -> SyntaxProblem | None:
    """Return the error that names where the key or table of the statement in `line` was defined first."""
    import tomllib

    *above, here = text.split("\n")[:line]
    before = "".join(f"{each}\n" for each in above)
    try:
        tomllib.loads(before)
        tomllib.loads(here.rstrip("\r"))
    except (ValueError, RecursionError):  # the line is the last one of a longer statement
        return None
    statement = scan(here)[-1]
    keys = statement.keys or next((pair.keys for pair in statement.pairs), ())
    base = () if statement.keys else scan(before)[-1].path
    first = Offsets(before).keys.get((*base, *(key.name for key in keys)))
    if first is None or not keys:
        return None
    message = f"this is defined already in line {position_after(before[:first]).line}"
    return SyntaxProblem(Position(line, keys[-1].start + 1), message, "remove one of the two")


def _without_line(text: str, line: int) -> str:
    """Return `text` without the statement at `line`, so that the rest can be checked too; empty to stop."""
    lines = text.split("\n")
    bad = lines[line - 1] if line <= len(lines) else ""
    if not bad.strip() or '"""' in bad or "'''" in bad:
        return ""
    # Keep a header in place of an invalid one, so that its keys do not end up in the previous table.
    lines[line - 1] = f'["unreadable header in line {line}"]' if bad.lstrip().startswith("[") else ""
    return "\n".join(lines)


def _open_quote(text: str) -> Position | None:
    """Return the end of the first line with an unclosed single quote, which tomllib reports at the end of the text."""
    for match in re.finditer(STRINGS_AND_COMMENTS, text):
        if match[0][:1] == "'" and match[0][:3] != "'''" and (len(match[0]) == 1 or match[0][-1] != "'"):
            return position_after(text[: match.end()].removesuffix("\r"))
    return None


def _is_deeper(data: Any, levels: int) -> bool:
    """Whether tables and arrays are nested more than `levels` deep, counting the outermost one."""
    inner = data.values() if isinstance(data, dict) else data
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inner if isinstance(each, (dict, list)))


def _too_deep(text: str) -> SyntaxProblem | None:
    """Return the first place where brackets nest too deep or a key has too many parts, ignoring strings and comments.

    One pass that is good enough to protect `tomllib`: in a file that is not TOML, the place may be wrong.
    """
    depth = 0
    for match in re.finditer(_TOKENS, text):
        piece = match[0]
        if piece in "[{":
            depth += 1
        elif piece in "]}":
            depth = max(0, depth - 1)
        if depth > DEEPEST or (match.lastgroup == "key" and re.sub(_SHORT_STRING, "", piece).count(".") >= DEEPEST):
            return _nested_at(position_after(text[: match.start()]))
    return None


def _nested_at(place: Position) -> SyntaxProblem:
    return SyntaxProblem(place, f"this is nested more than {DEEPEST} deep", ends=True)


def position_after(text: str) -> Position:
    """Return the place right after `text`."""
    line = text.count("\n") + 1
    return Position(line, len(text) - (text.rfind("\n") + 1) + 1)
