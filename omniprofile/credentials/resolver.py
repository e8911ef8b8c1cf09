"""From a chosen profile to one credential: PRODUCT section 4, the whole of it.

`resolve` is a pure function over what the files, flags and variables say. It decides every field and keeps every value
that lost, so that `explain`, errors and JSON print the same decision. `obtain` then asks the one key source that was
decided on. Origin and token are one unit: `resolve` knows which origin a token is for before anybody asks for it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from omniprofile.credentials.overrides import BaseUrlOverride, Flags, Overrides, Reach, TokenOverride, read_overrides
from omniprofile.credentials.peek import Peek
from omniprofile.credentials.sources import checked_key, read_key
from omniprofile.errors import ConfigInvalid, Error, HostNotAllowed, InsecureURL, NoCredential, OriginMismatch
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Config, Declaration, Expect, KeySource
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.model.resolution import Field, GivenToken, Loser, Resolution, Selection
from omniprofile.model.stored import StoredSecret

T = TypeVar("T")

KEYRING = KeySource("keyring")
NO_FLAGS = Flags()
_BUILTIN_AUTH = "api-key"  # as in the vendor's CLI, where an unset authMethod means api-key


@dataclass(frozen=True, slots=True)
class _Layered:
    """The values that the files have for one field, strongest first."""

    candidates: tuple[Sourced[object], ...]

    @property
    def winner(self) -> Sourced[object] | None:
        return self.candidates[0] if self.candidates else None


def resolve(
    config: Config,
    selection: Selection,
    *,
    environ: Mapping[str, str],
    flags: Flags = NO_FLAGS,
    peek: Callable[[str, str, KeySource], Peek] | None = None,
) -> Resolution:
    """Resolve the selected profile, asking no key source.

    `peek(profile, auth, key)` tells what is known of the profile's own credential without reading it, for `fields`.
    Raises what `read_overrides` raises; every other reason not to hand a credential out is in `refusal`.
    """
    profile = selection.profile
    tables = [*config.lineage(profile), *config.defaults]
    overrides = read_overrides(config, profile, named=selection.named, environ=environ, flags=flags)

    declared = list(_base_urls(config, tables))
    base_urls = [url for url in overrides.base_urls if url.ignored is None]
    origin, base_url_provenance = _winning_base_url(base_urls, declared)
    instance = _instance_in_use(config, tables)

    auth = _layered(tables, "auth", builtin=_BUILTIN_AUTH)
    key = _layered(tables, "key", builtin=KEYRING)
    protected = _layered(tables, "protected", builtin=False)
    insecure = _layered(tables, "allow_insecure", builtin=False, instance=instance)
    expect = _layered(tables, "expect")
    key_source = _typed(key, KeySource)
    auth_method = _typed(auth, str)

    stored = auth_method == "oauth" or key_source.kind == "keyring"
    token, token_origin = _token(
        overrides, origin=declared[0].value if declared else None, base_urls=base_urls, stored=stored
    )
    notices = list(overrides.notices)
    if token and token.reach is not Reach.CALL and origin and base_url_provenance.layer is not Layer.ENVIRONMENT:
        notices.append(f"the token comes from `{token.provenance.name}`, the host {origin} from {base_url_provenance}")

    refusal = _refusal(config, selection, origin, base_url_provenance, allow_insecure=_typed(insecure, bool))
    if refusal is None and origin and token_origin and origin != token_origin:
        refusal = _mismatch(profile, token, token_origin, origin, base_url_provenance)

    known = peek(profile, auth_method, key_source) if peek else Peek("unknown")
    if refusal is None and token is None and known.origin and origin and known.origin != origin:
        refusal = stored_mismatch(profile, known.origin, origin, base_url_provenance)

    env = _variables(tables)
    fields = {
        "base_url": _base_url_field(origin, base_url_provenance, base_urls, declared, overrides),
        "auth": _field(auth),
        "key": _field(key, str),
        "token": _token_field(token, overrides, key_source, auth_method, _provenance(key), known),
        "protected": _field(protected),
        "allow_insecure": _field(insecure),
    }
    for name in ("description", "extends"):
        if (layered := _layered(tables[:1], name)).winner:
            fields[name] = _field(layered)
    if (pin := expect.winner) and isinstance(pin.value, Expect):
        for part in ("user", "membership_id", "key_scope", "org_role"):
            if (wanted := getattr(pin.value, part)) is not None:
                fields[f"expect.{part}"] = Field(wanted, pin.provenance)
    for name, layered in env.items():
        fields[f"env.{name}"] = _field(layered)

    return Resolution(
        selection=selection,
        origin=origin,
        auth=auth_method,
        key=key_source,
        token=GivenToken(token.secret, token.provenance) if token else None,
        token_origin=token_origin,
        protected=_typed(protected, bool),
        expect=pin.value if pin and isinstance(pin.value, Expect) else Expect(),
        env=tuple((name, str(layered.candidates[0].value)) for name, layered in env.items()),
        fields=fields,
        notices=tuple(notices),
        refusal=refusal,
    )


def obtain(
    resolution: Resolution,
    *,
    environ: Mapping[str, str],
    stored: Callable[[str], StoredSecret | None],
    fresh: Callable[[str, StoredSecret], StoredSecret] = lambda _, session: session,
    interactive: bool = False,
) -> Credential:
    """Ask the decided source and give the credential.

    `stored(profile)` reads the secret store; `fresh(profile, session)` refreshes an OAuth session that needs it.

    Raises the resolution's refusal, NoCredential, OriginMismatch for a stored secret of another origin, and whatever the
    source or the store raises.
    """
    if resolution.refusal is not None:
        raise resolution.refusal
    origin = resolution.origin
    if origin is None:
        raise AssertionError("a resolution without an origin has a refusal")
    expires_at = None
    if resolution.token is not None:
        secret = checked_key(resolution.token.secret.reveal(), f"{resolution.token.provenance}")
    elif resolution.auth == "oauth" or resolution.key.kind == "keyring":
        found = _own(stored(resolution.profile), resolution, origin)
        if resolution.auth == "oauth":
            # Judged again: another process may have stored something else in the meantime.
            found = _own(fresh(resolution.profile, found), resolution, origin)
        secret, expires_at = found.token, found.expires_at
    else:
        secret = read_key(resolution.key, profile=resolution.profile, environ=environ, interactive=interactive)
    return Credential(
        profile=resolution.profile,
        origin=origin,
        auth="oauth" if resolution.auth == "oauth" else "api-key",
        secret=secret,
        expires_at=expires_at,
        env=resolution.env,
    )


def _own(found: StoredSecret | None, resolution: Resolution, origin: Origin) -> StoredSecret:
    """What the store has for the profile, if it is of the profile's auth method and for `origin`."""
    profile = resolution.profile
    wanted, other = ("session", "API key") if resolution.auth == "oauth" else ("key", "OAuth session")
    hint = f"run `omniprofile login {profile}`"
    if found is None:
        raise NoCredential(f"no {wanted} is stored for `{profile}`", hint=hint)
    if found.origin != origin:
        raise stored_mismatch(profile, found.origin, origin, resolution.fields["base_url"].provenance)
    if found.is_session != (resolution.auth == "oauth"):
        raise NoCredential(
            f"what is stored for `{profile}` is an {other}, and its `auth` is `{resolution.auth}`", hint=hint
        )
    return found


