"""Inserting a key or table into a TOML text, where a person would write it."""

import re
from collections.abc import Mapping

from omniprofile.config.toml.data import NamePath, depth_of
from omniprofile.config.toml.lines import block_start, cut, indent, line_below, line_end, newline
from omniprofile.config.toml.parse import data_of
from omniprofile.config.toml.statements import Table, every_pair, scan
from omniprofile.config.toml.write import key_text, nested

NAMED = ("profiles", "instances")


def insert(text: str, path: NamePath, written: str) -> str:
    """Insert a new key after the last key of the innermost existing table on its path."""
    depth = depth_of(data_of(text), path)
    here, rest = path[:depth], path[depth:]
    tables = scan(text)
    pairs = list(every_pair(tables))
    new = f"{key_text(rest[0])} = {nested(rest[1:], written)}"
    if empty := next((pair for pair in pairs if pair.path == here and not pair.members), None):
        return cut(text, empty.start, empty.end, f"{{ {new} }}")
    header = next((table for table in tables if table.path == here), None)
    siblings = [pair for pair in pairs if pair.path[:depth] == here and len(pair.base) <= depth < len(pair.path)]
    in_line = siblings and not any(siblings[-1] is pair for table in tables for pair in table.pairs)
    if len(rest) > 1 and not in_line and (not here or (depth == 1 and not (header and header.pairs))):
        return _in_new_table(text, tables, path, written)
    if siblings:
        last = siblings[-1]
        dotted = depth - len(last.base)
        prefix = f"{text[last.keys[0].start : last.keys[dotted - 1].end]}." if dotted else ""
        if in_line:
            return cut(text, last.end, last.end, f", {prefix}{new}")
        return line_below(text, last.end, indent(text, last.keys[0].start) + prefix + new)
    if header is None:
        return _above_inner_table(text, tables, here, new)
    return line_below(text, header.end, indent(text, header.start) + new) if here else _at_top(text, tables, new)


def append_table(text: str, path: NamePath, values: Mapping[str, str]) -> str:
    """Append a table with its header after an empty line, and end the text with or without a newline as before."""
    end = newline(text, len(text))
    block = end.join(_table(path, values))
    if text and not text.endswith("\n"):
        return text + end + end + block
    blank = "" if not text or re.search(r"(?:^|\n)[ \t\r]*\n\Z", text) else end
    return text + blank + block + end


def _table(path: NamePath, values: Mapping[str, str]) -> list[str]:
    """Return the lines of a table."""
    return [f"[{'.'.join(map(key_text, path))}]", *(f"{key_text(name)} = {value}" for name, value in values.items())]


def _in_new_table(text: str, tables: list[Table], path: NamePath, written: str) -> str:
    """Insert a key of a new table, under its own header, after the last table of the same kind."""
    depth = 2 if path[0] in NAMED and len(path) > 2 else 1
    values = {path[depth]: nested(path[depth + 1 :], written)}
    kin = [index for index, table in enumerate(tables) if table.path[:1] == path[:1]]
    before = kin[-1] + 1 if kin else 1 if path[0] in ("settings", "instances") else len(tables)
    if before >= len(tables):
        return append_table(text, path[:depth], values)
    at = block_start(text, tables[before].start)
    return cut(text, at, at, newline(text, len(text)).join([*_table(path[:depth], values), "", ""]))


def _above_inner_table(text: str, tables: list[Table], here: NamePath, new: str) -> str:
    """Insert a key of an implicit table (one that has only subtables), under a new header."""
    inner = next(table for table in tables if table.path[: len(here)] == here)
    name = text[inner.keys[0].start : inner.keys[len(here) - 1].end]
    end = newline(text, inner.start)
    at = block_start(text, inner.start)
    return cut(text, at, at, f"[{name}]{end}{new}{end}{end}")


def _at_top(text: str, tables: list[Table], new: str) -> str:
    """Insert the first top-level key above the first table and its leading comments."""
    if len(tables) == 1:
        return line_below(text, len(text), new)
    at = block_start(text, tables[1].start)
    while text.startswith(("#:", "#!"), at):  # editors look for `#:schema` at the very top
        at = line_end(text, at)
    return cut(text, at, at, new + 2 * newline(text, len(text)))
