"""The keys that the tables of a profile file may have, and the kind of value of each. Both are derived from the models."""

from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from omniprofile.config.schema.forms import Table
from omniprofile.config.schema.models import Profile, ProfilesFile
from omniprofile.model.origin import Origin

TomlKind = Literal["string", "boolean", "integer", "number", "array", "table", "string or table"]
_KINDS: dict[object, TomlKind] = {
    str: "string", Origin: "string", bool: "boolean", int: "integer", float: "number", tuple: "array",
}  # fmt: skip


def is_variable_of_env(path: tuple[str, ...]) -> bool:
    """Return whether `path` is that of a variable of an `env`."""
    return path[-2:-1] == ("env",) and path[:-2] in (("defaults",), ("profiles", *path[1:2]))


def toml_kind(path: tuple[str, ...]) -> TomlKind | None:
    """Return the kind of TOML value of the key at `path` in a profile file; None for an unknown key."""
    if is_variable_of_env(path):
        return "string or table"
    kind = type_at(ProfilesFile, path)
    if get_origin(kind) is Literal:
        kind = type(get_args(kind)[0])
    return None if kind is None else _KINDS.get(get_origin(kind) or kind, "table")


def keys_of(model: type[Table]) -> dict[str, object]:
    """Return the keys that a table of `model` may have, as they are written in a file, with their annotated types."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def profile_keys(model: type[Table] = Profile, prefix: str = "") -> dict[str, tuple[str, list[str]]]:
    """Return the keys of a profile and of the tables in it, such as `key.env`: the description of each, and its only values.

    There are none unless the key takes one of a few words, or `true` and `false`. The names in `env` are free.
    """
    found: dict[str, tuple[str, list[str]]] = {}
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        kinds = _choices(field.annotation)
        tables = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Table)]
        words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind) if word is not True]
        own = field.description or "", ["true", "false"] if kinds == [bool] else words
        found |= {path: each for table in tables for path, each in profile_keys(table, f"{key}.").items()} or {key: own}
    return found


def type_at(model: type[Table], path: Iterable[str | int]) -> object:
    """Return the annotated type of the value at `path` in a table of `model`; None for an unknown key."""
    kind: object = model
    for part in path:
        for choice in _choices(kind):
            if isinstance(choice, type) and issubclass(choice, Table) and part in keys_of(choice):
                kind = keys_of(choice)[str(part)]
                break
            if get_origin(choice) in (dict, tuple):
                kind = get_args(choice)[get_origin(choice) is dict]
                break
        else:
            return None
    return next(iter(_choices(kind)), None)


def _choices(kind: object) -> list[object]:
    """Return the members of a union, or the type itself, without annotations and None."""
    if get_origin(kind) is Annotated:
        return _choices(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [choice for member in get_args(kind) for choice in _choices(member)]
    return [] if kind is type(None) else [kind]
