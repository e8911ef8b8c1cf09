"""A parsed document to what it declares, by the models of `models`: what is wrong in it is found, and the rest is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from omniprofile.config.models import Defaults, Instance, Pin, Place, ProfilesFile, Violation, read, violations
from omniprofile.config.toml.positions import KeyPath
from omniprofile.config.toml.text import Document
from omniprofile.config.violations import findings_of
from omniprofile.model.declaration import Declaration, Settings
from omniprofile.model.finding import Finding
from omniprofile.model.provenance import Layer, Provenance, Sourced

_ROUNDS = 4
"""Some violations only show when others are out of the way."""


@dataclass(frozen=True, slots=True)
class FileDeclarations:
    """What one file declares."""

    default: Sourced[str] | None = None
    settings: Settings = field(default_factory=Settings)
    defaults: Declaration | None = None
    instances: Mapping[str, Declaration] = field(default_factory=dict)
    profiles: Mapping[str, Declaration] = field(default_factory=dict)


def validate(document: Document, *, home: str) -> tuple[FileDeclarations | None, list[Finding]]:
    """Return what a document declares, and what is wrong with it.

    Of a document with something wrong, what is not affected is declared; None if nothing can be. `home` stands for `~`.
    """
    if document.data is None:
        return None, document.findings
    file = read(document.data, ProfilesFile)
    if isinstance(file, ProfilesFile):
        return _declared(document, file, home), []
    rest = _without_invalid(document.data, file)
    return _declared(document, rest, home) if rest else None, findings_of(document, ProfilesFile, file)


def validate_pin(document: Document) -> tuple[Sourced[str] | None, list[Finding]]:
    """Return the profile that a project pin names, or what is wrong with the pin."""
    if document.data is None:
        return None, document.findings
    pin = read(document.data, Pin)
    if isinstance(pin, Pin):
        line = document.line(("profile",))
        return Sourced(pin.profile, Provenance(Layer.PROJECT, "profile", document.file, line)), []
    return None, findings_of(document, Pin, pin)


def _declared(document: Document, file: ProfilesFile, home: str) -> FileDeclarations:
    def sourced(value: Any, name: str, path: KeyPath) -> Any:
        return Sourced(value, Provenance(Layer.DEFAULTS, name, document.file, document.line(path))) if value else None

    def table(
        made: Instance | Defaults,
        layer: Literal[Layer.PROFILE, Layer.INSTANCE, Layer.DEFAULTS],
        name: str,
        path: KeyPath,
    ) -> Declaration:
        given = made.model_fields_set
        lines = {key: document.line((*path, key)) for key in type(made).model_fields if key in given}
        if isinstance(made, Defaults) and made.env:
            lines |= {f"env.{variable}": document.line((*path, "env", variable)) for variable in made.env}
        return made.declare(Place(layer, name, document.file, document.line(path), lines, home))

    hosts, store = file.settings.allowed_hosts, file.settings.secret_store
    return FileDeclarations(
        default=sourced(file.default, "default", ("default",)),
        settings=Settings(
            tuple(hosts),
            sourced(store, "settings", ("settings", "secret_store")),
            tuple(home + path[1:] if path.startswith("~") else path for path in file.settings.trusted_folders),
        ),
        defaults=table(file.defaults, Layer.DEFAULTS, "defaults", ("defaults",)) if file.defaults else None,
        instances={
            name: table(made, Layer.INSTANCE, name, ("instances", name)) for name, made in file.instances.items()
        },
        profiles={name: table(made, Layer.PROFILE, name, ("profiles", name)) for name, made in file.profiles.items()},
    )


def _without_invalid(given: Mapping[str, Any], found: list[Violation]) -> ProfilesFile | None:
    """Return the file without what is wrong in it; None if nothing sound is left."""
    data = _copy(given)
    for _ in range(_ROUNDS):
        for violation in found:
            _remove(data, violation.path)
        file = read(data, ProfilesFile)
        if isinstance(file, ProfilesFile):
            return file
        found = file
    return None


def _copy(value: Any) -> Any:
    return {key: _copy(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value


def _remove(data: dict[str, Any], path: KeyPath) -> None:
    """Take the key at `path` away, or the table that misses it. An array goes as a whole, but for a list of hosts."""
    table: Any = data
    for part in path[:-1]:
        inner = table.get(part) if isinstance(table, dict) else None
        if path[:2] == ("settings", "allowed_hosts") and isinstance(inner, list):
            table[part] = [
                host for host in inner if not violations({"settings": {"allowed_hosts": [host]}}, ProfilesFile)
            ]
            return
        if not isinstance(inner, dict):
            break
        table = inner
    else:
        part = path[-1] if path else ""
    if isinstance(table, dict) and table.pop(part, None) is None and len(path) > 1:
        _remove(data, path[:-1])
