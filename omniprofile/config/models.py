"""What a profile file and a pin may hold, as models. DOOR: pydantic.

The models are strict (no value is converted, unknown keys are refused). What they accept they give as typed, frozen values:
`declare` makes a table's `Declaration`. `json_schema` makes of them what editors use, with their descriptions as
hover texts. `violations` puts what they object to into words.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetPydanticSchema,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, PydanticKnownError, core_schema

from omniprofile.model import declaration
from omniprofile.model.access import ALLOWED_REQUEST, READS, is_allowed_request
from omniprofile.model.declaration import Access, AuthMethod, Declaration, EnvValue, KeySource, Part, StoreName
from omniprofile.model.exported import BASE_URL, ORGANIZATION, PROFILE, TOKENS, is_reserved
from omniprofile.model.finding import Code
from omniprofile.model.names import MAX_LENGTH, holds_key, printable, quoted_list
from omniprofile.model.origin import BASE_URL_PATTERN, HOST_PATTERN, NotAnOrigin, Origin, parse_host
from omniprofile.model.provenance import Layer

T = TypeVar("T")

LONGEST_TIMEOUT = 600


def _wrong(
    message: str, suggestion: str | None = None, code: Code = Code.WRONG_VALUE, replacement: str | None = None
) -> PydanticCustomError:
    """Return a violation in our words: `message` goes on after the key's name, `replacement` is what was surely meant."""
    context = {"message": message, "suggestion": suggestion, "code": code, "replacement": replacement}
    return PydanticCustomError("omniprofile", "{message}", context)


def _exactly(expected: object) -> BeforeValidator:
    """Refuse what is equal to `expected` to Python and not to TOML: `1`, `1.0` and `true`."""

    def check(value: object) -> object:
        if type(value) is not type(expected):
            raise PydanticKnownError("literal_error", {"expected": repr(expected)})
        return value

    return BeforeValidator(check)


def _text(read: Callable[[str], object], pattern: str, *, min_length: int = 0) -> GetPydanticSchema:
    """A string that `read` makes into the field's value, or refuses; `pattern` says the same to editors."""
    schema = core_schema.no_info_after_validator_function(read, core_schema.str_schema(min_length=min_length))
    written: JsonSchemaValue = {"type": "string", "pattern": pattern}
    if min_length:
        written["minLength"] = min_length
    return GetPydanticSchema(lambda _source, _handler: schema, lambda _schema, _handler: dict(written))


def _address(parse: Callable[[str], T], example: str) -> Callable[[str], T]:
    """Let `parse`, of `model.origin`, read an address; `example` is shown where nothing better is known."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except NotAnOrigin as problem:
            if "@" in text and parse == Origin.parse:
                raise _wrong(str(problem), code=Code.SECRET) from None
            hint = f'write "{problem.suggestion}"' if problem.suggestion else f'it looks like "{example}"'
            raise _wrong(str(problem), hint, replacement=problem.suggestion) from None

    return read


def _without_nul(what: str) -> Callable[[str], str]:
    """Refuse a text that no `what` can be."""

    def read(text: str) -> str:
        if "\0" in text:
            raise _wrong(f"holds a NUL, which no {what} can")
        return text

    return read


def _allowed_request(text: str) -> str:
    """Refuse an entry of `allow` that is no method and path, or that no profile has to allow."""
    if is_allowed_request(text):
        return text
    method, _, path = text.partition(" ")
    if method.upper() in READS:
        raise _wrong(f"is `{printable(text)}`, and {method.upper()} is always allowed", "remove it")
    if is_allowed_request(corrected := f"{method.upper()} {path}"):
        raise _wrong(
            f"is `{printable(text)}`, whose method is not in capitals", f"write `{corrected}`", replacement=corrected
        )
    raise _wrong(
        f"is `{printable(text)}`, which is not a method and a path",
        "write it as `POST /api/v1/ai/jobs`: POST, PUT, PATCH or DELETE, and a path without query in which `{id}` or `*` stands "
        "for one segment",
    )


def _may_be_set(variable: str) -> str:
    if is_reserved(variable):
        raise _wrong(
            "may not be set: it carries the credential or steers omniprofile",
            "remove it; the profile's own keys say what it should be",
        )
    return variable


def _no_key(name: str) -> str:
    if holds_key(name):
        hint = "choose another name, and revoke the key if this file was ever shared: it may be in its history"
        raise _wrong("looks like an API key, which no name may be", hint, Code.SECRET)
    return name


def _names_a_program(argv: list[str]) -> list[str]:
    if not argv[0]:
        raise _wrong("names no program", "its first part is the program to run")
    return argv


_NAME = rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_LENGTH - 1}}}$"
VARIABLE_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"
_NO_NUL = r"^[^\u0000]*$"

ProfileName = Annotated[str, StringConstraints(pattern=_NAME), AfterValidator(_no_key)]
VariableName = Annotated[str, StringConstraints(pattern=VARIABLE_PATTERN)]
FreeVariable = Annotated[VariableName, AfterValidator(_may_be_set)]
Text = Annotated[str, StringConstraints(min_length=1)]
BaseUrl = Annotated[Origin, _text(_address(Origin.parse, "https://acme.omniapp.co"), BASE_URL_PATTERN)]
Host = Annotated[str, _text(_address(parse_host, "bi.acme.example"), HOST_PATTERN)]
EnvironmentValue = Annotated[str, _text(_without_nul("environment variable"), _NO_NUL)]
Argument = Annotated[str, _text(_without_nul("argument of a program"), _NO_NUL)]
AllowedRequest = Annotated[str, _text(_allowed_request, ALLOWED_REQUEST)]
Program = Annotated[
    list[Argument],
    Field(min_length=1, json_schema_extra={"prefixItems": [{"type": "string", "minLength": 1, "pattern": _NO_NUL}]}),
    AfterValidator(_names_a_program),
]
FilePath = Annotated[str, _text(_without_nul("path"), _NO_NUL, min_length=1)]


@dataclass(frozen=True, slots=True)
class Place:
    """A table's name, file and lines, as `Declaration` has them, and the home that `~` stands for."""

    layer: Literal[Layer.PROFILE, Layer.INSTANCE, Layer.DEFAULTS]
    name: str
    file: str
    line: int
    lines: Mapping[str, int]
    home: str