def _layered(
    tables: list[Declaration], name: str, *, builtin: object = None, instance: Declaration | None = None
) -> _Layered:
    """The values of field `name`, nearest table first; an instance's value comes after the profiles', before `[defaults]`."""
    found = [_declared(tables, index, name) for index, table in enumerate(tables) if name in table.values]
    if instance and name in instance.values:
        at = next((i for i, value in enumerate(found) if value.provenance.layer is Layer.DEFAULTS), len(found))
        found.insert(at, Sourced(instance.values[name], instance.provenance(name)))
    if builtin is not None:
        found.append(Sourced(builtin, Provenance(Layer.BUILTIN, "default")))
    return _Layered(tuple(found))


def _declared(tables: list[Declaration], index: int, name: str, value: object = None) -> Sourced[object]:
    table = tables[index]
    layer = Layer.PARENT if index > 0 and table.layer is Layer.PROFILE else table.layer
    return Sourced(table.values[name] if value is None else value, table.provenance(name, layer))


def _typed(layered: _Layered, kind: type[T]) -> T:
    winner = layered.winner
    if winner is None or not isinstance(winner.value, kind):
        raise AssertionError("the schema and the built-in value guarantee the type")
    return winner.value


def _base_urls(config: Config, tables: list[Declaration]) -> Iterator[Sourced[Origin]]:
    """Each table's base URL, its own or that of the instance it names, nearest first."""
    for index, table in enumerate(tables):
        if isinstance(own := table.values.get("base_url"), Origin):
            yield Sourced(own, _declared(tables, index, "base_url").provenance)
        elif isinstance(name := table.values.get("instance"), str):
            instance = config.instances[name]
            if isinstance(theirs := instance.values["base_url"], Origin):
                yield Sourced(theirs, instance.provenance("base_url"))


