"""Removing a key or table from a TOML text, with its lines and the comments that belong to it."""

from omniprofile.config.toml.data import NamePath, depth_of
from omniprofile.config.toml.insertion import NAMED, insert
from omniprofile.config.toml.lines import block_start, cut, is_blank, is_comment, line_end, line_start, newline
from omniprofile.config.toml.parse import data_of
from omniprofile.config.toml.statements import Pair, Table, every_pair, scan


def removed(text: str, path: NamePath) -> str:
    """Remove everything at `path`, piece by piece."""
    while True:
        tables = scan(text)
        pairs = list(every_pair(tables))
        table = next((table for table in tables if table.keys and table.path[: len(path)] == path), None)
        pair = next((pair for pair in pairs if pair.path[: len(path)] == path and len(pair.base) < len(path)), None)
        if table is not None:
            text = _without_table(text, table)
        elif pair is not None:
            holder = next((other for other in pairs if any(pair is member for member in other.members or ())), None)
            start, end = line_start(text, pair.keys[0].start), line_end(text, pair.end)
            text = _without_member(text, holder, pair) if holder else _without_lines(text, start, end)
        else:
            break
    named = path[:2]
    if len(path) > 2 and path[0] in NAMED and depth_of(data_of(text), named) < 2:
        # A profile without a header still exists after its last key is removed.
        text = insert(text, named, "{}")
    return text


def _without_lines(text: str, start: int, end: int) -> str:
    """Remove whole lines. If the last one has no newline, remove the one before the first instead."""
    if start and text[end - 1 : end] != "\n":
        start -= len(newline(text, start))
    return cut(text, start, end)


def _without_member(text: str, holder: Pair, pair: Pair) -> str:
    members = holder.members or ()
    index = members.index(pair)
    if len(members) == 1:
        return cut(text, holder.start, holder.end, "{}")
    if index:
        return cut(text, members[index - 1].end, pair.end)
    return cut(text, pair.keys[0].start, members[1].keys[0].start)


def _without_table(text: str, table: Table) -> str:
    start = block_start(text, table.start)
    if not start or not _is_set_off(text, start):  # a comment is the table's own only below an empty line
        start = line_start(text, table.start)
    end = line_end(text, table.pairs[-1].end if table.pairs else table.end)
    # Comments right below the last key belong to the table, unless the next table follows them directly.
    below = end
    while is_comment(text, below):
        below = line_end(text, below)
    if below == len(text) or is_blank(text, below):
        end = below
    blank = end
    while _is_set_off(text, start) and blank < len(text) and is_blank(text, blank):
        blank = line_end(text, blank)
    if blank < len(text):
        return cut(text, start, blank)
    while start and _is_set_off(text, start):
        start = line_start(text, start - 1)
    return _without_lines(text, start, end)


def _is_set_off(text: str, start: int) -> bool:
    """Whether an empty line, or nothing, is above the line that starts at `start`."""
    return start == 0 or is_blank(text, start - 1)
