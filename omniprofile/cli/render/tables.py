"""Rows as aligned columns, fitted to a terminal's width but not for a pipe. DOOR: wcwidth, for non-ASCII text.

Nothing is ever truncated, as users may have to copy it. If a row is too wide, the last cells wrap between words in their own
column, or, if that would be too narrow for one of their words, below the rows.
"""

import re
import textwrap
from collections.abc import Sequence

from omniprofile.cli.style import MARK
from omniprofile.model.names import unbroken
from omniprofile.model.secret import masked

_NARROWEST = 24
_INDENT = 4
_STYLED = re.compile(rf"({re.escape(MARK)}\d*m)(.*)({re.escape(MARK)}0m)", re.DOTALL)
_COLOUR = re.compile(rf"{re.escape(MARK)}\d*m")


def table(rows: Sequence[Sequence[str]], header: Sequence[str] = (), *, columns: int | None = None) -> str:
    """Return left-aligned columns, two spaces apart, without trailing spaces. `columns` is the terminal's width, None for a pipe.

    A cell may be coloured as a whole. A column that is empty in every row is left out. Secrets are masked before widths are
    measured.
    """
    lines = ([list(header)] if header else []) + [[unbroken(masked(cell)) for cell in row] for row in rows]
    used = [at for at in range(len(lines[0]) if lines else 0) if any(row[at] for row in rows)]
    lines = [[line[at] for at in used] for line in lines]
    if not used:
        return ""
    widths = [max(width(line[at]) for line in lines) for at in range(len(used))]
    start = sum(widths[:-1]) + 2 * (len(widths) - 1)
    room = None if columns is None or start + widths[-1] <= columns else columns - start
    narrowest = max([_NARROWEST, *(width(word) for *_, last in lines for word in last.split())])
    if columns is not None and start - 2 > columns:
        gutter = widths[0] if header and not header[0] else None  # marks keep their own column
        return "".join(_folded(line, columns, gutter) for line in lines[1 if header else 0 :])
    if header and room is not None and room < narrowest and len(used) > 1:
        lines[0][-1] = ""
    text = ""
    for *cells, last in lines:
        before = "".join(cell + " " * (size - width(cell) + 2) for cell, size in zip(cells, widths, strict=False))
        if room is None:
            text += (before + last).rstrip() + "\n"
        elif room >= narrowest or not cells:
            first, *others = wrapped(last, max(room, 1)) or [""]
            text += "".join(
                f"{part.rstrip()}\n" for part in (before + first, *(" " * start + other for other in others))
            )
        else:
            text += before.rstrip() + "\n" + (indented(last, columns) if last else "")
    return text


def _folded(line: list[str], columns: int, gutter: int | None) -> str:
    """Return a row that is too wide, with as many cells on each line as fit.

    `gutter` is the width of a first column that stays a column.
    """
    text = start = ""
    if gutter is not None:
        start = line[0] + " " * (gutter - width(line[0]) + 2)
        line = line[1:]
    for cell in filter(None, line):
        current = text.rpartition("\n")[2]
        if not text:
            text = start + cell
        elif width(current) + 2 + width(cell) <= columns:
            text += "  " + cell
        else:
            text += "\n" + indented(cell, columns).rstrip("\n")
    return text + "\n"


def indented(text: str, columns: int | None) -> str:
    """Return `text` as lines below a row, wrapped between words to the terminal's width."""
    lines = [text] if columns is None else wrapped(text, max(columns - _INDENT, _NARROWEST))
    return "".join(" " * _INDENT + line + "\n" for line in lines)


def wrapped(text: str, room: int) -> list[str]:
    """Return `text` in lines of at most `room` columns. A longer word is not broken."""
    styled = _STYLED.fullmatch(text)
    if styled:
        return [f"{styled[1]}{line}{styled[3]}" for line in wrapped(styled[2], room)]
    if width(text) <= room:
        return [text]
    if width(text) == len(text):
        return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    lines = [""]
    for word in text.split():
        if lines[-1] and width(lines[-1]) + 1 + width(word) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def width(text: str) -> int:
    """Return the columns that `text` takes on a terminal, ignoring colours."""
    text = _COLOUR.sub("", text)
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth

    size = wcswidth(text)
    return len(text) if size < 0 else size  # negative for a control character, which will be shown as an escape
