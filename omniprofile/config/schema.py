"""What a profile file may hold, as models. DOOR: pydantic.

The models judge (strict: no value is converted, unknown keys are refused) and give the JSON Schema that editors use, with
their descriptions as hover texts. `judge` turns what they object to into findings; `declare` reads what they accept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from omniprofile.model.exported import is_reserved
from omniprofile.model.finding import Code
from omniprofile.model.names import MAX_LENGTH
from omniprofile.model.origin import NotAnOrigin, Origin, parse_host

LONGEST_TIMEOUT = 600


def _wrong(message: str, suggestion: str | None = None, code: Code = Code.WRONG_VALUE) -> PydanticCustomError:
    """A judgement of our own. `message` goes on after the key's name, as in "`profiles.prod.base_url` MESSAGE"."""
    # The type is no LiteralString to mypy where it comes from an enum; it is only a label here.
    return PydanticCustomError("omniprofile", "{message}", {"message": message, "suggestion": suggestion, "code": code})


def _base_url(text: str) -> str:
    try:
        Origin.parse(text)
    except NotAnOrigin as problem:
        hint = f'write "{problem.suggestion}"' if problem.suggestion else 'it looks like "https://acme.omniapp.co"'
        raise _wrong(str(problem), hint) from None
    return text


def _no_nul(text: str, what: str = "") -> str:
    if "\0" in text:
        raise _wrong(f"holds a NUL, which no {what or 'such value'} can")
    return text


ProfileName = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_LENGTH - 1}}}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1)]