class Table(BaseModel):
    """What every table has in common: strict, closed, and left as it is."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid", frozen=True)


class KeyringKey(Table):
    """It lies in the secret store: `omniprofile login NAME` puts the key there, with `--secret VARIABLE` a secret of `env`."""

    keyring: Annotated[Literal[True], _exactly(True)] = Field(
        description="It lies in the secret store; `omniprofile login NAME` puts the key there, with `--secret VARIABLE` a "
        "secret of `env`.",
        examples=[True],
    )

    def source(self, at: "Place") -> KeySource:  # noqa: ARG002 - every form has it
        """Return it as the program has it."""
        return KeySource("keyring")


class EnvKey(Table):
    """The key or secret is the value of an environment variable."""

    env: VariableName = Field(
        description="The variable that holds it: its name, not its value.", examples=["ACME_OMNI_KEY"]
    )

    def source(self, at: "Place") -> KeySource:  # noqa: ARG002 - every form has it
        """Return it as the program has it."""
        return KeySource("env", variable=self.env)


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

    def source(self, at: "Place") -> KeySource:  # noqa: ARG002 - every form has it
        """Return it as the program has it."""
        return KeySource("command", argv=tuple(self.command), timeout=float(self.timeout))


class FileKey(Table):
    """The key or secret is the content of a file that nobody else may read."""

    file: FilePath = Field(
        description="The file. `~` is your home; a relative path starts at the profile file's folder.",
        examples=["~/.secrets/omni-staging", "/run/secrets/omni"],
    )

    def source(self, at: "Place") -> KeySource:
        """Return it as the program has it: `~` is the home, a relative path starts where the file really lies, links followed."""
        if self.file == "~" or self.file.startswith(("~/", "~" + os.sep)):
            return KeySource("file", path=os.path.join(at.home, self.file[2:]))
        folder = os.path.dirname(os.path.realpath(at.file))
        return KeySource("file", path=os.path.normpath(os.path.join(folder, self.file)))


class Alias(Table):
    """A part of the credential that the profile comes to, under another name."""

    part: Part = Field(
        alias="from",
        description="What the variable holds: the token, the base URL, its host (with a port that is not the usual one), or NAME "
        "of `NAME.omniapp.co`.",
        examples=["token", "base_url"],
    )
    append: EnvironmentValue = Field(default="", description="A text after it.", examples=["/api", "/mcp/https"])

    def value(self) -> EnvValue:
        """Return it as the program has it."""
        return EnvValue(part=self.part, append=self.append)


SOURCES = ("keyring", "env", "command", "file")
"""The forms of a key or secret, each by the key that every one of them has and no other."""


def _kind_among(*kinds: str) -> Callable[[object], str | None]:
    """Return what tells the form of a table: by which of `kinds`, exactly one, it has."""

    def kind_of(value: object) -> str | None:
        if not isinstance(value, Mapping):
            return "text" if isinstance(value, str) and "from" in kinds else None
        found = [kind for kind in kinds if kind in value]
        return found[0] if len(found) == 1 else None

    return kind_of


Key = Annotated[
    Annotated[KeyringKey, Tag("keyring")]
    | Annotated[EnvKey, Tag("env")]
    | Annotated[CommandKey, Tag("command")]
    | Annotated[FileKey, Tag("file")],
    Discriminator(_kind_among(*SOURCES)),
]
Value = Annotated[
    Annotated[EnvironmentValue, Tag("text")]
    | Annotated[Alias, Tag("from")]
    | Annotated[KeyringKey, Tag("keyring")]
    | Annotated[EnvKey, Tag("env")]
    | Annotated[CommandKey, Tag("command")]
    | Annotated[FileKey, Tag("file")],
    Discriminator(_kind_among("from", *SOURCES)),
]


OWN_PARTS: Mapping[str, tuple[Part, ...]] = {
    **dict.fromkeys(TOKENS, ("token",)),
    BASE_URL: ("base_url", "host"),
    **dict.fromkeys((PROFILE, ORGANIZATION), ("base_url", "host", "organization")),
}
"""What each of omniprofile's own variables may be an alias of. Whoever reads one knows whether it holds a secret: the token goes
into no other one, and nothing else, and nothing after it, into these."""


class Expect(Table):
    """Who the credential must belong to, as `GET /api/v1/whoami` tells it. Checked by `login` and `test`."""

    user: Text | None = Field(
        default=None, description="The user's id.", examples=["9e8719d9-276a-4964-9395-a493189a247c"]
    )
    membership_id: Text | None = Field(
        default=None, description="The user's membership id.", examples=["1b6e3d52-0a3f-4a79-9c2e-6f1c1f7f5a10"]
    )
    key_scope: Literal["user", "organization"] | None = Field(
        default=None,
        description='A person\'s own key or login (`"user"`), or the organization\'s key (`"organization"`).',
        examples=["user"],
    )
    org_role: Text | None = Field(
        default=None, description="The role in the organization.", examples=["MEMBER", "ORG_ADMIN"]
    )


class Instance(Table):
    """One Omni deployment."""

    base_url: BaseUrl = Field(
        description="The address that you use to log in: scheme, host, and a port if need be.",
        examples=["https://acme.omniapp.co"],
    )
    description: str | None = Field(default=None, description="A sentence for people.", examples=["Acme, EU region"])
    allow_insecure: bool | None = Field(
        default=None,
        description="Allow plain http. It is only ever allowed to a loopback address.",
        examples=[True],
    )

    def declare(self, at: Place) -> Declaration:
        """Return the table as the program has it."""
        return Declaration(
            at.layer, at.name, at.file, at.line, at.lines, base_url=self.base_url,
            description=self.description, allow_insecure=self.allow_insecure,
        )  # fmt: skip


class Defaults(Table):
    """Values for every profile that has none of its own, from its parents or from its instance."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["instance", "base_url"]}})

    instance: ProfileName | None = Field(
        default=None,
        description="The instance, by the name of its table `[instances.NAME]`. Not together with `base_url`.",
        examples=["acme"],
    )
    base_url: BaseUrl | None = Field(
        default=None,
        description="The address that you use to log in. An alternative to `instance`.",
        examples=["https://acme.omniapp.co"],
    )
    auth: AuthMethod | None = Field(
        default=None,
        description='How to authenticate: `"oauth"` logs a person in by the browser, `"api-key"` takes an organization key or '
        "a personal access token. Without it: `api-key`, as in the vendor's CLI.",
        examples=["oauth"],
    )
    key: Key | None = Field(
        default=None,
        description="Where an API key comes from; never the key itself. Without it: the secret store.",
        examples=[{"env": "ACME_OMNI_KEY"}, {"command": ["pass", "show", "omni/prod"]}],
    )
    protected: bool | None = Field(
        default=None, description="Ask before the profile is switched to or used by `exec`.", examples=[True]
    )
    access: Access | None = Field(
        default=None,
        description='What programs get: the token (`"full"`, the default), only the address of a gateway that adds it '
        '(`"gateway"`), or a gateway that lets only reads through (`"read-only"`).',
        examples=["read-only"],
    )
    allow: list[AllowedRequest] | None = Field(
        default=None,
        description='Requests that `access = "read-only"` lets through besides reads: a method and a path, in which `{id}` or '
        "`*` stands for one segment.",
        examples=[["POST /api/v1/ai/jobs", "DELETE /api/v1/schedules/{id}"]],
    )
    browser: Program | None = Field(
        default=None,
        description="The browser of `login` and `open`, before `BROWSER`: a program and its arguments; the address is appended.",
        examples=[["firefox", "-P", "acme"], ["google-chrome", "--profile-directory=Profile 2"]],
    )
    allow_insecure: bool | None = Field(
        default=None,
        description="Allow plain http. It is only ever allowed to a loopback address.",
        examples=[True],
    )
    expect: Expect | None = Field(
        default=None,
        description="The identity that the credential must have; `login` and `test` compare it with whoami.",
        examples=[{"key_scope": "user", "org_role": "MEMBER"}],
    )
    tags: list[ProfileName] | None = Field(
        default=None,
        description="Words that `list`, `test` and `each` take as `@WORD`, for all profiles that have it. They replace those of "
        "the parent.",
        examples=[["acme", "eu"]],
    )
    env: dict[FreeVariable, Value] | None = Field(
        default=None,
        description="Variables that are exported along with the credential: each a text as it stands here, a part of the "
        'credential (`{ from = "token" }`), or a secret of its own (`{ keyring = true }` or another source, never the secret '
        "itself).",
        examples=[
            {
                "OMNI_OUTPUT_FORMAT": "json",
                "MCP_SERVER_URL": {"from": "base_url", "append": "/mcp/https"},
                "OMNI_EMBED_SECRET": {"keyring": True},
            }
        ],
    )

    @model_validator(mode="after")
    def _one_address(self) -> "Defaults":
        if self.instance is not None and self.base_url is not None:
            raise _wrong(
                "has both `instance` and `base_url`", "keep one: each says which address to use", Code.CONTRADICTION
            )
        return self

    def declare(self, at: Place) -> Declaration:
        """Return the table as the program has it."""
        return Declaration(
            at.layer,
            at.name,
            at.file,
            at.line,
            at.lines,
            instance=self.instance,
            base_url=self.base_url,
            auth=self.auth,
            key=self.key.source(at) if self.key else None,
            protected=self.protected,
            access=self.access,
            allow=None if self.allow is None else tuple(self.allow),
            browser=None if self.browser is None else tuple(self.browser),
            allow_insecure=self.allow_insecure,
            expect=declaration.Expect(**dict(self.expect)) if self.expect else None,
            tags=None if self.tags is None else tuple(self.tags),
            env={name: _env_value(value, at) for name, value in (self.env or {}).items()},
        )


