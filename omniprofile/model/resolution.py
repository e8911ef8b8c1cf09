"""The result of resolution and the reasons: each field's value, the values that it overrides, and notices."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from omniprofile.errors import Error
from omniprofile.model.declaration import Access, AuthMethod, EnvValue, Identity, KeySource, uses_store
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Provenance, Sourced
from omniprofile.model.secret import Secret

if TYPE_CHECKING:
    from omniprofile.model.stored import Account


class Overridden(NamedTuple):
    """A value that a layer sets but that does not apply. `value` can be shown: secrets in it are masked."""

    value: object
    provenance: Provenance
    reason: str


class Field(NamedTuple):
    """One resolved field. `value` can be shown (plain JSON data, secrets masked); None if no layer sets it."""

    value: object
    provenance: Provenance
    overridden: tuple[Overridden, ...] = ()


class Selection(NamedTuple):
    """The current profile, the layer that selected it, and what the weaker layers would have selected."""

    profile: str
    provenance: Provenance
    overridden: tuple[Overridden, ...] = ()

    @property
    def named(self) -> bool:
        """Whether the profile was named on the command line, so that the vendor's variables do not apply."""
        return self.provenance.layer == "flag"


class GivenVariable(NamedTuple):
    """One variable of a profile's `env`. `refusal` says why none of `env` may be handed out, `left_out` why this one is not."""

    name: str
    value: EnvValue
    refusal: Error | None = None
    left_out: str | None = None


class Resolution(NamedTuple):
    """One profile, resolved as far as possible without asking a key source.

    `token` is the token of a flag or variable, if one applies; else the profile's own credential comes from `key` (api-key) or
    the stored session (oauth). `refusal` says why no credential may be handed out, whatever the source holds. `notices` are
    sentences for stderr, `warnings` those that `-q` does not silence. `explain` computes what `explain` shows, and `given_env`
    the profile's `env`: most calls need neither. `browser` is empty if the profile sets none. `pair` names the environment's
    base URL and token if they replace the profile's.
    """

    selection: Selection
    origin: Origin | None
    auth: AuthMethod
    key: KeySource
    token: Sourced[Secret] | None
    protected: bool
    access: Access
    allow: tuple[str, ...]
    browser: tuple[str, ...]
    expect: Identity
    given_env: Callable[[], tuple[GivenVariable, ...]]
    base_url_provenance: Provenance
    explain: Callable[[], dict[str, Field]]
    notices: tuple[str, ...]
    refusal: Error | None
    warnings: tuple[str, ...] = ()
    pair: tuple[str, ...] = ()

    @property
    def env(self) -> tuple[GivenVariable, ...]:
        """The variables of the profile's `env`, including its parents'."""
        return self.given_env()

    @property
    def uses_store(self) -> bool:
        """Whether the profile's own credential belongs in the secret store."""
        return uses_store(self.auth, self.key)

    def allowed_origin(self) -> Origin:
        """Return the origin that the credential may be sent to. Raises `refusal` if there is one."""
        if self.refusal is not None:
            raise self.refusal
        if self.origin is None:
            raise AssertionError("a resolution without an origin has a refusal")
        return self.origin

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The variables that the profile reads secrets from, which no child process gets."""
        own = [] if self.uses_store else [self.key]
        sources = own + [each.value.secret for each in self.env if each.value.secret]
        return tuple(source.variable for source in sources if source.variable)

    @property
    def accounts(self) -> "list[Account]":
        """The accounts in the secret store that the profile uses: its own credential's, and those of its `env`."""
        if self.origin is None:
            return []
        from omniprofile.model.stored import Account

        own = [Account(self.profile, self.origin)] if self.uses_store else []
        secrets = [each.name for each in self.env if each.value.secret and each.value.secret.kind == "keyring"]
        return own + [Account(self.profile, self.origin, variable) for variable in secrets]

    @property
    def profile(self) -> str:
        """The profile's name."""
        return self.selection.profile
