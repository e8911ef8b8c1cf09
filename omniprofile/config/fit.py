"""Whether data is plainly good, by the shape that the models have: a first look that spares good files pydantic's import.

"No" only means that the models must look: they alone say what is wrong. "Yes" must mean that they would find nothing; a
property test holds it to that.
"""

import re
from collections.abc import Mapping
from typing import Any

from omniprofile.config import rules


def fits(data: object, shape: tuple[Any, ...]) -> bool:
    """Whether `data`, as `tomllib` gives it, is plainly of `shape`."""
    kind, *parts = shape
    good: bool = _FITS[kind](data, *parts)
    return good


def _table(data: object, fields: Mapping[str, Any], needed: tuple[str, ...]) -> bool:
    return (
        type(data) is dict
        and all(name in fields and fits(value, fields[name]) for name, value in data.items())
        and all(name in data for name in needed)
    )


def _rule(data: object, name: str, shape: tuple[Any, ...]) -> bool:
    if not fits(data, shape):
        return False
    try:
        getattr(rules, name)(data)
    except rules.Wrong:
        return False
    return True


_compiled: dict[str, re.Pattern[str]] = {}


def _text(data: object, pattern: str | None, shortest: int) -> bool:
    if type(data) is not str or len(data) < shortest:
        return False
    if pattern is None:
        return True
    if pattern not in _compiled:
        _compiled[pattern] = re.compile(pattern)
    return _compiled[pattern].fullmatch(data) is not None


def _one(data: object, choices: tuple[object, ...]) -> bool:
    return any(type(data) is type(choice) and data == choice for choice in choices)


def _bool(data: object) -> bool:
    return type(data) is bool


def _number(data: object, above: float, most: float) -> bool:
    return type(data) in (int, float) and above < data <= most  # type: ignore[operator]  # it is one of the two


def _list(data: object, shape: tuple[Any, ...], shortest: int) -> bool:
    return type(data) is list and len(data) >= shortest and all(fits(item, shape) for item in data)


def _map(data: object, keys: tuple[Any, ...], values: tuple[Any, ...]) -> bool:
    return type(data) is dict and all(fits(key, keys) and fits(value, values) for key, value in data.items())


def _either(data: object, choices: Mapping[str, Any]) -> bool:
    kinds = [kind for kind in choices if kind in data] if type(data) is dict else []
    return len(kinds) == 1 and fits(data, choices[kinds[0]])


_FITS: dict[str, Any] = {
    "table": _table,
    "rule": _rule,
    "text": _text,
    "one": _one,
    "bool": _bool,
    "number": _number,
    "list": _list,
    "map": _map,
    "either": _either,
}