def _env_value(value: Any, at: Place) -> EnvValue:
    if isinstance(value, str):
        return EnvValue(text=value)
    return value.value() if isinstance(value, Alias) else EnvValue(secret=value.source(at))


class Profile(Defaults):
    """A named choice: an instance, an auth method, where its key comes from, what else to export."""

    description: str | None = Field(
        default=None, description="A sentence for people.", examples=["Production, my own login"]
    )
    extends: ProfileName | None = Field(
        default=None,
        description="The profile whose values this one starts from. One parent, which may have one itself; no circles.",
        examples=["base"],
    )

    def declare(self, at: Place) -> Declaration:
        """Return the table as the program has it."""
        return replace(super().declare(at), description=self.description, extends=self.extends)


class SettingsTable(Table):
    """How omniprofile itself behaves."""

    allowed_hosts: list[Host] = Field(
        default=[],
        description="Whole host names, beyond Omni's own domains, that credentials may be sent to.",
        examples=[["bi.acme.example"]],
    )
    secret_store: StoreName | None = Field(
        default=None,
        description="Where omniprofile keeps secrets: the operating system's keyring, or a file of mode 0600.",
        examples=["keyring"],
    )
    trusted_folders: list[Annotated[str, Field(pattern=r"^(?:~(?:[/\\\\]|$)|/|[A-Za-z]:[/\\\\])")]] = Field(
        default=[],
        description="Whole paths (`~` is your home) of folders whose project pins count though another user may write them, "
        "such as mounted repositories.",
        examples=[["/mnt/c/work"]],
    )


