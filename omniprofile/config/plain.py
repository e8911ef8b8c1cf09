"""A sound `Config` as plain data for the snapshot, and back: nothing is judged here, for it was before it was kept."""

from typing import Any

from omniprofile.model.declaration import Config, Declaration, Expect, KeySource, Settings
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance, Sourced


def as_plain(config: Config) -> tuple[Any, ...]:
    """Tuples, lists, dicts, text, numbers and None: what `marshal` takes."""
    return (
        config.files,
        _plain_sourced(config.default),
        config.settings.allowed_hosts,
        _plain_sourced(config.settings.secret_store),
        config.settings.trusted_folders,
        [_plain_table(table) for table in config.defaults],
        [_plain_table(table) for table in config.instances.values()],
        [_plain_table(table) for table in config.profiles.values()],
    )


def from_plain(plain: tuple[Any, ...]) -> Config:
    """The config that `as_plain` made the data of."""
    files, default, hosts, store, trusted, defaults, instances, profiles = plain
    return Config(
        files=files,
        default=_sourced(default),
        settings=Settings(hosts, _sourced(store), trusted),
        defaults=tuple(_table(table) for table in defaults),
        instances={table[1]: _table(table) for table in instances},
        profiles={table[1]: _table(table) for table in profiles},
    )


_TO_PLAIN: dict[type, Any] = {
    Origin: lambda origin: (origin.scheme, origin.host, origin.port),
    KeySource: lambda key: (key.kind, key.variable, key.argv, key.timeout, key.path),
    Expect: lambda pin: (pin.user, pin.membership_id, pin.key_scope, pin.org_role),
}
_FROM_PLAIN: dict[str, Any] = {"base_url": Origin, "key": KeySource, "expect": Expect}


def _plain_table(table: Declaration) -> tuple[Any, ...]:
    values = {
        key: _TO_PLAIN[type(value)](value) if type(value) in _TO_PLAIN else value for key, value in table.values.items()
    }
    return table.layer.value, table.name, table.file, table.line, values, dict(table.lines)


def _table(plain: tuple[Any, ...]) -> Declaration:
    layer, name, file, line, values, lines = plain
    for key, made in _FROM_PLAIN.items():
        if key in values:
            values[key] = made(*values[key])
    return Declaration(_LAYERS[layer], name, file, line, values, lines)


_LAYERS: dict[str, Any] = {layer.value: layer for layer in Layer}


def _plain_sourced(sourced: Sourced[Any] | None) -> tuple[Any, ...] | None:
    if sourced is None:
        return None
    where = sourced.provenance
    return sourced.value, where.layer.value, where.name, where.file, where.line


def _sourced(plain: tuple[Any, ...] | None) -> Sourced[Any] | None:
    if plain is None:
        return None
    value, layer, name, file, line = plain
    return Sourced(value, Provenance(_LAYERS[layer], name, file, line))
