"""Edits of a TOML text that change one value and nothing else, by cutting the text at exact offsets.

A library that parses a document and writes it again must reproduce every comment, blank and line ending. These functions never
touch them: each takes a text and returns it with pieces cut out or inserted. Both texts are then parsed, and their data must
differ in exactly the requested change. So a bug here leads to a refused edit, not to a damaged file.

The functions read and write no files. The text passed in must be valid TOML.
"""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omniprofile.config.toml.data import depth_of, put_at, same, value_at
from omniprofile.config.toml.positions import Key, Pair, Table, every_pair, scan
from omniprofile.config.toml.text import Document
from omniprofile.config.toml.write import inline, key_text, string_text
from omniprofile.errors import OperationFailed

NamePath = tuple[str, ...]
"""The path of a key or table from the top of the file: a `KeyPath` without array indexes."""

_NAMED = ("profiles", "instances")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_COMMENT = re.compile(r"[ \t]*#")


def data_of(text: str) -> dict[str, Any]:
    """Return the data of a valid text."""
    document = Document.parse("", text.encode("utf-8"))
    if document.data is None:
        raise AssertionError("only a text that parses is edited")
    return document.data


def value_of(written: str) -> object:
    """Return the data of one value written in TOML. Raises ValueError if it is not exactly one value."""
    text = f"value = {written}"
    data = Document.parse("", text.encode()).data
    if data is None or set(data) != {"value"} or scan(text)[0].pairs[0].end != len(text):
        raise ValueError("no TOML value")
    return data["value"]


def set_value(text: str, path: NamePath, written: str) -> str:
    """Set the key at `path`, in place, to the value `written` in TOML. A new key goes after the last key of its table.

    Creates missing tables of the path, and replaces anything on the way that is not a table by one.
    """
    before = data_of(text)
    present = depth_of(before, path)
    if present == len(path) and same(value_at(before, path), value_of(written)):
        return text
    if pair := _pair_at(text, path):
        after = _cut(text, pair.start, pair.end, written)
    elif present == len(path):  # replace a table made of headers or dotted keys
        after = _insert(_removed(text, path), path, written)
    elif present and not isinstance(value_at(before, path[:present]), dict):
        after = set_value(text, path[:present], _nested(path[present:], written))
    else:
        after = _insert(text, path, written)
    return _verified(text, after, path, lambda data: put_at(data, path, value_of(written)))


def set_text(text: str, path: NamePath, value: str) -> str:
    """Set the key at `path` to a text, keeping its kind of quotes if possible."""
    pair = _pair_at(text, path)
    literal = pair is not None and text[pair.start] == "'" and "'" not in value and value.isprintable()
    return set_value(text, path, f"'{value}'" if literal else string_text(value))


def remove(text: str, path: NamePath) -> str:
    """Remove the key or table at `path`, with its lines, its trailing comments, and a comment that introduces a table."""
    after = _removed(text, path)

    def change(data: dict[str, Any]) -> None:
        del value_at(data, path[:-1])[path[-1]]
        parent = path[:-1]
        if depth_of(data_of(after), parent) < len(parent) and not value_at(data, parent):
            # Its last key was all that made the table; a missing table means the same as an empty one.
            del value_at(data, parent[:-1])[parent[-1]]

    return _verified(text, after, path, change)


def rename(text: str, path: NamePath, name: str) -> str:
    """Rename the key or table at `path` wherever its name is written, keeping its place and quotes."""
    depth = len(path) - 1
    places: list[Key] = []
    for table in scan(text):
        if table.path[: len(path)] == path and len(table.keys) > depth:
            places.append(table.keys[depth])
        for pair in every_pair([table]):
            at = depth - len(pair.base)
            if pair.path[: len(path)] == path and 0 <= at < len(pair.keys):
                places.append(pair.keys[at])
    after = text
    for key in sorted(set(places), key=lambda key: key.start, reverse=True):
        quoted = f"'{name}'" if text[key.start] == "'" else string_text(name)
        bare = text[key.start] not in "'\"" and _BARE.fullmatch(name)
        after = _cut(after, key.start, key.end, name if bare else quoted)

    def change(data: dict[str, Any]) -> None:
        parent = value_at(data, path[:-1])
        parent[name] = parent.pop(path[-1])

    return _verified(text, after, path, change)


def add_table(text: str, path: NamePath, values: Mapping[str, str]) -> str:
    """Add a table of `values`, written in TOML: at the end under its own header, or in its parent if that is inline."""
    parent = _pair_at(text, path[:-1])
    if parent is not None:
        after = _insert(text, path, inline(values))
    else:
        newline = _newline(text, len(text))
        lines = [
            f"[{'.'.join(map(key_text, path))}]",
            *(f"{key_text(name)} = {value}" for name, value in values.items()),
        ]
        after = _appended(text, lines, newline)
    return _verified(
        text, after, path, lambda data: put_at(data, path, {name: value_of(value) for name, value in values.items()})
    )


