"""The effective values of a profile: its own over its parents', its instance's, those of `[defaults]`, and the built-in ones.

Only this module knows that order; `credentials.resolver` applies flags and variables on top. The values of a parent are
computed once for all its children, so the work is linear in the number of profiles, however long the chains of `extends` are.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from omniprofile.model.declaration import (
    Access,
    AuthMethod,
    Config,
    Declaration,
    EnvValue,
    Identity,
    KeySource,
    uses_store,
)
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance, Sourced

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Given(NamedTuple, Generic[T_co]):
    """A value, the table that sets it under `key` (None: built in), and the weaker value that it overrides."""

    value: T_co
    table: Declaration | None = None
    key: str = ""
    overrides: "Given[T_co] | None" = None

    def chain(self) -> "Iterator[Given[T_co]]":
        """Yield this value, then those that it overrides, strongest first."""
        given: Given[T_co] | None = self
        while given is not None:
            yield given
            given = given.overrides


class Effective(NamedTuple):
    """The effective values of a profile; the built-in ones if there is no table.

    `addressed_by` is the profile, parent or `[defaults]` whose `base_url` or `instance` decides the address; `base_url.table`
    holds it. The nearest `expect` replaces the others entirely; `env` is merged name by name.
    """

    table: Declaration | None = None
    base_url: Given[Origin] | None = None
    addressed_by: Declaration | None = None
    auth: Given[AuthMethod] = Given("api-key")  # as in the vendor's CLI, where an unset authMethod means api-key
    key: Given[KeySource] = Given(KeySource("keyring"))
    key_origin: Origin | None = None
    """The address that the key's table has itself or from a parent: an inherited key may be sent only there."""
    protected: Given[bool] = Given(False)
    access: Given[Access] = Given("full")
    allow: Given[tuple[str, ...]] = Given(())
    browser: Given[tuple[str, ...]] = Given(())
    expect: Given[Identity] = Given(Identity())
    tags: Given[tuple[str, ...]] = Given(())
    env: Mapping[str, Given[EnvValue]] = {}
    insecure_by_table: Given[bool] = Given(False)
    """Every `allow_insecure`, but for the instance's: a child may have another instance."""

    @property
    def uses_store(self) -> bool:
        """Whether the profile's own credential belongs in the secret store."""
        return uses_store(self.auth.value, self.key.value)

    @property
    def instance(self) -> Declaration | None:
        """The instance that sets the address, if one does."""
        table = self.base_url.table if self.base_url else None
        return table if table is not None and table.layer is Layer.INSTANCE else None

    @property
    def allow_insecure(self) -> bool:
        """Whether plain http is allowed to a loopback address."""
        return next(self.insecure()).value

    def insecure(self) -> Iterator[Given[bool]]:
        """Yield every `allow_insecure`, strongest first: the instance's comes between the profiles' and those of `[defaults]`."""
        instance, own = self.instance, None
        if instance is not None and instance.allow_insecure is not None:
            own = Given(instance.allow_insecure, instance, "allow_insecure")
        for given in self.insecure_by_table.chain():
            if own is not None and (given.table is None or given.table.layer is not Layer.PROFILE):
                yield own
                own = None
            yield given

    def provenance(self, given: Given[object]) -> Provenance:
        """Return the provenance of a value. If another profile's table sets it, that is a parent."""
        table = given.table
        if table is None:
            return Provenance(Layer.BUILTIN, "default")
        inherited = table.layer is Layer.PROFILE and table is not self.table
        return table.provenance(given.key, Layer.PARENT if inherited else None)

    def sourced(self, values: Iterable[Given[T]]) -> list[Sourced[T]]:
        """Return the values with their provenance."""
        return [Sourced(given.value, self.provenance(given)) for given in values]


def effective(config: Config, name: str) -> Effective:
    """Return the effective values of a profile. Raises KeyError unless it and all its parents are declared, without a cycle."""
    # Not a `cached_property`, whose lock a forked process may never get. None for a profile whose chain of parents is broken.
    known: dict[str, Effective | None] = vars(config).setdefault("known", {})
    chain: dict[str, Declaration] = {}
    link: str | None = name
    while link is not None and link not in known and link not in chain and link in config.profiles:
        chain[link] = config.profiles[link]
        link = chain[link].extends
    below = known.get(link) if link is not None else Effective()
    if below is None:
        known.update(dict.fromkeys(chain))
        raise KeyError(name)
    if link is None:
        for table in reversed(config.defaults):
            below = _upon(table, below, config)
    for table in reversed(chain.values()):
        below = known[table.name] = _upon(table, below, config)
    return below


def every_effective(config: Config) -> dict[str, Effective]:
    """Return the effective values of every profile, leaving out those whose chain of parents is broken."""
    found = {}
    for name in config.profiles:
        with suppress(KeyError):
            found[name] = effective(config, name)
    return found


def gives_token(profile: Effective) -> bool:
    """Return whether a protected profile gives programs its token only by default, since its `access` is not set."""
    return profile.protected.value and profile.access.table is None and profile.base_url is not None


def own_address(config: Config, table: Declaration | None) -> Origin | None:
    """Return the address that a table has itself or from a parent. A key or secret in the table is only for that address.

    None if it has none, or only from `[defaults]`: children with different addresses may share the key of such a profile.
    """
    if table is None:
        return None
    if (holder := _holder(config, table)) is not None:
        return holder.base_url
    parent = effective(config, table.extends) if table.extends else None
    by_parent = parent and parent.addressed_by and parent.addressed_by.layer is Layer.PROFILE
    return parent.base_url.value if parent and parent.base_url and by_parent else None


def _holder(config: Config, table: Declaration) -> Declaration | None:
    return table if table.base_url else config.instances.get(table.instance) if table.instance else None


def _upon(table: Declaration, below: Effective, config: Config) -> Effective:
    """Return the values of `table` on top of the weaker ones in `below`."""
    given: dict[str, Any] = {
        key: Given(value, table, key, getattr(below, key))
        for key in ("auth", "key", "protected", "access", "allow", "browser", "expect", "tags")
        if (value := getattr(table, key)) is not None
    }
    holder = _holder(config, table)
    if holder is not None and holder.base_url is not None:
        given["base_url"] = Given(holder.base_url, holder, "base_url", below.base_url)
        given["addressed_by"] = table
    if table.key is not None:
        given["key_origin"] = own_address(config, table)
    if table.env:
        env = {name: Given(value, table, f"env.{name}", below.env.get(name)) for name, value in table.env.items()}
        given["env"] = env | {name: below.env[name] for name in below.env if name not in env}
    if table.allow_insecure is not None:
        given["insecure_by_table"] = Given(table.allow_insecure, table, "allow_insecure", below.insecure_by_table)
    return below._replace(table=table, **given)


def giving_token(name: str) -> tuple[str, str]:
    """Return the message and hint for a profile that `gives_token`. The hint allows for an owner who wants that."""
    hint = (
        f"`omniprofile set {name} access read-only` gives them a gateway that only reads; "
        f"`omniprofile set {name} access full` keeps it, without this note"
    )
    return f"`{name}` is protected, but gives programs its token", hint
