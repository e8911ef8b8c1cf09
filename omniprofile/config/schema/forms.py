"""The forms of a key or secret, and of a value of `env`, in a profile file. DOOR: pydantic.

Validation converts them to the program's own types, `KeySource` and `EnvValue`.
"""

import os
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationInfo

from omniprofile.config.schema.fields import LONGEST_TIMEOUT, EnvironmentValue, FilePath, Program, VariableName, exactly
from omniprofile.model.declaration import EnvValue, KeySource, Part


class Table(BaseModel):
    """A table of a profile file: strictly typed, without unknown keys, immutable."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


class KeyringKey(Table):
    """It is in the secret store: `omniprofile login NAME` puts the key there, with `--secret VARIABLE` a secret of `env`."""

    keyring: Annotated[Literal[True], exactly(True)] = Field(
        description="It is in the secret store; `omniprofile login NAME` puts the key there, with `--secret VARIABLE` a "
        "secret of `env`.",
        examples=[True],
    )


class EnvKey(Table):
    """The key or secret is the value of an environment variable."""

    env: VariableName = Field(
        description="The variable that holds it: its name, not its value.", examples=["ACME_OMNI_KEY"]
    )


class CommandKey(Table):
    """The key or secret is what a command prints. It is run directly, without a shell."""

    command: Program = Field(
        description="The program and its arguments; no shell reads them. It prints the key or secret, and nothing else, in "
        "one line.",
        examples=[["op", "read", "op://Work/Omni staging/credential"], ["pass", "show", "omni/prod"]],
    )
    timeout: float = Field(
        default=30.0,
        gt=0,
        le=LONGEST_TIMEOUT,
        allow_inf_nan=False,
        description="Seconds after which the command and its children are ended.",
        examples=[30, 0.5],
    )


class FileKey(Table):
    """The key or secret is the content of a file that nobody else may read."""

    file: FilePath = Field(
        description="The file. `~` is your home; a relative path starts at the profile file's folder.",
        examples=["~/.secrets/omni-staging", "/run/secrets/omni"],
    )


class Alias(Table):
    """A part of the credential that the profile comes to, under another name."""

    part: Part = Field(
        alias="from",
        description="What the variable holds: the token, the base URL, its host (with a port that is not the usual one), or NAME "
        "of `NAME.omniapp.co`.",
        examples=["token", "base_url"],
    )
    append: EnvironmentValue = Field(default="", description="A text after it.", examples=["/api", "/mcp/https"])


SOURCES = ("keyring", "env", "command", "file")
"""The forms of a key or secret, each named by the key that only it has."""


def _kind_among(*kinds: str) -> Callable[[object], str | None]:
    """Return a function that returns the form of a value: for a table, the one key of `kinds` that it has."""

    def kind_of(value: object) -> str | None:
        if not isinstance(value, Mapping):
            return "text" if isinstance(value, str) and "from" in kinds else None
        found = [kind for kind in kinds if kind in value]
        return found[0] if len(found) == 1 else None

    return kind_of


_Source = (
    Annotated[KeyringKey, Tag("keyring")]
    | Annotated[EnvKey, Tag("env")]
    | Annotated[CommandKey, Tag("command")]
    | Annotated[FileKey, Tag("file")]
)


def _key_source(form: KeyringKey | EnvKey | CommandKey | FileKey, info: ValidationInfo) -> KeySource:
    """Convert a form. The context has the home, which replaces a path's `~`, and the folder where relative paths start."""
    match form:
        case KeyringKey():
            return KeySource("keyring")
        case EnvKey():
            return KeySource("env", variable=form.env)
        case CommandKey():
            return KeySource("command", argv=form.command, timeout=float(form.timeout))
    home, folder = info.context or ("", "")
    if form.file == "~" or form.file.startswith(("~/", "~" + os.sep)):
        return KeySource("file", path=os.path.join(home, form.file[2:]))
    return KeySource("file", path=os.path.normpath(os.path.join(folder, form.file)))


def _env_value(form: str | Alias | KeyringKey | EnvKey | CommandKey | FileKey, info: ValidationInfo) -> EnvValue:
    if isinstance(form, str):
        return EnvValue(text=form)
    if isinstance(form, Alias):
        return EnvValue(part=form.part, append=form.append)
    return EnvValue(secret=_key_source(form, info))


Key = Annotated[_Source, Discriminator(_kind_among(*SOURCES)), AfterValidator(_key_source)]
Value = Annotated[
    Annotated[EnvironmentValue, Tag("text")] | Annotated[Alias, Tag("from")] | _Source,
    Discriminator(_kind_among("from", *SOURCES)),
    AfterValidator(_env_value),
]
