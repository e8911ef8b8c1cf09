"""The models of a profile file and a pin. DOOR: pydantic.

The models are strict: they convert no value and refuse unknown keys. A table's fields have the names of those of a `Declaration`
and, once validated, their types. `json_schema` generates the schema for editors, with the descriptions as hover texts.
`violations` puts errors into words.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from omniprofile.config.schema.fields import (
    AllowedRequest,
    BaseUrl,
    FreeVariable,
    Host,
    Many,
    ProfileName,
    Program,
    Text,
    exactly,
    wrong_value,
)
from omniprofile.config.schema.forms import Key, Table, Value
from omniprofile.model.declaration import Access, AuthMethod, EnvValue, Identity, Part, StoreName
from omniprofile.model.names import quoted_list
from omniprofile.model.rule_codes import Code
from omniprofile.model.variable_names import BASE_URL, ORGANIZATION, PROFILE, TOKENS

OWN_PARTS: Mapping[str, tuple[Part, ...]] = {
    **dict.fromkeys(TOKENS, ("token",)),
    BASE_URL: ("base_url", "host"),
    ORGANIZATION: ("base_url", "host", "organization"),
    PROFILE: (),
}
"""What each of omniprofile's own variables may be an alias of. A program that reads one must know whether it is a secret, so the
token's variables hold the token and nothing else, and no other variable here holds it. `OMNI_PROFILE` may be no alias, because
its readers look a profile up by it."""


def _own_variables(env: dict[str, EnvValue]) -> dict[str, EnvValue]:
    """Refuse each of omniprofile's own variables that is neither an allowed alias nor an empty text."""
    found: list[InitErrorDetails] = []
    for name, parts in OWN_PARTS.items():
        value = env.get(name, EnvValue(""))
        if value.text == "" or (value.part in parts and not (name in TOKENS and value.append)):
            continue
        problem = wrong_value(
            f"may only be an alias of {quoted_list(parts)}, or be left out: it carries the credential"
            if parts
            else "may only be left out: it names the profile",
            (f'write `{{ from = "{parts[0]}" }}`, or `""`' if parts else 'write `""`')
            + " to leave it out; the profile's own keys say what it should be",
        )
        found.append({"type": problem, "loc": (name, "[key]"), "input": None})
    if found:
        raise ValidationError.from_exception_data("env", found)
    return env


def optional(description: str, *examples: object) -> Any:
    """Return the field of a key that may be missing, with what editors and the manual show of it."""
    return Field(default=None, description=description, examples=list(examples))


INSECURE = optional("Allow plain http. It is only ever allowed to a loopback address.", True)


class Expect(Table):
    """Who the credential must belong to, as `GET /api/v1/whoami` tells it. Checked by `login` and `test`."""

    user: Text | None = optional("The user's id.", "9e8719d9-276a-4964-9395-a493189a247c")
    membership_id: Text | None = optional("The user's membership id.", "1b6e3d52-0a3f-4a79-9c2e-6f1c1f7f5a10")
    key_scope: Literal["user", "organization"] | None = optional(
        'A person\'s own key or login (`"user"`), or the organization\'s key (`"organization"`).', "user"
    )
    org_role: Text | None = optional("The role in the organization.", "MEMBER", "ORG_ADMIN")


class Instance(Table):
    """One Omni deployment."""

    base_url: BaseUrl = Field(
        description="The address that you use to log in: scheme, host, and a port if need be.",
        examples=["https://acme.omniapp.co"],
    )
    description: str | None = optional("A sentence for people.", "Acme, EU region")
    allow_insecure: bool | None = INSECURE


