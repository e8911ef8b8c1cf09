"""Frozen dataclasses as plain data for the snapshot, and back, by the types of their fields. Nothing is validated here."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Convert = Callable[[Any], Any]
_BROKEN = (TypeError, ValueError, KeyError, IndexError, AttributeError)


def dump(value: Any) -> Any:
    """Return a dataclass as tuples, lists, dicts, text, numbers and None, which `marshal` takes, with its layout."""
    kind: Any = type(value)
    return _layout(kind), _of_dataclass(kind, loading=False)(value)


def load(dumped: Any, kind: Any) -> Any:
    """Return the `kind` that `dump` was given; None for data of another layout, which another version has written."""
    try:
        layout, data = dumped
        if layout != _layout(kind):
            return None
        return _of_dataclass(kind, loading=True)(data)
    except _BROKEN:
        return None


@cache
def _kept(kind: Any) -> tuple[str, ...] | None:
    """Return the names of a dataclass's fields that are a part of the value; `compare=False` marks the others."""
    return tuple(each.name for each in fields(kind) if each.compare) if is_dataclass(kind) else None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _layout(kind: Any) -> str:
    """Return a text that changes when a field of `kind`, or of a dataclass in it, does."""
    hints = _hints(kind) if _kept(kind) else {}
    own = " ".join(f"{name}:{hints[name]}" for name in _kept(kind) or ()) if hints else ""
    inner = {part for name in hints if name in (_kept(kind) or ()) for part in _parts(hints[name])}
    return own + "".join(sorted(f"({part.__name__} {_layout(part)})" for part in inner))


def _parts(kind: Any) -> list[Any]:
    """Return the dataclasses that a type names."""
    own = get_origin(kind) or kind
    return ([own] if is_dataclass(own) else []) + [part for each in get_args(kind) for part in _parts(each)]


@cache
def _conversion(kind: Any, loading: bool) -> Convert | None:
    """Return what makes a value of type `kind` of its plain data, or that of it; None where that is the value itself."""
    origin, parts = get_origin(kind), get_args(kind)
    if is_dataclass(origin or kind):
        return _of_dataclass(origin or kind, loading)
    if origin is Literal:
        kind = type(parts[0])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {member.value: member for member in kind}.__getitem__ if loading else attrgetter("value")
    if origin in (Union, UnionType):
        inner = next((made for part in parts if (made := _conversion(part, loading))), None)
        return (lambda value: None if value is None else inner(value)) if inner else None
    made = _conversion(parts[0] if origin is tuple else parts[-1], loading) if parts else None
    if made is None:
        return None
    return (lambda value: tuple(map(made, value))) if origin is tuple else (lambda value: _each(made, value))


def _each(made: Convert, value: dict[str, Any]) -> dict[str, Any]:
    return {key: made(inner) for key, inner in value.items()}


def _of_dataclass(kind: Any, loading: bool) -> Convert:
    hints = _hints(kind)
    names = _kept(kind) or ()
    convert = [(at, made) for at, name in enumerate(names) if (made := _conversion(hints[name], loading))]

    def each_field(values: list[Any]) -> list[Any]:
        for at, made in convert:
            if values[at] is not None:
                values[at] = made(values[at])
        return values

    if loading:
        return lambda data: kind(**dict(zip(names, each_field(list(data)), strict=True)))
    return lambda value: tuple(each_field([getattr(value, name) for name in names]))
