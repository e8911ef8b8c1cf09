"""What the profile files declare: checked, but not yet resolved.

A `Declaration` is one TOML table (a profile, an instance, or `[defaults]`) as plain data, with the line of every key;
a `Config` is all files together. The schema in `omniprofile.config` guarantees the types named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from omniprofile.model.provenance import Layer, Provenance, Sourced

AuthMethod = Literal["oauth", "api-key"]
StoreName = Literal["keyring", "file"]


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
class Expect:
    """The identity pin: who whoami must say it is. None is "anybody"."""

    user: str | None = None
    membership_id: str | None = None
    key_scope: str | None = None
    org_role: str | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """One table: the keys it sets, and where.

    `values` holds only the keys that the table sets, each of the type that the table below names; `lines` has the line
    (from 1) of each of them, and of `env.NAME` for every variable; `line` is the table header's.

    | key | type | in |
    |---|---|---|
    | description, extends, instance | str | profile (instance and description also elsewhere) |
    | base_url | Origin | profile, instance, defaults |
    | auth | AuthMethod | profile, defaults |
    | key | KeySource | profile, defaults |
    | protected, allow_insecure | bool | profile, defaults; allow_insecure also instance |
    | expect | Expect | profile, defaults |
    | env | dict[str, str] | profile, defaults |
    """

    layer: Literal[Layer.PROFILE, Layer.INSTANCE, Layer.DEFAULTS]
    name: str
    file: str
    line: int
    values: Mapping[str, object] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def provenance(self, key: str, layer: Layer | None = None) -> Provenance:
        """Where `key` stands, or else the table; `layer` says in which role, where a profile is read as a parent."""
        return Provenance(layer or self.layer, self.name, self.file, self.lines.get(key, self.line))


@dataclass(frozen=True, slots=True)
class Settings:
    """`[settings]`: hosts allowed beyond Omni's own, the secret store asked for, if any, and where pins of others count."""

    allowed_hosts: tuple[str, ...] = ()
    secret_store: Sourced[StoreName] | None = None
    trusted_folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """All profile files together, in reading order. References between tables are sound: see `config.loader`."""

    files: tuple[str, ...] = ()
    default: Sourced[str] | None = None
    settings: Settings = Settings()
    defaults: tuple[Declaration, ...] = ()
    instances: Mapping[str, Declaration] = field(default_factory=dict)
    profiles: Mapping[str, Declaration] = field(default_factory=dict)

    def lineage(self, name: str) -> list[Declaration]:
        """The profile and its parents, nearest first."""
        chain = [self.profiles[name]]
        while isinstance(parent := chain[-1].values.get("extends"), str):
            chain.append(self.profiles[parent])
        return chain
