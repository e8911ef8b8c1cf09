"""What the profile files declare: validated, but not yet resolved.

A `Declaration` is one TOML table (a profile, an instance, or `[defaults]`) with the line of every key; a `Config` is all
files together. `omniprofile.config.schema.models` validates the files.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance, Sourced

AuthMethod = Literal["oauth", "api-key"]
Part = Literal["token", "base_url", "host", "organization"]
"""The parts of a credential that a variable of `env` may be an alias of."""
StoreName = Literal["keyring", "file"]
Access = Literal["full", "gateway", "read-only"]
"""`full`: programs may get the token; `gateway`: only the gateway has it; `read-only`: the gateway also allows only reads."""


class KeySource(NamedTuple):
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
    """Whether a profile's credential belongs in the secret store: a session always, a key unless another source is named."""
    return auth == "oauth" or key.kind == "keyring"


class EnvValue(NamedTuple):
    """One value in `env`: exactly one of a text, a part of the credential (with `append`), or the source of a secret."""

    text: str | None = None
    part: Part | None = None
    append: str = ""
    secret: KeySource | None = None

    @property
    def plain(self) -> str | tuple[str, str]:
        """The value as `model.credential_variables` takes it. Only for values that are not secrets."""
        return (self.part, self.append) if self.part else self.text or ""


class Identity(NamedTuple):
    """The identity behind a credential, as whoami reports it or `expect` requires it. None is unknown, or not required."""

    user: str | None = None
    membership_id: str | None = None
    key_scope: str | None = None
    org_role: str | None = None


TableLayer = Literal[Layer.PROFILE, Layer.INSTANCE, Layer.DEFAULTS]


class Declaration(NamedTuple):
    """One table (a profile, an instance or `[defaults]`): the keys that it sets, and the line of each.

    A key that the table does not set, or cannot have, is None (`env`: empty). `line` is that of the table's header; `lines`
    has the line (from 1) of each key that is set, and of `env.NAME` for every variable.
    """

    layer: TableLayer
    name: str
    file: str
    line: int
    lines: Mapping[str, int] = {}
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
    env: Mapping[str, EnvValue] = {}

    @property
    def path(self) -> tuple[str, ...]:
        """The path of the table from the top of its file."""
        return ("defaults",) if self.layer is Layer.DEFAULTS else (f"{self.layer}s", self.name)

    def provenance(self, key: str, layer: Layer | None = None) -> Provenance:
        """Return the place of `key`, or else of the table. `layer` replaces the table's own for a profile read as a parent."""
        return Provenance(layer or self.layer, self.name, self.file, self.lines.get(key, self.line))


class Settings(NamedTuple):
    """`[settings]`: extra allowed hosts, the secret store if one is set, folders where others' pins count, and the audit log."""

    allowed_hosts: tuple[str, ...] = ()
    secret_store: Sourced[StoreName] | None = None
    trusted_folders: tuple[str, ...] = ()
    audit: bool = True


class _Files(NamedTuple):
    files: tuple[str, ...] = ()
    default: Sourced[str] | None = None
    settings: Settings = Settings()
    defaults: tuple[Declaration, ...] = ()
    instances: Mapping[str, Declaration] = {}
    profiles: Mapping[str, Declaration] = {}


class Config(_Files):
    """All profile files together, in reading order. All references between tables are valid: see `config.loader`.

    Unlike a NamedTuple, it has attributes, in which `model.effective` keeps what it has computed.
    """
