"""Validating a parsed document with the models of `models`: errors become findings, and the valid rest is kept."""

import os
import sys
from collections.abc import Mapping
from copy import deepcopy
from types import ModuleType
from typing import Any, TypeVar

from pydantic import ValidationError

from omniprofile.config.schema.fields import Violation
from omniprofile.config.schema.forms import Table
from omniprofile.config.schema.models import ProfilesFile
from omniprofile.config.toml.data import KeyPath
from omniprofile.config.toml.text import Document
from omniprofile.model.declaration import Config, Declaration, Settings, TableLayer
from omniprofile.model.finding import Finding
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.system.foreign_access import real_path

M = TypeVar("M", bound=Table)
T = TypeVar("T")
_ROUNDS = 4
"""The most rounds of removing violations: some appear only once others are removed."""


def validate(document: Document, *, home: str) -> tuple[Config | None, list[Finding]]:
    """Return what a document declares, and its findings.

    An invalid document declares what its errors do not affect; None if nothing is left. `home` replaces `~`.
    """
    if document.data is None:
        return None, document.findings
    folders = home, os.path.dirname(real_path(document.file))
    file = read(document.data, ProfilesFile, folders)
    if isinstance(file, ProfilesFile):
        return _declared(document, file, home), []
    from omniprofile.config.schema.violations import findings_of

    rest, found = _without_invalid(document.data, file, folders)
    return _declared(document, rest, home) if rest else None, findings_of(document, ProfilesFile, found)


def _declared(document: Document, file: ProfilesFile, home: str) -> Config:
    def sourced(value: T | None, name: str, path: KeyPath) -> Sourced[T] | None:
        return Sourced(value, Provenance(Layer.DEFAULTS, name, document.file, document.line(path))) if value else None

    def table(made: Table, layer: TableLayer, name: str, path: KeyPath) -> Declaration:
        given: dict[str, Any] = {key: value for key, value in vars(made).items() if value is not None}
        lines = {key: document.line((*path, key)) for key in given}
        for variable in given.get("env", ()):
            lines[f"env.{variable}"] = document.line((*path, "env", variable))
        return Declaration(layer, name, document.file, document.line(path), lines, **given)

    settings = file.settings
    return Config(
        files=(document.file,),
        default=sourced(file.default, "default", ("default",)),
        settings=Settings(
            settings.allowed_hosts,
            sourced(settings.secret_store, "settings", ("settings", "secret_store")),
            tuple(home + path[1:] if path.startswith("~") else path for path in settings.trusted_folders),
            settings.audit,
        ),
        defaults=(table(file.defaults, Layer.DEFAULTS, "defaults", ("defaults",)),) if file.defaults else (),
        instances={
            name: table(made, Layer.INSTANCE, name, ("instances", name)) for name, made in file.instances.items()
        },
        profiles={name: table(made, Layer.PROFILE, name, ("profiles", name)) for name, made in file.profiles.items()},
    )


def _without_invalid(
    given: dict[str, Any], found: list[Violation], folders: tuple[str, str]
) -> tuple[ProfilesFile | None, list[Violation]]:
    """Return the file without its invalid parts, None if nothing valid is left; and all its violations.

    A rule about a whole table, such as two keys that contradict each other, is only checked once each of its keys is valid. Other
    violations of a later round come from the removal.
    """
    data, every = deepcopy(given), list(found)
    for _ in range(_ROUNDS):
        for violation in reversed(found):  # so that the indexes of an array stay right
            # Of what is missing, remove the table that lacks it.
            _remove(data, violation.path[:-1] if violation.kind == "missing" else violation.path)
        file = read(data, ProfilesFile, folders)
        if isinstance(file, ProfilesFile):
            return file, every
        found = file
        every += [violation for violation in found if violation.kind == "omniprofile"]
    return None, every


def _remove(data: dict[str, Any], path: KeyPath) -> None:
    """Remove the value at `path`. Removes an array as a whole, except for a list of hosts."""
    table = data
    for depth, part in enumerate(path, 1):
        inner = table.get(str(part))
        if isinstance(inner, list) and depth < len(path) and part == "allowed_hosts":
            del inner[int(path[depth])]
        elif isinstance(inner, dict) and depth < len(path):
            table = inner
            continue
        else:
            table.pop(str(part), None)
        return


def read(data: Mapping[str, Any], model: type[M], folders: tuple[str, str] = ("", "")) -> M | list[Violation]:
    """Return `data` as a `model`, or else its violations.

    `folders` are the home, which replaces `~`, and the folder where relative paths start: the file's real one, with links
    followed.
    """
    if not model.__pydantic_complete__:
        _build(model)
    try:
        return model.model_validate(data, context=folders)
    except ValidationError as problem:
        errors = problem.errors(include_url=False, include_input=False)
        return [Violation(error["type"], *_path(error["loc"]), error.get("ctx", {})) for error in errors]


def _build(model: type[Table]) -> None:
    """Build a model's validator without pydantic's plugins, which could record the content of a file.

    Looking for them also imports `importlib.metadata`, which takes twice as long as a bare interpreter's start, even when
    `PYDANTIC_DISABLE_PLUGINS` then disables all of them.
    """
    name = "pydantic.plugin._loader"
    loader, before = ModuleType(name), sys.modules.get(name)
    vars(loader)["get_plugins"] = tuple  # none
    sys.modules[name] = loader
    try:
        model.model_rebuild()
    finally:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before


def _path(loc: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], bool]:
    """Return pydantic's location as a path in the document, and whether it is about a key itself, not its value.

    After a profile's `key`, or a variable of its `env`, pydantic adds the tag of the union member it chose, which is not in the
    file.
    """
    of_key = "[key]" in loc
    if not of_key and loc[:1] not in (("profiles",), ("defaults",)):  # the usual case when there are very many
        return loc, False
    parts = [part for part in loc if part != "[key]"]
    table = {"profiles": 2, "defaults": 1}.get(str(parts[0]), len(parts)) if parts else 0
    tag = {"key": 1, "env": 2}.get(str(parts[table])) if len(parts) > table else None
    if tag and len(parts) > table + tag:
        del parts[table + tag]
    return tuple(parts), of_key