class Table(BaseModel):
    """What every table has in common: strict, closed, and left as it is."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid", frozen=True)


class KeyringKey(Table):
    """The key lies in the secret store: `omniprofile login NAME` puts it there. The default."""

    keyring: Literal[True] = Field(description="The key lies in the secret store.")


class EnvKey(Table):
    """The key is the value of an environment variable."""

    env: Variable = Field(description="The variable that holds the key.", examples=["ACME_OMNI_KEY"])


class CommandKey(Table):
    """The key is what a command prints. It is run directly, without a shell."""

    command: list[str] = Field(
        min_length=1,
        description="The program and its arguments; no shell reads them.",
        examples=[["op", "read", "op://Work/Omni staging/credential"]],
    )
    timeout: float = Field(
        default=30.0,
        gt=0,
        le=LONGEST_TIMEOUT,
        allow_inf_nan=False,
        description="Seconds after which the command and its children are ended.",
    )

    @field_validator("command")
    @classmethod
    def _can_be_run(cls, command: list[str]) -> list[str]:
        if not command[0]:
            raise _wrong("names no program")
        for argument in command:
            _no_nul(argument, "argument of a program")
        return command


class FileKey(Table):
    """The key is the content of a file that nobody else may read."""

    file: Text = Field(
        description="The file. `~` is your home; a relative path starts at the profile file's folder.",
        examples=["~/.secrets/omni-staging"],
    )

    @field_validator("file")
    @classmethod
    def _can_be_a_path(cls, file: str) -> str:
        return _no_nul(file, "path")


def _kind_of_key(value: object) -> str | None:
    if isinstance(value, BaseModel):
        value = value.__dict__
    if not isinstance(value, Mapping):
        return None
    kinds = [kind for kind in ("keyring", "env", "command", "file") if kind in value]
    return kinds[0] if len(kinds) == 1 else None


Key = Annotated[
    Annotated[KeyringKey, Tag("keyring")]
    | Annotated[EnvKey, Tag("env")]
    | Annotated[CommandKey, Tag("command")]
    | Annotated[FileKey, Tag("file")],
    Discriminator(_kind_of_key),
]


class Expect(Table):
    """Who the credential must belong to, as `GET /api/v1/whoami` tells it. Checked by `login` and `test`."""

    user: Text | None = Field(default=None, description="The user's id.")
    membership_id: Text | None = Field(default=None, description="The user's membership id.")
    key_scope: Literal["user", "organization"] | None = Field(
        default=None, description="A person's own key, or the organization's."
    )
    org_role: Text | None = Field(
        default=None, description="The role in the organization.", examples=["MEMBER", "ORG_ADMIN"]
    )


class Instance(Table):
    """One Omni deployment."""

    base_url: str = Field(
        description="The address that you use to log in: scheme, host, and a port if need be.",
        examples=["https://acme.omniapp.co"],
    )
    description: str | None = Field(default=None, description="A sentence for people.")
    allow_insecure: bool = Field(
        default=False, description="Allow plain http. It is only ever allowed to a loopback address."
    )

    _is_a_base_url = field_validator("base_url")(_base_url)


class Defaults(Table):
    """Values for every profile that has none of its own, from its parents or from its instance."""

    instance: ProfileName | None = Field(default=None, description="The instance, by the name of its table.")
    base_url: str | None = Field(
        default=None,
        description="The address that you use to log in. An alternative to `instance`.",
        examples=["https://acme.omniapp.co"],
    )
    auth: Literal["oauth", "api-key"] | None = Field(
        default=None, description="How to authenticate. Without it: `api-key`, as in the vendor's CLI."
    )
    key: Key | None = Field(default=None, description="Where an API key comes from. Without it: the secret store.")
    protected: bool | None = Field(default=None, description="Ask before the profile is switched to or used by `exec`.")
    allow_insecure: bool | None = Field(
        default=None, description="Allow plain http. It is only ever allowed to a loopback address."
    )
    expect: Expect | None = Field(default=None, description="The identity that the credential must have.")
    env: dict[Variable, str] | None = Field(
        default=None,
        description="Variables that are exported along with the credential.",
        examples=[{"OMNI_OUTPUT_FORMAT": "json"}],
    )

    @field_validator("base_url")
    @classmethod
    def _is_a_base_url(cls, base_url: str | None) -> str | None:
        return None if base_url is None else _base_url(base_url)

    @field_validator("env")
    @classmethod
    def _can_be_exported(cls, env: dict[str, str] | None) -> dict[str, str] | None:
        for name, value in (env or {}).items():
            if is_reserved(name):
                raise _wrong(
                    f"may not set `{name}`: it carries the credential or steers omniprofile",
                    "remove it; the profile's own keys say what it should be",
                )
            _no_nul(value, "environment variable")
        return env

    @model_validator(mode="after")
    def _one_address(self) -> "Defaults":
        if self.instance is not None and self.base_url is not None:
            raise _wrong(
                "has both `instance` and `base_url`", "keep one: each says which address to use", Code.CONTRADICTION
            )
        return self


class Profile(Defaults):
    """A named choice: an instance, an auth method, where its key comes from, what else to export."""

    description: str | None = Field(default=None, description="A sentence for people.")
    extends: ProfileName | None = Field(default=None, description="The profile whose values this one starts from.")


class SettingsTable(Table):
    """How omniprofile itself behaves."""

    allowed_hosts: list[str] = Field(
        default=[],
        description="Whole host names, beyond Omni's own domains, that credentials may be sent to.",
        examples=[["bi.acme.example"]],
    )
    secret_store: Literal["keyring", "file"] | None = Field(
        default=None,
        description="Where omniprofile keeps secrets: the operating system's keyring, or a file of mode 0600.",
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, hosts: list[str]) -> list[str]:
        for number, host in enumerate(hosts, 1):
            try:
                parse_host(host)
            except NotAnOrigin as problem:
                hint = f'write "{problem.suggestion}"' if problem.suggestion else 'it looks like "bi.acme.example"'
                raise _wrong(f"has an entry (number {number}) that {problem}", hint) from None
        return hosts


class ProfilesFile(Table):
    """Profiles for Omni: which instance, which way to authenticate, which credential. Secrets never are in this file."""

    version: Literal[1] = Field(default=1, description="The version of this format.")
    default: ProfileName | None = Field(default=None, description="The profile in use when nothing else selects one.")
    settings: SettingsTable = Field(default=SettingsTable(), description="How omniprofile itself behaves.")
    instances: dict[ProfileName, Instance] = Field(default={}, description="Omni deployments, by name.")
    profiles: dict[ProfileName, Profile] = Field(default={}, description="Profiles, by name.")
    defaults: Defaults = Field(default=Defaults(), description="Values for every profile that has none of its own.")


class Pin(Table):
    """A project pin: it names one of your profiles, and nothing else."""

    profile: Text = Field(description="The profile's name.")


def json_schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of the profile file, made from the models."""
    schema = ProfilesFile.model_json_schema()
    # Editors of TOML know this key, which is a comment to the file itself.
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.invalid/omniprofile.schema.json",
        **schema,
        "title": "omniprofile profiles",
    }


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing that a model objects to. `kind` and `context` are pydantic's, of stable names; no value is in it.

    `path` is the document's; `of_key` says that it is about the last key itself and not about its value.
    """

    kind: str
    path: tuple[str | int, ...]
    of_key: bool
    context: Mapping[str, Any]


def objections(data: Mapping[str, Any], model: type[Table]) -> list[Objection]:
    """What `model` objects to in `data`; empty for good data."""
    try:
        model.model_validate(data)
    except ValidationError as problem:
        errors = problem.errors(include_url=False, include_input=False)
        return [Objection(error["type"], *_path(error["loc"]), error.get("ctx", {})) for error in errors]
    return []


def _path(loc: Iterable[str | int]) -> tuple[tuple[str | int, ...], bool]:
    """The location that pydantic gives, as a path of the document, and whether it is about a key itself and not about its value.

    After a profile's `key` pydantic puts the tag of the union that it chose, which no file has.
    """
    parts = [part for part in loc if part != "[key]"]
    of_key = any(part == "[key]" for part in loc)
    key_at = {"profiles": 2, "defaults": 1}.get(str(parts[0])) if parts else None
    if key_at is not None and len(parts) > key_at + 1 and parts[key_at] == "key":
        del parts[key_at + 1]
    return tuple(parts), of_key