def _instance_in_use(config: Config, tables: list[Declaration]) -> Declaration | None:
    for table in tables:
        if "base_url" in table.values:
            return None
        if isinstance(name := table.values.get("instance"), str):
            return config.instances[name]
    return None


def _winning_base_url(
    overrides: list[BaseUrlOverride], declared: list[Sourced[Origin]]
) -> tuple[Origin | None, Provenance]:
    if overrides:
        return overrides[0].origin, overrides[0].provenance
    if declared:
        return declared[0].value, declared[0].provenance
    return None, Provenance(Layer.BUILTIN)


def _token(
    overrides: Overrides, *, origin: Origin | None, base_urls: list[BaseUrlOverride], stored: bool
) -> tuple[TokenOverride | None, Origin | None]:
    """The override token that applies, and the origin that the token in use is for: None where nothing binds it to one.

    A token belongs to the base URL of its own reach. A call's or a profile's token without one belongs to the profile's
    base URL; a token of the vendor's variables without one to no origin in particular. The profile's own key belongs to the
    base URL that the files declare, unless it is `stored`: then the store knows, and `obtain` compares.
    """
    by_reach = {url.reach: url.origin for url in base_urls}
    token = next((token for token in overrides.tokens if token.ignored is None), None)
    if token is None:
        return None, None if stored else origin
    if token.reach is Reach.IN_USE:
        return token, by_reach.get(Reach.IN_USE)
    for reach in range(token.reach, Reach.IN_USE):
        if Reach(reach) in by_reach:
            return token, by_reach[Reach(reach)]
    return token, origin


def _refusal(
    config: Config, selection: Selection, origin: Origin | None, provenance: Provenance, *, allow_insecure: bool
) -> Error | None:
    if origin is None:
        table = config.profiles[selection.profile]
        return ConfigInvalid(
            f"{table.file}:{table.line}: profile `{selection.profile}` has no base URL",
            hint='give it `base_url = "https://…"`, or `instance = "NAME"` with an `[instances.NAME]`',
        )
    code = origin.refusal(config.settings.allowed_hosts, allow_insecure=allow_insecure)
    if code == "insecure-url":
        hint = "use https"
        if origin.is_loopback:
            hint = f"use https, or set `allow_insecure = true` on profile `{selection.profile}` or its instance"
        return InsecureURL(f"{origin} is plain http ({provenance})", hint=hint)
    if code == "host-not-allowed":
        return HostNotAllowed(
            f"`{origin.host}` is neither one of Omni's hosts nor in `allowed_hosts` ({provenance})",
            hint=f'if this host may have your credentials, add "{origin.host}" to `allowed_hosts` in `[settings]`',
        )
    return None