def _verified(before: str, after: str, path: NamePath, change: Callable[[dict[str, Any]], None]) -> str:
    """Return `after` if its data are those of `before` with `change` applied. Raises OperationFailed if not."""
    wanted = copy.deepcopy(data_of(before))
    change(wanted)
    document = Document.parse("", after.encode("utf-8"))
    if document.data is None or not same(document.data, wanted):
        name = ".".join(map(key_text, path))
        raise OperationFailed(
            f"`{name}` cannot be edited here without changing more than it; nothing was written",
            hint="edit it by hand: `omniprofile edit`",
        )
    return after


def _insert(text: str, path: NamePath, written: str) -> str:
    """Insert a new key after the last key of the innermost existing table on its path."""
    data = data_of(text)
    depth = depth_of(data, path)
    here, rest = path[:depth], path[depth:]
    if depth == 0 and len(rest) > 1:
        return _new_table(text, path, written)
    tables = scan(text)
    new = f"{key_text(rest[0])} = {_nested(rest[1:], written)}"
    header = next((table for table in tables if table.path == here and (table.keys or not here)), None)
    if here and (holder := _pair_at(text, here)):
        return _into_inline(text, holder, new)
    if depth == 1 and len(rest) > 1 and not (header and header.pairs):
        return _new_table(text, path, written)
    if here and (header is None or not header.pairs) and (dotted := _dotted(tables, here)):
        prefix = text[dotted.keys[0].start : dotted.keys[len(here) - len(dotted.base) - 1].end]
        if not any(dotted is other for table in tables for other in table.pairs):  # in an inline table
            return _cut(text, dotted.end, dotted.end, f", {prefix}.{new}")
        return _line_below(text, dotted.end, _indent(text, dotted.keys[0].start) + f"{prefix}.{new}")
    if header is not None and here:
        last = header.pairs[-1] if header.pairs else None
        at = last.keys[0].start if last else header.start
        return _line_below(text, last.end if last else header.end, _indent(text, at) + new)
    if header is not None:
        return _at_top(text, tables, new)
    below = next(table for table in tables if table.path[:depth] == here)
    name = text[below.keys[0].start : below.keys[depth - 1].end]
    newline = _newline(text, below.start)
    at = _block_start(text, below.start)
    return _cut(text, at, at, f"[{name}]{newline}{new}{newline}{newline}")


def _new_table(text: str, path: NamePath, written: str) -> str:
    """Insert a key of a new table, under its own header, after the last table of the same kind."""
    depth = 2 if path[0] in _NAMED and len(path) > 2 else 1
    newline = _newline(text, len(text))
    lines = [
        f"[{'.'.join(map(key_text, path[:depth]))}]",
        f"{key_text(path[depth])} = {_nested(path[depth + 1 :], written)}",
    ]
    tables = scan(text)
    kin = [index for index, table in enumerate(tables) if table.keys and table.path[:1] == path[:1]]
    if kin and kin[-1] + 1 < len(tables):
        at = _block_start(text, tables[kin[-1] + 1].start)
    elif not kin and path[0] in ("settings", "instances") and len(tables) > 1:
        at = _block_start(text, tables[1].start)
    else:
        return _appended(text, lines, newline)
    return _cut(text, at, at, newline.join([*lines, "", ""]))


def _appended(text: str, lines: Sequence[str], newline: str) -> str:
    """Append `lines` to the text after an empty line, ending it with or without a newline as before."""
    block = newline.join(lines)
    if not text:
        return block + newline
    ends = text.endswith("\n")
    blank = "" if re.search(r"(?:^|\n)[ \t\r]*\n\Z", text) else newline
    return text + blank + block + newline if ends else text + newline + newline + block


def _line_below(text: str, at: int, line: str) -> str:
    end = _line_end(text, at)
    newline = _newline(text, end)
    if end and text[end - 1] == "\n":
        return _cut(text, end, end, line + newline)
    return _cut(text, end, end, newline + line)


def _at_top(text: str, tables: list[Table], new: str) -> str:
    """Insert `new` below the last top-level key, or if there is none, above the first table and its leading comments."""
    if tables[0].pairs:
        last = tables[0].pairs[-1]
        return _line_below(text, last.end, _indent(text, last.keys[0].start) + new)
    newline = _newline(text, len(text))
    if len(tables) == 1:
        if not text:
            return new + newline
        return text + new + newline if text.endswith("\n") else text + newline + new
    at = _block_start(text, tables[1].start)
    while text.startswith(("#:", "#!"), at):  # editors look for `#:schema` at the very top
        at = _line_end(text, at)
    return _cut(text, at, at, new + newline + newline)


