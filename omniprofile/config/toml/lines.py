"""The lines of a TOML text around an offset: where they start and end, and pieces put in between."""

import re

from omniprofile.config.toml.statements import scan

_COMMENT = re.compile(r"[ \t]*#")


def cut(text: str, start: int, end: int, piece: str = "") -> str:
    """Return the text with the part from `start` to `end` replaced by `piece`."""
    return text[:start] + piece + text[end:]


def line_start(text: str, at: int) -> int:
    """Return the offset where the line that contains `at` starts."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Return the offset after the end of the line that contains `at`."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def is_blank(text: str, at: int) -> bool:
    """Whether the line that contains `at` is empty."""
    return not text[line_start(text, at) : line_end(text, at)].strip()


def is_comment(text: str, at: int) -> bool:
    """Whether a line that starts at `at` looks like a comment. It may be a part of a value."""
    return _COMMENT.match(text, at) is not None


def newline(text: str, at: int) -> str:
    """Return the line ending of the line before `at`, else the first in the text, else a newline."""
    index = text.rfind("\n", 0, at)
    index = text.find("\n") if index < 0 else index
    return "\r\n" if index > 0 and text[index - 1] == "\r" else "\n"


def indent(text: str, at: int) -> str:
    """Return the blanks before `at`, if nothing else precedes it in its line."""
    line = text[line_start(text, at) : at]
    return line if not line.strip() else ""


def line_below(text: str, at: int, line: str) -> str:
    """Return the text with `line` inserted below the line that contains `at`."""
    end = line_end(text, at)
    if not end or text[end - 1] == "\n":
        return cut(text, end, end, line + newline(text, end))
    return cut(text, end, end, newline(text, end) + line)


def block_start(text: str, at: int) -> int:
    """Return the start of the comment lines right above the line that contains `at`, or of that line."""
    start = line_start(text, at)
    # A line that looks like a comment may be part of the previous value.
    last = max(end for table in scan(text[:start]) for end in (table.end, *(pair.end for pair in table.pairs)))
    while start > last and is_comment(text, above := line_start(text, start - 1)) and above >= last:
        start = above
    return start
