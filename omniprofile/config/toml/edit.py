"""Edits of a TOML text that change one value and nothing else, by cutting the text at exact offsets.

A library that parses a document and writes it again must reproduce every comment, blank and line ending. These functions never
touch them: each takes a text and returns it with pieces cut out or inserted. Both texts are then parsed, and their data must
differ in exactly the requested change. So a bug here leads to a refused edit, not to a damaged file.

The functions read and write no files. The text passed in must be valid TOML.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from omniprofile.config.toml.data import NamePath, depth_of, put_at, same, value_at
from omniprofile.config.toml.insertion import append_table, insert
from omniprofile.config.toml.lines import cut
from omniprofile.config.toml.parse import data_of, parse
from omniprofile.config.toml.removal import removed
from omniprofile.config.toml.statements import Key, Pair, every_pair, scan
from omniprofile.config.toml.write import inline, key_text, nested, string_text
from omniprofile.errors import OperationFailed


def value_of(written: str) -> object:
    """Return the data of one value written in TOML. Raises ValueError if it is not exactly one value."""
    text = f"value = {written}"
    data = parse(text)
    if not isinstance(data, dict) or set(data) != {"value"} or scan(text)[0].pairs[0].end != len(text):
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
        after = cut(text, pair.start, pair.end, written)
    elif present == len(path):  # replace a table made of headers or dotted keys
        after = insert(removed(text, path), path, written)
    elif present and not isinstance(value_at(before, path[:present]), dict):
        after = set_value(text, path[:present], nested(path[present:], written))
    else:
        after = insert(text, path, written)
    return _verified(text, after, path, lambda data: put_at(data, path, value_of(written)))


def set_text(text: str, path: NamePath, value: str) -> str:
    """Set the key at `path` to a text, keeping its kind of quotes if possible."""
    pair = _pair_at(text, path)
    literal = pair is not None and text[pair.start] == "'" and "'" not in value and value.isprintable()
    return set_value(text, path, f"'{value}'" if literal else string_text(value))


def remove(text: str, path: NamePath) -> str:
    """Remove the key or table at `path`, with its lines, its trailing comments, and a comment that introduces a table."""
    after = removed(text, path)

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
        quote = text[key.start]
        written = f"'{name}'" if quote == "'" else string_text(name) if quote == '"' else key_text(name)
        after = cut(after, key.start, key.end, written)

    def change(data: dict[str, Any]) -> None:
        parent = value_at(data, path[:-1])
        parent[name] = parent.pop(path[-1])

    return _verified(text, after, path, change)


def add_table(text: str, path: NamePath, values: Mapping[str, str]) -> str:
    """Add a table of `values`, written in TOML: at the end under its own header, or in its parent if that is inline."""
    in_line = _pair_at(text, path[:-1]) is not None
    after = insert(text, path, inline(values)) if in_line else append_table(text, path, values)
    return _verified(
        text, after, path, lambda data: put_at(data, path, {name: value_of(value) for name, value in values.items()})
    )


def _verified(before: str, after: str, path: NamePath, change: Callable[[dict[str, Any]], None]) -> str:
    """Return `after` if its data are those of `before` with `change` applied. Raises OperationFailed if not."""
    wanted = copy.deepcopy(data_of(before))
    change(wanted)
    if not same(parse(after), wanted):
        name = ".".join(map(key_text, path))
        raise OperationFailed(
            f"`{name}` cannot be edited here without changing more than it; nothing was written",
            hint="edit it by hand: `omniprofile edit`",
        )
    return after


def _pair_at(text: str, path: NamePath) -> Pair | None:
    return next((pair for pair in every_pair(scan(text)) if pair.path == path), None)
