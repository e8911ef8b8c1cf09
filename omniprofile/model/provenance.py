"""Where a value came from. (The word "origin" is reserved for URLs.)"""

from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Layer(StrEnum):
    """The places that values come from, strongest first. The order is the precedence in the README."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    PROJECT = "project"
    STATE = "state"
    PROFILE = "profile"
    PARENT = "parent"
    INSTANCE = "instance"
    DEFAULTS = "defaults"
    BUILTIN = "builtin"
    STORE = "store"


class Provenance(NamedTuple):
    """A layer, with the name of its flag, variable or table, and the file and line (from 1) if there is one."""

    layer: Layer
    name: str | None = None
    file: str | None = None
    line: int | None = None

    @property
    def place(self) -> str | None:
        """`file:line`, or the file alone, or None."""
        if self.file is None:
            return None
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        label = {
            Layer.FLAG: "flag `{}`"
            if (self.name or "").startswith("-")
            else "the command line"
            if self.name
            else "the call",
            Layer.ENVIRONMENT: "environment variable `{}`",
            Layer.PROJECT: "the project pin",
            Layer.STATE: "the active profile",
            Layer.PROFILE: "profile `{}`",
            Layer.PARENT: "parent profile `{}`",
            Layer.INSTANCE: "instance `{}`",
            Layer.DEFAULTS: "`{}`",
            Layer.BUILTIN: "built-in default" if self.name == "default" else self.name or "built-in",
            Layer.STORE: "secret store `{}`" if self.name else "secret store",
        }[self.layer].format(self.name)
        return f"{label} ({self.place})" if self.place else label

    def as_json(self) -> dict[str, object]:
        """Return the documented JSON shape: layer, name, file, line."""
        return {"layer": self.layer.value, "name": self.name, "file": self.file, "line": self.line}


class Sourced(NamedTuple, Generic[T_co]):
    """A value and its provenance."""

    value: T_co
    provenance: Provenance