def _into_inline(text: str, pair: Pair, new: str) -> str:
    if pair.members:
        end = pair.members[-1].end
        return _cut(text, end, end, f", {new}")
    return _cut(text, pair.start, pair.end, f"{{ {new} }}")


def _removed(text: str, path: NamePath) -> str:
    """Remove everything at `path`, piece by piece."""
    after = text
    while True:
        tables = scan(after)
        pairs = list(every_pair(tables))
        table = next((table for table in tables if table.keys and table.path[: len(path)] == path), None)
        pair = next((pair for pair in pairs if pair.path[: len(path)] == path and len(pair.base) < len(path)), None)
        if table is not None:
            after = _without_table(after, table)
        elif pair is not None:
            holder = next((other for other in pairs if any(pair is member for member in other.members or ())), None)
            after = _without_member(after, holder, pair) if holder else _without_line(after, pair)
        else:
            break
    named = path[:2]
    if len(path) > 2 and path[0] in _NAMED and depth_of(data_of(after), named) < 2:
        # A profile without a header still exists after its last key is removed.
        after = _insert(after, named, "{}")
    return after


def _without_line(text: str, pair: Pair) -> str:
    start, end = _line_start(text, pair.keys[0].start), _line_end(text, pair.end)
    if text[end - 1 : end] != "\n" and start:  # the last line has no newline, so remove the one before it
        start -= len(_newline(text, start))
    return _cut(text, start, end, "")


def _without_member(text: str, holder: Pair, pair: Pair) -> str:
    members = holder.members or ()
    index = members.index(pair)
    if len(members) == 1:
        return _cut(text, holder.start, holder.end, "{}")
    if index:
        return _cut(text, members[index - 1].end, pair.end, "")
    return _cut(text, pair.keys[0].start, members[1].keys[0].start, "")


def _without_table(text: str, table: Table) -> str:
    start = _heading_start(text, table.start)
    end = _line_end(text, table.pairs[-1].end if table.pairs else table.end)
    # Comments right below the last key belong to the table, unless the next table follows them directly.
    below = end
    while _COMMENT.match(text, below):
        below = _line_end(text, below)
    if below == len(text) or text[below : _line_end(text, below)].strip() == "":
        end = below
    set_off = start == 0 or text[_line_start(text, start - 1) : start].strip() == ""
    blank = end
    while set_off and blank < len(text) and text[blank : _line_end(text, blank)].strip() == "":
        blank = _line_end(text, blank)
    if end < len(text) and blank < len(text):
        return _cut(text, start, blank, "")
    while start and text[_line_start(text, start - 1) : start].strip() == "":
        start = _line_start(text, start - 1)
    if start and text[end - 1 : end] != "\n":
        start -= len(_newline(text, start))
    return _cut(text, start, end, "")


def _pair_at(text: str, path: NamePath) -> Pair | None:
    return next((pair for pair in every_pair(scan(text)) if pair.path == path), None)


def _dotted(tables: list[Table], path: NamePath) -> Pair | None:
    """Return the last pair whose dotted key creates the table at `path`."""
    found = [
        pair
        for pair in every_pair(tables)
        if pair.path[: len(path)] == path and len(pair.base) < len(path) < len(pair.path)
    ]
    return found[-1] if found else None


def _heading_start(text: str, at: int) -> int:
    """Return where the lines of the header at `at` start, including a comment right above it if an empty line precedes that."""
    start = _block_start(text, at)
    return start if start and text[_line_start(text, start - 1) : start].strip() == "" else _line_start(text, at)


def _block_start(text: str, at: int) -> int:
    """Return the start of the comment lines right above the line that contains `at`, or of that line."""
    start = _line_start(text, at)
    # A line that looks like a comment may be part of the previous value.
    ends = [end for table in scan(text[:start]) for end in (table.end, *(pair.end for pair in table.pairs))]
    last = max(ends)
    while start > last and _COMMENT.match(text, above := _line_start(text, start - 1)) and above >= last:
        start = above
    return start


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    """Return the offset after the end of the line that contains `at`."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _newline(text: str, at: int) -> str:
    """Return the line ending of the line before `at`, else the first in the text, else a newline."""
    index = text.rfind("\n", 0, at)
    index = text.find("\n") if index < 0 else index
    return "\r\n" if index > 0 and text[index - 1] == "\r" else "\n"


def _indent(text: str, at: int) -> str:
    line = text[_line_start(text, at) : at]
    return line if not line.strip() else ""


def _nested(names: NamePath, written: str) -> str:
    for name in reversed(names):
        written = inline({name: written})
    return written


def _cut(text: str, start: int, end: int, piece: str) -> str:
    return text[:start] + piece + text[end:]
