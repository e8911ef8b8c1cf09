"""What `explain` shows of a resolution: each field, with what it overrides and why. No secret is in it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from omniprofile.credentials.overrides import Override, Overrides
from omniprofile.model.declaration import EnvValue, KeySource, uses_store
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.model.resolution import Field, Overridden
from omniprofile.model.secret import MASK, Secret, remember

if TYPE_CHECKING:
    from omniprofile.credentials.status import CredentialStatus

    StatusOf = Callable[[str, Origin | None, str, KeySource, str | None], CredentialStatus]

_GATEWAY = "http://127.0.0.1:PORT"

Values = Sequence[Sourced[object]]
"""What the files, and omniprofile itself, have for one field, strongest first."""


def hide(values: Sequence[Sourced[EnvValue]]) -> None:
    """Keep the values of a variable that holds a secret out of what is shown; a reference to one is not a secret."""
    for each in values:
        if each.value.text and "://" not in each.value.text:
            remember(each.value.text)


def shown_variable(
    value: object,
    name: str,
    profile: str,
    origin: Origin | None,
    status_of: "StatusOf | None",
    *,
    behind_gateway: bool,
) -> str | None:
    """Return what may be shown of a variable of `env`: no secret and no token; None for a value that is missing.

    Of an address that a gateway will have, the port is not known yet.
    """
    if not isinstance(value, EnvValue):
        raise TypeError(f"{type(value)} is not the value of a variable")
    if value.secret is not None:
        known = status_of(profile, origin, "api-key", value.secret, name) if status_of else _unknown()
        return None if known.state == "missing" else known.masked
    if value.part is None:
        return value.text
    address = _GATEWAY if behind_gateway else str(origin) if origin else None
    parts = {
        "token": MASK,
        "base_url": address,
        "host": address and address.partition("://")[2],
        "organization": origin.organization_name if origin and not behind_gateway else None,
    }
    part = parts[value.part]
    return part and part + value.append


def listed(values: object) -> object:
    """Return a tuple as the list that JSON has for it, and anything else as it is."""
    return list(values) if isinstance(values, tuple) else values


def field_of(values: Values, show: Callable[[object], object] = lambda value: value) -> Field:
    """Return the field of one key: the first of `values` applies, the others are overridden. `show` makes a value fit to show."""
    winner, *others = values
    beaten = [other for other in others if other.provenance.layer is not Layer.BUILTIN]
    return Field(
        show(winner.value),
        winner.provenance,
        tuple(Overridden(show(other.value), other.provenance, f"{winner.provenance} is nearer") for other in beaten),
    )


def base_url_field(
    origin: Origin | None,
    provenance: Provenance,
    base_urls: list[Override[Origin]],
    declared: list[Sourced[Origin]],
    overrides: Overrides,
) -> Field:
    """Return the field of the base URL, which is `origin`; `declared` are those of the files, nearest first."""
    overridden = [Overridden(str(url.value), url.provenance, f"{provenance} is stronger") for url in base_urls[1:]]
    overridden += [
        Overridden(str(url.value), url.provenance, url.ignored) for url in overrides.base_urls if url.ignored
    ]
    why = f"{provenance} overrides it" if base_urls else f"{provenance} is nearer"
    beaten = declared if base_urls else declared[1:]
    overridden += [Overridden(str(url.value), url.provenance, why) for url in beaten]
    return Field(str(origin) if origin else None, provenance, tuple(overridden))


def token_field(
    token: Override[Secret] | None,
    overrides: Overrides,
    key: KeySource,
    auth: str,
    key_provenance: Provenance,
    known: "CredentialStatus | None",
) -> Field:
    """Return the field of the token: the one that overrides, or what is known of the profile's own."""
    known = known or _unknown()
    if uses_store(auth, key):
        own = Provenance(Layer.STORE, known.store)
    else:
        own = key_provenance
    own_value = None if known.state == "missing" else known.masked
    provenance = token.provenance if token else own
    overridden = [
        Overridden(other.value.masked, other.provenance, other.ignored or f"{provenance} is stronger")
        for other in overrides.tokens
        if other is not token
    ]
    if token and own_value is not None:
        overridden.append(Overridden(own_value, own, f"{provenance} overrides it"))
    return Field(token.value.masked if token else own_value, provenance, tuple(overridden))


def _unknown() -> "CredentialStatus":
    from omniprofile.credentials.status import CredentialStatus

    return CredentialStatus("unknown")
