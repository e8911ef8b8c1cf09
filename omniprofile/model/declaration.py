"""What the profile files declare: validated, but not yet resolved.

A `Declaration` is one TOML table (a profile, an instance, or `[defaults]`) with the line of every key; a `Config` is all
files together. `omniprofile.config.schema.models` validates what is read here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance, Sourced

AuthMethod = Literal["oauth", "api-key"]
Part = Literal["token", "base_url", "host", "organization"]
"""What of a credential a variable of `env` may be an alias of."""
StoreName = Literal["keyring", "file"]
Access = Literal["full", "gateway", "read-only"]
"""`full`: the token may be handed over; `gateway`: only the gateway has it; `read-only`: and lets only reads through."""


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where an api-key profile's key comes from. Exactly the fields of its `kind` are set.

    `keyring` (the secret store): none · `env`: `variable` · `command`: `argv` (no shell), `timeout` in seconds ·
    `file`: `path`, absolute, `~` expanded, relative paths taken from the profile file's folder.
    """

    kind: Literal["keyring", "env", "command", "file"]
    variable: str | None = None
    argv: tuple[str, ...] = ()
    timeout: float = 30.0
    path: str | None = None

    def __str__(self) -> str:
        match self.kind:
            case "env":
                return f"environment variable `{self.variable}`"
            case "command":
                return f"command `{self.argv[0]}`"
            case "file":
                return f"file `{self.path}`"
            case "keyring":
                return "secret store"


def uses_store(auth: str, key: KeySource) -> bool:
    """Whether a profile's credential belongs in the secret store: a session always, a key where no other source is named."""
    return auth == "oauth" or key.kind == "keyring"


@dataclass(frozen=True, slots=True)
class EnvValue:
    """What `env` says of one variable: exactly one of a text, a part of the credential (with `append`), and a secret's source."""

    text: str | None = None
    part: Part | None = None
    append: str = ""
    secret: KeySource | None = None

    @property
    def plain(self) -> str | tuple[str, str]:
        """What is no secret, as `model.variables` takes it."""
        return (self.part, self.append) if self.part else self.text or ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a credential is, as whoami says, or as `expect` says that it must be. None is what is not said."""

    user: str | None = None
    membership_id: str | None = None
    key_scope: str | None = None
    org_role: str | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """One table, a profile, an instance or `[defaults]`: the keys that it sets, and where each of them stands.

    A key that the table does not set, or that such a table cannot have, is None (`env`: empty). `line` is the table
    header's; `lines` has the line (from 1) of each key that is set, and of `env.NAME` for every variable.
    """

    layer: Literal[Layer.PROFILE, Layer.INSTANCE, Layer.DEFAULTS]
    name: str
    file: str
    line: int
    lines: Mapping[str, int] = field(default_factory=dict)
    description: str | None = None
    extends: str | None = None
    instance: str | None = None
    base_url: Origin | None = None
    auth: AuthMethod | None = None
    key: KeySource | None = None
    protected: bool | None = None
    access: Access | None = None
    allow: tuple[str, ...] | None = None
    browser: tuple[str, ...] | None = None
    allow_insecure: bool | None = None
    expect: Identity | None = None
    tags: tuple[str, ...] | None = None
    env: Mapping[str, EnvValue] = field(default_factory=dict)

    def provenance(self, key: str, layer: Layer | None = None) -> Provenance:
        """Return where `key` stands, or else the table; `layer` is its role, where a profile is read as a parent."""
        return Provenance(layer or self.layer, self.name, self.file, self.lines.get(key, self.line))


@dataclass(frozen=True, slots=True)
class Settings:
    """`[settings]`: hosts allowed beyond Omni's own, the secret store asked for, if any, where pins of others count, and
    whether the audit log is kept.
    """

    allowed_hosts: tuple[str, ...] = ()
    secret_store: Sourced[StoreName] | None = None
    trusted_folders: tuple[str, ...] = ()
    audit: bool = True


@dataclass(frozen=True, slots=True)
class Config:
    """All profile files together, in reading order. References between tables are sound: see `config.loader`."""

    files: tuple[str, ...] = ()
    default: Sourced[str] | None = None
    settings: Settings = Settings()
    defaults: tuple[Declaration, ...] = ()
    instances: Mapping[str, Declaration] = field(default_factory=dict)
    profiles: Mapping[str, Declaration] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The `Effective` of each profile that `model.effective` has worked out so far."""
