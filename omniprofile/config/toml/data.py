"""The data of a TOML text: access by path, and strict comparison."""

from collections.abc import Mapping
from typing import Any

KeyPath = tuple[str | int, ...]
"""The names from the top of the file to a key or table, with indexes for arrays."""
NamePath = tuple[str, ...]
"""A `KeyPath` without indexes."""


def depth_of(data: Mapping[str, Any], path: KeyPath) -> int:
    """Return how many parts of `path` exist. `path` contains no array indexes."""
    table: Any = data
    for depth, name in enumerate(path):
        if not isinstance(table, dict) or name not in table:
            return depth
        table = table[name]
    return len(path)


def find(data: Mapping[str, Any], path: KeyPath) -> Any:
    """Return the value at `path`, or None."""
    return value_at(data, path) if depth_of(data, path) == len(path) else None


def value_at(data: Any, path: KeyPath) -> Any:
    """Return the value at `path`. Raises KeyError, IndexError or TypeError if there is none."""
    for part in path:
        data = data[part]
    return data


def put_at(data: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    """Set the key at `path` to a value, replacing anything on the way that is not a table by one."""
    for name in path[:-1]:
        if not isinstance(data.get(name), dict):
            data[name] = {}
        data = data[name]
    data[path[-1]] = value


def same(one: object, other: object) -> bool:
    """Whether two values are equal and of the same type: 1 is not 1.0, and neither is true."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or (one != one and other != other)  # not a number
