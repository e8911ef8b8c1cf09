"""What a profile file may hold, as models. DOOR: pydantic.

The models judge (strict: no value is converted, unknown keys are refused) and give the JSON Schema that editors use, with
their descriptions as hover texts. `judge` turns what they object to into findings; `declare` reads what they accept. What no
type can say is in `rules`. `shape` is made from the models, and spares good files their import.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticCustomError, PydanticKnownError, core_schema

from omniprofile.config import patterns, rules

LONGEST_TIMEOUT = 600


def _judged(rule: Callable[[Any], None], value: Any) -> None:
    """Judge `value` by one of `rules`, in the way that pydantic is told of it."""
    try:
        rule(value)
    except rules.Wrong as wrong:
        context = {
            "message": str(wrong),
            "suggestion": wrong.suggestion,
            "code": wrong.code,
            "replacement": wrong.replacement,
        }
        raise PydanticCustomError("omniprofile", "{message}", context) from None


def _ruled(rule: Callable[[Any], None]) -> AfterValidator:
    def validate(value: Any) -> Any:
        _judged(rule, value)
        return value

    validate.__name__ = rule.__name__  # `shape` names the rule by it
    return AfterValidator(validate)


def _exactly(expected: object) -> Callable[[object], object]:
    """Refuse what is equal to `expected` to Python and not to TOML: `1`, `1.0` and `true`."""

    def check(value: object) -> object:
        if type(value) is not type(expected):
            raise PydanticKnownError("literal_error", {"expected": repr(expected)})
        return value

    return check


def _written(pattern: str, **more: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, **more})


ProfileName = Annotated[str, StringConstraints(pattern=patterns.NAME)]
VariableName = Annotated[str, StringConstraints(pattern=patterns.VARIABLE)]
FreeVariable = Annotated[VariableName, _ruled(rules.free_variable)]
Text = Annotated[str, StringConstraints(min_length=1)]
BaseUrl = Annotated[str, _ruled(rules.base_url), _written(patterns.BASE_URL)]
Host = Annotated[str, _ruled(rules.host), _written(patterns.HOST)]
EnvironmentValue = Annotated[str, _ruled(rules.environment_value), _written(patterns.NO_NUL)]
Argument = Annotated[str, _ruled(rules.argument), _written(patterns.NO_NUL)]
FilePath = Annotated[Text, _ruled(rules.path), _written(patterns.NO_NUL, minLength=1)]


class Table(BaseModel):
    """What every table has in common: strict, closed, and left as it is."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid", frozen=True)


class KeyringKey(Table):
    """The key lies in the secret store: `omniprofile login NAME` puts it there. The default."""

    keyring: Annotated[Literal[True], BeforeValidator(_exactly(True))] = Field(
        description="The key lies in the secret store; `omniprofile login NAME` puts it there.", examples=[True]
    )


class EnvKey(Table):
    """The key is the value of an environment variable."""

    env: VariableName = Field(
        description="The variable that holds the key: its name, not its value.", examples=["ACME_OMNI_KEY"]
    )


class CommandKey(Table):
    """The key is what a command prints. It is run directly, without a shell."""

    command: Annotated[list[Argument], _ruled(rules.command)] = Field(
        min_length=1,
        description="The program and its arguments; no shell reads them. It prints the key, and nothing else, in one line.",
        examples=[["op", "read", "op://Work/Omni staging/credential"], ["pass", "show", "omni/prod"]],
        json_schema_extra={"prefixItems": [{"type": "string", "minLength": 1, "pattern": patterns.NO_NUL}]},
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
    """The key is the content of a file that nobody else may read."""

    file: FilePath = Field(
        description="The file. `~` is your home; a relative path starts at the profile file's folder.",
        examples=["~/.secrets/omni-staging", "/run/secrets/omni"],
    )


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
    allow_insecure: bool = Field(
        default=False,
        description="Allow plain http. It is only ever allowed to a loopback address.",
        examples=[True],
    )


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
    auth: Literal["oauth", "api-key"] | None = Field(
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
    env: dict[FreeVariable, EnvironmentValue] | None = Field(
        default=None,
        description="Variables that are exported along with the credential, each value as it stands here.",
        examples=[{"OMNI_OUTPUT_FORMAT": "json"}],
    )

    @model_validator(mode="after")
    def _one_address(self) -> "Defaults":
        _judged(rules.one_address, self.__dict__)
        return self


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


class SettingsTable(Table):
    """How omniprofile itself behaves."""

    allowed_hosts: list[Host] = Field(
        default=[],
        description="Whole host names, beyond Omni's own domains, that credentials may be sent to.",
        examples=[["bi.acme.example"]],
    )
    secret_store: Literal["keyring", "file"] | None = Field(
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

    version: Annotated[Literal[1], BeforeValidator(_exactly(1))] = Field(
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
    defaults: Defaults = Field(default=Defaults(), description="Values for every profile that has none of its own.")


class Pin(Table):
    """A project pin: it names one of your profiles, and nothing else."""

    profile: Text = Field(description="The profile's name.", examples=["staging"])


def json_schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of the profile file, made from the models."""
    return _json_schema(ProfilesFile, "omniprofile.schema.json", "omniprofile profiles")


def pin_json_schema() -> dict[str, object]:
    """The JSON Schema of the project pin, `.omniprofile.toml`."""
    return _json_schema(Pin, "omniprofile-pin.schema.json", "omniprofile project pin")


def _json_schema(model: type[Table], name: str, title: str) -> dict[str, object]:
    schema = model.model_json_schema(schema_generator=_ForToml)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"https://example.invalid/{name}"}
    return {**head, "title": title, "x-tombi-toml-version": "v1.0.0", **schema}


class _ForToml(GenerateJsonSchema):
    """The schema of what TOML can say: there is no null in it, and an absent key has no value that an editor should offer."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        written = super().default_schema(schema)
        if not isinstance(written.get("default"), bool | int | float | str):
            written.pop("default", None)
        return written

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the base class's signature
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        written = super().model_schema(schema)
        del written["title"]  # the class's name says nothing to whoever reads the file
        return written

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        keys = self.generate_inner(schema["keys_schema"])
        values = self.generate_inner(schema["values_schema"])
        written = {"type": "object", "patternProperties": {keys["pattern"]: values}, "additionalProperties": False}
        if keys["pattern"] == patterns.VARIABLE:
            written["propertyNames"] = {"not": {"pattern": patterns.RESERVED_VARIABLE}}
        return written


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