def _mismatch(
    profile: str, token: TokenOverride | None, token_origin: Origin, origin: Origin, provenance: Provenance
) -> OriginMismatch:
    whose = f"the token from {token.provenance}" if token else f"the key of profile `{profile}`"
    if provenance.layer is Layer.FLAG:
        hint = "give that host's token with `--token-file`, or leave `--base-url` out"
    elif provenance.layer is Layer.ENVIRONMENT and provenance.name == "OMNI_BASE_URL":
        hint = "unset `OMNI_BASE_URL`, or set `OMNI_API_TOKEN` too: together they are a pair"
    elif provenance.layer is Layer.ENVIRONMENT:
        variable = str(provenance.name).removesuffix("_BASE_URL") + "_TOKEN"
        hint = f"unset `{provenance.name}`, or set `{variable}` too: together they are a pair"
    else:
        hint = "unset the token's variable, or set the base URL beside it"
    return OriginMismatch(f"{whose} is for {token_origin}, not for {origin} ({provenance})", hint=hint)


def stored_mismatch(profile: str, stored_for: Origin, origin: Origin, provenance: Provenance) -> OriginMismatch:
    """The refusal to send a secret that was stored for one origin to another."""
    if provenance.layer in (Layer.FLAG, Layer.ENVIRONMENT):
        return _mismatch(profile, None, stored_for, origin, provenance)
    return OriginMismatch(
        f"the stored secret of `{profile}` is for {stored_for}, but its base URL is now {origin} ({provenance})",
        hint=f"run `omniprofile login {profile}` to store one for {origin.host}, or change the base URL back",
    )


def _variables(tables: list[Declaration]) -> dict[str, _Layered]:
    """The variables of every table's `env`, merged name by name."""
    names: dict[str, list[Sourced[object]]] = {}
    for index, table in enumerate(tables):
        variables = table.values.get("env")
        if isinstance(variables, Mapping):
            layer = Layer.PARENT if index > 0 and table.layer is Layer.PROFILE else table.layer
            for name, value in variables.items():
                names.setdefault(name, []).append(Sourced(value, table.provenance(f"env.{name}", layer)))
    return {name: _Layered(tuple(found)) for name, found in names.items()}


def _provenance(layered: _Layered) -> Provenance:
    return layered.winner.provenance if layered.winner else Provenance(Layer.BUILTIN)


def _field(layered: _Layered, show: Callable[[object], object] = lambda value: value) -> Field:
    winner, *losers = layered.candidates
    beaten = [loser for loser in losers if loser.provenance.layer is not Layer.BUILTIN]
    return Field(
        show(winner.value),
        winner.provenance,
        tuple(Loser(show(loser.value), loser.provenance, f"{winner.provenance} is nearer") for loser in beaten),
    )


def _base_url_field(
    origin: Origin | None,
    provenance: Provenance,
    base_urls: list[BaseUrlOverride],
    declared: list[Sourced[Origin]],
    overrides: Overrides,
) -> Field:
    losers = [
        Loser(str(url.origin), url.provenance, f"{provenance} is stronger")
        for url in base_urls
        if url.provenance != provenance
    ]
    losers += [Loser(str(url.origin), url.provenance, url.ignored) for url in overrides.base_urls if url.ignored]
    why = f"{provenance} overrides it" if base_urls else f"{provenance} is nearer"
    losers += [Loser(str(url.value), url.provenance, why) for url in declared if url.provenance != provenance]
    return Field(str(origin) if origin else None, provenance, tuple(losers))


def _token_field(
    token: TokenOverride | None,
    overrides: Overrides,
    key: KeySource,
    auth: str,
    key_provenance: Provenance,
    known: Peek,
) -> Field:
    if auth == "oauth" or key.kind == "keyring":
        own = Provenance(Layer.STORE, known.store)
    else:
        own = key_provenance
    own_value = None if known.state == "missing" else known.masked
    others = [
        Loser(
            other.secret.masked, other.provenance, other.ignored or f"{token.provenance if token else own} is stronger"
        )
        for other in overrides.tokens
        if other is not token
    ]
    if token is None:
        return Field(own_value, own, tuple(others))
    if own_value is not None:
        others.append(Loser(own_value, own, f"{token.provenance} overrides it"))
    return Field(token.secret.masked, token.provenance, tuple(others))
