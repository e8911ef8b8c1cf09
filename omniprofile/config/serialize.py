"""Frozen dataclasses as plain data for the snapshot, and back, by the types of their fields. Nothing is validated here."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Load = Callable[[Any], Any]
_BROKEN = (TypeError, ValueError, KeyError, IndexError, AttributeError)


def dump(value: Any) -> Any:
    """Return a dataclass as tuples, lists, dicts, text, numbers and None, which `marshal` takes, with its layout."""
    kind: Any = type(value)
    return _layout(kind), _dumped(value)


def load(dumped: Any, kind: Any) -> Any:
    """Return the `kind` that `dump` was given; None for data of another layout, which another version has written."""
    try:
        layout, data = dumped
        if layout != _layout(kind):
            return None
        return _dataclass_loader(kind)(data)
    except _BROKEN:
        return None


_PLAIN = frozenset({str, int, bool, float, type(None)})


def _dumped(value: Any) -> Any:
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    names = _kept(kind)
    if names is not None:
        return tuple([_dumped(getattr(value, name)) for name in names])
    if isinstance(value, (dict, Mapping)):  # nearly all are the first, which is quicker to tell
        return {key: _dumped(inner) for key, inner in value.items()}
    if isinstance(value, Enum):
        return value.value
    return tuple([_dumped(inner) for inner in value]) if isinstance(value, tuple) else value


@cache
def _kept(kind: Any) -> tuple[str, ...] | None:
    """Return the names of a dataclass's fields that are a part of the value; `compare=False` marks the others."""
    return tuple(each.name for each in fields(kind) if each.compare) if is_dataclass(kind) else None


@cache
def _layout(kind: Any) -> str:
    """Return a text that changes when a field of `kind`, or of a dataclass in it, does."""
    hints = get_type_hints(kind) if is_dataclass(kind) else {}
    own = " ".join(f"{name}:{hints[name]}" for name in _kept(kind) or ()) if hints else ""
    inner = {part for name in hints if name in (_kept(kind) or ()) for part in _parts(hints[name])}
    return own + "".join(sorted(f"({part.__name__} {_layout(part)})" for part in inner))


def _parts(kind: Any) -> list[Any]:
    """Return the dataclasses that a type names."""
    own = get_origin(kind) or kind
    return ([own] if is_dataclass(own) else []) + [part for each in get_args(kind) for part in _parts(each)]


@cache
def _loader(kind: Any) -> Load | None:
    """Return what makes a value of type `kind` of its plain data; None where that is the value itself."""
    origin, parts = get_origin(kind), get_args(kind)
    if is_dataclass(origin or kind):
        return _dataclass_loader(origin or kind)
    if origin is Literal:
        kind = type(parts[0])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {member.value: member for member in kind}.__getitem__
    if origin in (Union, UnionType):
        inner = next((made for part in parts if (made := _loader(part))), None)
        return (lambda data: None if data is None else inner(data)) if inner else None
    made = _loader(parts[0] if origin is tuple else parts[-1]) if parts else None
    if made is None:
        return None
    return (lambda data: tuple(map(made, data))) if origin is tuple else (lambda data: _each(made, data))


def _each(made: Load, data: dict[str, Any]) -> dict[str, Any]:
    return {key: made(value) for key, value in data.items()}


def _dataclass_loader(kind: Any) -> Load:
    hints = get_type_hints(kind)
    names = _kept(kind) or ()
    convert = [(at, made) for at, name in enumerate(names) if (made := _loader(hints[name]))]

    def load_one(data: Any) -> Any:
        values = list(data)
        for at, made in convert:
            if values[at] is not None:
                values[at] = made(values[at])
        return kind(**dict(zip(names, values, strict=True)))

    return load_one
