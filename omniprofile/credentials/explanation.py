"""The fields that `explain` shows: each with what it overrides and why, without secrets."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from omniprofile.credentials.overrides import Override, Overrides
from omniprofile.model.declaration import Config, EnvValue, KeySource
from omniprofile.model.effective import Effective
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.model.resolution import Field, Overridden
from omniprofile.model.secret import MASK, names_secret, remember

if TYPE_CHECKING:
    from omniprofile.credentials.status import CredentialStatus

    StatusOf = Callable[[str, Origin | None, str, KeySource, str | None], CredentialStatus]

T = TypeVar("T")


def explained(
    config: Config,
    profile: str,
    declared: Effective,
    overrides: Overrides,
    base_url: Sourced[Origin | None],
    status_of: "StatusOf | None",
) -> dict[str, Field]:
    """Return every field of `profile`. `declared` has its values from the files; `base_url` is the one that applies."""
    origin = base_url.value
    fields = {
        "base_url": _base_url(base_url, declared, overrides),
        "auth": _field(declared.sourced(declared.auth.chain())),
        "key": _field(declared.sourced(declared.key.chain()), str),
        "token": _token(profile, origin, declared, overrides, status_of),
        "protected": _field(declared.sourced(declared.protected.chain())),
        "access": _field(declared.sourced(declared.access.chain())),
        "allow_insecure": _field(declared.sourced(declared.insecure())),
    }
    own = config.profiles[profile]
    for name, text in (("description", own.description), ("extends", own.extends)):
        if text is not None:
            fields[name] = Field(text, own.provenance(name))
    fields |= {f"expect.{part}": _field(wanted) for part, wanted in _expectations(declared).items()}
    for name, given in (("allow", declared.allow), ("browser", declared.browser), ("tags", declared.tags)):
        if given.table is not None:
            fields[name] = _field(declared.sourced(given.chain()), list)
    for name, variable in declared.env.items():
        values = declared.sourced(variable.chain())
        if names_secret(name):
            for each in values:
                if each.value.text and "://" not in each.value.text:  # a reference to a secret is not secret
                    remember(each.value.text)

        def shown(value: EnvValue, name: str = name) -> str | None:
            known = status_of(profile, origin, "api-key", value.secret, name) if value.secret and status_of else None
            return _variable(value, origin, known, behind_gateway=declared.access.value != "full")

        fields[f"env.{name}"] = _field(values, shown)
    return fields


def _variable(
    value: EnvValue, origin: Origin | None, known: "CredentialStatus | None", *, behind_gateway: bool
) -> str | None:
    """Return a variable of `env` with secrets and tokens masked; None for a value that is missing.

    The port of a gateway is not known yet, so its address has a placeholder.
    """
    if value.secret is not None:
        return known.shown if known else MASK
    if value.part is None:
        return value.text
    address = "http://127.0.0.1:PORT" if behind_gateway else str(origin) if origin else None
    parts = {
        "token": MASK,
        "base_url": address,
        "host": address and address.partition("://")[2],
        "organization": origin.organization_name if origin and not behind_gateway else None,
    }
    part = parts[value.part]
    return part and part + value.append


def _field(values: Sequence[Sourced[T]], show: Callable[[T], object] = lambda value: value) -> Field:
    """Return the field of one key: the first of `values` applies and overrides the others. `show` converts a value to text.

    `values` are those from the files and the built-in defaults, strongest first.
    """
    winner, *others = values
    return Field(
        show(winner.value),
        winner.provenance,
        tuple(
            Overridden(show(other.value), other.provenance, f"{winner.provenance} is nearer")
            for other in others
            if other.provenance.layer is not Layer.BUILTIN
        ),
    )


def _base_url(base_url: Sourced[Origin | None], declared: Effective, overrides: Overrides) -> Field:
    provenance, applying = base_url.provenance, overrides.applying
    files = list(
        dict.fromkeys(declared.sourced(declared.base_url.chain() if declared.base_url else ()))
    )  # child and parent may name the same instance
    why = f"{provenance} overrides it" if applying else f"{provenance} is nearer"
    overridden: list[tuple[Sourced[Origin] | Override[Origin], str]] = [
        *((url, f"{provenance} is stronger") for url in applying[1:]),
        *((url, url.ignored) for url in overrides.base_urls if url.ignored),
        *((url, why) for url in (files if applying else files[1:])),
    ]
    return Field(
        str(base_url.value) if base_url.value else None,
        provenance,
        tuple(Overridden(str(url.value), url.provenance, reason) for url, reason in overridden),
    )


def _token(
    profile: str, origin: Origin | None, declared: Effective, overrides: Overrides, status_of: "StatusOf | None"
) -> Field:
    """Return the field of the token: an override, or what is known about the profile's own."""
    key = declared.key
    known = status_of(profile, origin, declared.auth.value, key.value, None) if status_of else None
    own = declared.provenance(key)
    if declared.uses_store:
        own = Provenance(Layer.STORE, known.store if known else None)
    own_value = known.shown if known else MASK
    token = overrides.token
    if token is None:
        provenance, shown = own, own_value
    else:
        provenance, shown = token.provenance, token.value.masked
    overridden = [
        Overridden(other.value.masked, other.provenance, other.ignored or f"{provenance} is stronger")
        for other in overrides.tokens
        if other is not token
    ]
    if token and own_value is not None:
        overridden.append(Overridden(own_value, own, f"{provenance} overrides it"))
    return Field(shown, provenance, tuple(overridden))


def _expectations(profile: Effective) -> Mapping[str, Sequence[Sourced[str | None]]]:
    """Return the parts of every table's `expect`. The nearest table decides all of them: a part that it omits may be anything."""
    parts = {}
    for part in ("user", "membership_id", "key_scope", "org_role"):
        wanted = [
            Sourced(getattr(pin.value, part), pin.provenance)
            for pin in profile.sourced(profile.expect.chain())
            if pin.provenance.layer is not Layer.BUILTIN
        ]
        said = [pin for pin in wanted if pin.value is not None]
        if said:
            parts[part] = said if said[0] is wanted[0] else [wanted[0], *said]
    return parts