class ProfilesFile(Table):
    """Profiles for Omni: which instance, which way to authenticate, which credential. Secrets never are in this file."""

    version: Annotated[Literal[1], _exactly(1)] = Field(
        default=1, description="The version of this format.", examples=[1]
    )
    default: ProfileName | None = Field(
        default=None, description="The profile in use when nothing else selects one.", examples=["prod"]
    )
    settings: SettingsTable = Field(default=SettingsTable(), description="How omniprofile itself behaves.")
    instances: dict[ProfileName, Instance] = Field(
        default={},
        description="Omni deployments, by name: `[instances.NAME]`.",
        examples=[{"acme": {"base_url": "https://acme.omniapp.co"}}],
    )
    profiles: dict[ProfileName, Profile] = Field(
        default={},
        description="Profiles, by name: `[profiles.NAME]`.",
        examples=[{"prod": {"instance": "acme", "auth": "oauth"}}],
    )
    defaults: Defaults | None = Field(default=None, description="Values for every profile that has none of its own.")


class Pin(Table):
    """A project pin: it names one of your profiles, and nothing else."""

    profile: Text = Field(description="The profile's name.", examples=["staging"])


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that a model objects to. `kind` and `context` are pydantic's, of stable names; no value is in it.

    `path` is the document's; `of_key` says that it is about the last key itself and not about its value.
    """

    kind: str
    path: tuple[str | int, ...]
    of_key: bool
    context: Mapping[str, Any]


M = TypeVar("M", bound=Table)


def read(data: Mapping[str, Any], model: type[M]) -> M | list[Violation]:
    """Return `data` as `model` has it, or else everything that the model objects to in it."""
    found = list(_unfit_own_variables(data)) if model is ProfilesFile else []
    try:
        made = model.model_validate(data)
    except ValidationError as problem:
        errors = problem.errors(include_url=False, include_input=False)
        found += [Violation(error["type"], *_path(error["loc"]), error.get("ctx", {})) for error in errors]
    return found or made


def _unfit_own_variables(data: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what is wrong with omniprofile's own variables in `env`: a value that is no fit alias, and leaves none out."""
    profiles = data.get("profiles")
    tables: list[tuple[tuple[str, ...], Any]] = [(("defaults",), data.get("defaults"))]
    tables += [(("profiles", name), table) for name, table in profiles.items()] if isinstance(profiles, Mapping) else []
    for path, table in tables:
        env: Any = table.get("env") if isinstance(table, Mapping) else None
        for name, parts in OWN_PARTS.items() if isinstance(env, Mapping) else ():
            value = env.get(name, "")
            alias = value if isinstance(value, Mapping) and "from" in value else None
            if value == "" or (alias and alias["from"] in parts and not (name in TOKENS and alias.get("append"))):
                continue
            problem = _wrong(
                f"may only be an alias of {quoted_list(parts)}, or be left out: it carries the credential",
                f'write `{{ from = "{parts[0]}" }}`, or `""` to leave it out; the profile\'s own keys say what it should be',
            )
            yield Violation(problem.type, (*path, "env", name), True, problem.context or {})


