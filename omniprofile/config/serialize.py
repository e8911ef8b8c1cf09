"""Conversion of a `Config` to plain data for the snapshot's `marshal`, and back, without validation.

A list represents an object: its number in `_KINDS`, and its fields.
"""

from typing import Any

from omniprofile.model.declaration import Config, Declaration, EnvValue, Identity, KeySource, Settings
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance, Sourced

_KINDS: Any = (Config, Declaration, EnvValue, Identity, KeySource, Origin, Provenance, Settings, Sourced, Layer)
_FIELDS = {kind: kind._fields for kind in _KINDS if kind is not Layer}
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_LAYOUT = repr(list(_FIELDS.items()))
"""Differs between two versions of the source if a field does."""
_PLAIN = frozenset((str, int, bool, float, type(None)))


def dump(config: Config) -> Any:
    """Return a config as tuples, lists, dicts, texts, numbers and None."""
    return _LAYOUT, _dumped(config)


def load(data: Any) -> Config | None:
    """Return the config that `dump` converted; None for any other data."""
    try:
        layout, dumped = data
        config = _loaded(dumped) if layout == _LAYOUT else None
    except (TypeError, ValueError, KeyError, IndexError):
        return None
    return config if isinstance(config, Config) else None


def _dumped(value: Any) -> Any:
    kind = type(value)
    if kind is Layer:
        return [_NUMBERS[kind], value.value]
    if kind in _NUMBERS:
        return [_NUMBERS[kind], *[each if type(each) in _PLAIN else _dumped(each) for each in value]]
    if kind is dict:
        return {key: each if type(each) in _PLAIN else _dumped(each) for key, each in value.items()}
    return tuple(map(_dumped, value)) if kind is tuple else value


def _loaded(data: Any) -> Any:
    kind = type(data)
    if kind is list:
        number, *values = data
        return _KINDS[number](*[each if type(each) in _PLAIN else _loaded(each) for each in values])
    if kind is dict:
        return {key: each if type(each) in _PLAIN else _loaded(each) for key, each in data.items()}
    return tuple(map(_loaded, data)) if kind is tuple else data
