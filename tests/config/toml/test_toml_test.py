"""Edits of every valid file of the public toml-test suite change no byte outside the edit."""

import copy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from omniprofile.config.toml import edit

with ZipFile(Path(__file__).parents[2] / "data/toml-test.zip") as _suite:
    FILES = {
        name.removeprefix("valid/").removesuffix(".toml"): _suite.read(name).decode()
        for name in _suite.namelist()
        if name.endswith(".toml")
    }
NEW = '"set \\u00e9"'
Path_ = tuple[str, ...]


def _tables(data: dict[str, Any], path: Path_ = ()) -> Iterator[Path_]:
    """Return the paths of all tables that are not inside an array."""
    yield path
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _tables(value, (*path, name))


def _with(data: dict[str, Any], path: Path_, value: object) -> dict[str, Any]:
    changed = copy.deepcopy(data)
    table = changed
    for name in path[:-1]:
        table = table[name]
    table[path[-1]] = value
    return changed


def _pieces(before: str, after: str) -> tuple[str, str]:
    """Return the shortest piece of each text outside of which they are equal."""
    start = next(
        (at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
        min(len(before), len(after)),
    )
    shorter = min(len(before), len(after)) - start
    end = next((at for at in range(shorter) if before[-1 - at] != after[-1 - at]), shorter)
    return before[start : len(before) - end], after[start : len(after) - end]


def _said(data: object) -> str:
    """Return data as text, independent of table order, in which 1 differs from 1.0 and a NaN equals a NaN."""
    if isinstance(data, dict):
        return str([(name, _said(value)) for name, value in sorted(data.items())])
    return str([_said(element) for element in data]) if isinstance(data, list) else repr(data)


@pytest.mark.parametrize("name", FILES)
def test_no_byte_changes_outside_an_edit(name: str) -> None:
    text = FILES[name]
    data = tomllib.loads(text)
    for table in _tables(data):
        inside = data
        for part in table:
            inside = inside[part]
        for key, value in inside.items():
            if isinstance(value, dict):
                continue
            path = (*table, key)
            after = edit.set_value(text, path, NEW)
            assert _said(tomllib.loads(after)) == _said(_with(data, path, "set é")), path
            if isinstance(value, list) and isinstance((value or [0])[0], dict):
                continue  # its headers are removed, which leaves nowhere to put a value
            old, new = _pieces(text, after)
            assert new in NEW, f"{path}: {old!r} became {new!r}"
            if not isinstance(value, list):  # the piece is the value and nothing else
                whole = next(
                    text[at : at + len(text) - len(after) + len(NEW)]
                    for at in range(len(text) + 1)
                    if text[:at] + NEW == after[: at + len(NEW)]
                )
                assert repr(edit.value_of(whole.replace("\r\n", "\n"))) == repr(value), path
                assert edit.set_value(after, path, whole) == text, f"{path} is as it was"
        path = (*table, "zz-new")
        after = edit.set_value(text, path, NEW)
        gone, come = _pieces(text, after)
        assert not gone or (not inside and not gone.strip()), f"{path}: {gone!r} is gone"  # of `{  }`, the blanks
        assert come.count("\n") <= 3, come
        assert _said(tomllib.loads(after)) == _said(_with(data, path, "set é")), path
        assert _said(tomllib.loads(edit.remove(after, path))) == _said(data), path