class Defaults(Table):
    """Values for every profile that has none of its own, from its parents or from its instance."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["instance", "base_url"]}})

    instance: ProfileName | None = optional(
        "The instance, by the name of its table `[instances.NAME]`. Not together with `base_url`.", "acme"
    )
    base_url: BaseUrl | None = optional(
        "The address that you use to log in. An alternative to `instance`.", "https://acme.omniapp.co"
    )
    auth: AuthMethod | None = optional(
        'How to authenticate: `"oauth"` logs a person in by the browser, `"api-key"` takes an organization key or '
        "a personal access token. Without it: `api-key`, as in the vendor's CLI.",
        "oauth",
    )
    key: Key | None = optional(
        "Where an API key comes from; never the key itself. Without it: the secret store.",
        {"env": "ACME_OMNI_KEY"},
        {"command": ["pass", "show", "omni/prod"]},
    )
    protected: bool | None = optional("Ask before the profile is switched to or used by `exec`.", True)
    access: Access | None = optional(
        'What programs get: the token (`"full"`, the default), only the address of a gateway that adds it '
        '(`"gateway"`), or a gateway that lets only reads through (`"read-only"`).',
        "read-only",
    )
    allow: Many[AllowedRequest] | None = optional(
        'Requests that `access = "read-only"` lets through besides reads: a method and a path, in which `{id}` or '
        "`*` stands for one segment.",
        ["POST /api/v1/ai/jobs", "DELETE /api/v1/schedules/{id}"],
    )
    browser: Program | None = optional(
        "The browser of `login` and `open`, before `BROWSER`: a program and its arguments; the address is appended.",
        ["firefox", "-P", "acme"],
        ["google-chrome", "--profile-directory=Profile 2"],
    )
    allow_insecure: bool | None = INSECURE
    expect: Annotated[Expect, AfterValidator(lambda who: Identity(**dict(who)))] | None = optional(
        "The identity that the credential must have; `login` and `test` compare it with whoami.",
        {"key_scope": "user", "org_role": "MEMBER"},
    )
    tags: Many[ProfileName] | None = optional(
        "Words that `list`, `test` and `each` take as `@WORD`, for all profiles that have it. They replace those of "
        "the parent.",
        ["acme", "eu"],
    )
    env: Annotated[dict[FreeVariable, Value], AfterValidator(_own_variables)] | None = optional(
        "Variables that are exported along with the credential: each a text as it stands here, a part of the "
        'credential (`{ from = "token" }`), or a secret of its own (`{ keyring = true }` or another source, never the secret '
        "itself), which belongs to the profile's origin as its key does. `OMNI_API_TOKEN`, `OMNI_API_KEY`, `OMNI_BASE_URL`, "
        '`OMNI_PROFILE` and `OMNI_ORGANIZATION_NAME` may be aliases, and `""` leaves one of them out.',
        {
            "OMNI_OUTPUT_FORMAT": "json",
            "MCP_SERVER_URL": {"from": "base_url", "append": "/mcp/https"},
            "OMNI_EMBED_SECRET": {"keyring": True},
        },
    )

    @model_validator(mode="after")
    def _one_address(self) -> "Defaults":
        if self.instance is not None and self.base_url is not None:
            raise wrong_value(
                "has both `instance` and `base_url`", "keep one: each says which address to use", Code.CONTRADICTION
            )
        return self


class Profile(Defaults):
    """A named choice: an instance, an auth method, where its key comes from, what else to export."""

    description: str | None = optional("A sentence for people.", "Production, my own login")
    extends: ProfileName | None = optional(
        "The profile whose values this one starts from. One parent, which may have one itself; no circles.", "base"
    )


class SettingsTable(Table):
    """How omniprofile itself behaves."""

    allowed_hosts: Many[Host] = Field(
        default=(),
        description="Whole host names, beyond Omni's own domains, that credentials may be sent to.",
        examples=[["bi.acme.example"]],
    )
    secret_store: StoreName | None = optional(
        "Where omniprofile keeps secrets: the operating system's keyring, or a file of mode 0600.", "keyring"
    )
    trusted_folders: Many[Annotated[str, Field(pattern=r"^(?:~(?:[/\\\\]|$)|/|[A-Za-z]:[/\\\\])[^\u0000]*$")]] = Field(
        default=(),
        description="Whole paths (`~` is your home) of folders whose project pins count though another user may write them, "
        "such as mounted repositories.",
        examples=[["/mnt/c/work"]],
    )
    audit: bool = Field(
        default=True,
        description="Whether each credential that is handed out is noted in the audit log, which `omniprofile log` shows. "
        "`false` in one file is enough.",
        examples=[False],
    )


class ProfilesFile(Table):
    """Profiles for Omni: which instance, which way to authenticate, which credential. Secrets never are in this file."""

    version: Annotated[Literal[1], exactly(1)] = Field(
        default=1, description="The version of this format.", examples=[1]
    )
    default: ProfileName | None = optional("The profile to use when nothing else selects one.", "prod")
    settings: SettingsTable = Field(
        default_factory=SettingsTable.model_construct, description="How omniprofile itself behaves."
    )
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