def violations(data: Mapping[str, Any], model: type[Table]) -> list[Violation]:
    """Return what `model` objects to in `data`; empty for good data."""
    found = read(data, model)
    return found if isinstance(found, list) else []


def _path(loc: Iterable[str | int]) -> tuple[tuple[str | int, ...], bool]:
    """The location that pydantic gives, as a path of the document, and whether it is about a key itself and not about its value.

    After a profile's `key`, and a variable of its `env`, pydantic puts the tag of the union that it chose, which no file has.
    """
    parts = [part for part in loc if part != "[key]"]
    of_key = any(part == "[key]" for part in loc)
    key_at = {"profiles": 2, "defaults": 1}.get(str(parts[0])) if parts else None
    tag_at = (
        key_at + {"key": 1, "env": 2}.get(str(parts[key_at]), len(parts)) if key_at and len(parts) > key_at else None
    )
    if tag_at and len(parts) > tag_at:
        del parts[tag_at]
    return tuple(parts), of_key


def keys_of(model: type[Table]) -> dict[str, FieldInfo]:
    """Return the keys that a table of `model` may have, as a file has them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def type_at(model: type[Table], path: Iterable[str | int]) -> Any:
    """Return the type, of the annotations, of what may stand at `path` of a table of `model`; None for an unknown key."""
    kind: Any = model
    for part in path:
        choices = [choice for choice in _choices(kind) if choice is not type(None)]
        for choice in choices:
            if isinstance(choice, type) and issubclass(choice, Table) and part in keys_of(choice):
                kind = keys_of(choice)[str(part)].annotation
                break
            if get_origin(choice) in (dict, list):
                kind = get_args(choice)[-1]
                break
        else:
            return None
    return next((choice for choice in _choices(kind) if choice is not type(None)), None)


def _choices(kind: Any) -> list[Any]:
    """Return the members of a union, and of any other type itself, with their annotations taken off."""
    if get_origin(kind) is Annotated:
        return _choices(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [choice for member in get_args(kind) for choice in _choices(member)]
    return [kind]
