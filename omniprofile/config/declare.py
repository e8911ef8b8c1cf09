"""A good document as plain declarations: no pydantic object and no TOML position leaves `config` beside them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from omniprofile.config.toml.positions import KeyPath
from omniprofile.config.toml.text import Document
from omniprofile.model.declaration import Declaration, Expect, KeySource, Settings
from omniprofile.model.origin import Origin, parse_host
from omniprofile.model.provenance import Layer, Provenance, Sourced


@dataclass(frozen=True, slots=True)
class FileDeclarations:
    """What one good file declares."""

    default: Sourced[str] | None = None
    settings: Settings = field(default_factory=Settings)
    defaults: Declaration | None = None
    instances: Mapping[str, Declaration] = field(default_factory=dict)
    profiles: Mapping[str, Declaration] = field(default_factory=dict)


def declarations(document: Document, *, home: str) -> FileDeclarations:
    """The declarations of a document that `check` found nothing wrong with. `home` stands for `~` in paths."""
    data = cast("dict[str, Any]", document.data)
    settings = data.get("settings", {})
    store = settings.get("secret_store")

    def at(path: KeyPath, layer: Layer, name: str) -> Provenance:
        return Provenance(layer, name, document.file, document.line(path))

    def table(layer: Any, name: str, path: KeyPath) -> Declaration:
        return _declaration(document, layer, name, path, home)

    return FileDeclarations(
        default=Sourced(data["default"], at(("default",), Layer.DEFAULTS, "default")) if "default" in data else None,
        settings=Settings(
            allowed_hosts=tuple(parse_host(host) for host in settings.get("allowed_hosts", [])),
            secret_store=Sourced(store, at(("settings", "secret_store"), Layer.DEFAULTS, "settings"))
            if store
            else None,
            trusted_folders=tuple(_folder(path, home) for path in settings.get("trusted_folders", [])),
        ),
        defaults=table(Layer.DEFAULTS, "defaults", ("defaults",)) if "defaults" in data else None,
        instances={name: table(Layer.INSTANCE, name, ("instances", name)) for name in data.get("instances", {})},
        profiles={name: table(Layer.PROFILE, name, ("profiles", name)) for name in data.get("profiles", {})},
    )


def _folder(path: str, home: str) -> str:
    return home + path[1:] if path.startswith("~") else path


def _declaration(document: Document, layer: Any, name: str, path: KeyPath, home: str) -> Declaration:
    values: dict[str, object] = {}
    lines: dict[str, int] = {}
    for key, value in _table(document, path).items():
        lines[key] = document.line((*path, key))
        if key == "base_url":
            values[key] = Origin.parse(value)
        elif key == "key":
            values[key] = _key_source(value, document.file, home)
        elif key == "expect":
            values[key] = Expect(**value)
        else:
            values[key] = value
        if key == "env":
            lines |= {f"env.{variable}": document.line((*path, key, variable)) for variable in value}
    return Declaration(layer, name, document.file, document.line(path), values, lines)


def _table(document: Document, path: KeyPath) -> dict[str, Any]:
    table = cast("dict[str, Any]", document.data)
    for part in path:
        table = table[cast("str", part)]
    return table


def _key_source(value: Mapping[str, Any], file: str, home: str) -> KeySource:
    if "env" in value:
        return KeySource("env", variable=value["env"])
    if "command" in value:
        return KeySource("command", argv=tuple(value["command"]), timeout=float(value.get("timeout", 30.0)))
    if "file" in value:
        return KeySource("file", path=_absolute(value["file"], file, home))
    return KeySource("keyring")


def _absolute(path: str, file: str, home: str) -> str:
    """`~` is `home`; a relative path starts at the folder where the profile file really lies, symbolic links followed."""
    if path == "~" or path.startswith(("~/", "~" + os.sep)):
        return os.path.join(home, path[2:])
    return os.path.normpath(os.path.join(os.path.dirname(os.path.realpath(file)), path))
