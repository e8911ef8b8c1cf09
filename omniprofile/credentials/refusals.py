"""Refusals to hand a credential out: its host is not allowed, or the token does not belong to the host."""

from collections.abc import Sequence

from omniprofile.credentials.overrides import Override, Reach
from omniprofile.errors import ConfigInvalid, Error, HostNotAllowed, InsecureURL, OriginMismatch
from omniprofile.model.declaration import Config
from omniprofile.model.effective import Effective, Given
from omniprofile.model.origin import Origin, not_allowed
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.model.resolution import Selection
from omniprofile.model.secret import Secret
from omniprofile.model.variable_names import BASE_URL, TOKENS, base_url_variable, token_variable


def host_refusal(
    config: Config, selection: Selection, origin: Origin | None, provenance: Provenance, *, allow_insecure: bool
) -> Error | None:
    """Return why no credential may be sent to `origin`, which comes from `provenance`, or None if one may."""
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
        why, hint = not_allowed(origin.host)
        return HostNotAllowed(f"{why} ({provenance})", hint=hint)
    return None


def mismatch(
    profile: str, token: Override[Secret] | None, token_origin: Origin | str, origin: Origin, provenance: Provenance
) -> OriginMismatch:
    """Return the refusal to send a token, or if it is None the profile's key, to an origin that it is not for."""
    whose = f"the token from {token.provenance}" if token else f"the key of profile `{profile}`"
    if provenance.layer is Layer.FLAG:
        hint = "give that host's token with `--token-file`, or leave `--base-url` out"
    elif provenance.name != BASE_URL:
        hint = f"unset `{provenance.name}`, or set `{token_variable(profile)}` too: together they are a pair"
    elif token is None:
        hint = f"unset `{BASE_URL}`, or set `{TOKENS[0]}` too: together they are a pair"
    else:  # a token that is stronger than the vendor's needs a base URL of the same reach
        also = "give `--base-url`" if token.reach is Reach.CALL else f"set `{base_url_variable(profile)}`"
        hint = f"unset `{BASE_URL}`, or {also} too: it goes with that token"
    return OriginMismatch(f"{whose} is for {token_origin}, not for {origin} ({provenance})", hint=hint)


def inherited_mismatch(
    profile: Effective, given: Given[object], what: str, bound: Origin, origin: Origin
) -> OriginMismatch:
    """Return the refusal to send a key or secret to another address than that of the table that declares it."""
    name = profile.table.name if profile.table else ""
    address = profile.provenance(profile.base_url) if profile.base_url else Provenance(Layer.BUILTIN)
    return OriginMismatch(
        f"the {what} that profile `{name}` inherits from {profile.provenance(given)} is for {bound}, not for {origin} "
        f"({address})",
        hint=f"give `[profiles.{name}]` its own {what} for {origin.host}, or repeat that one there if it is for both",
    )


def stored_mismatch(
    profile: str, stored_for: Sequence[Origin], origin: Origin, provenance: Provenance, variable: str | None = None
) -> OriginMismatch:
    """Return the refusal to send a secret, stored for other origins, to this one. `variable` is set for a secret of `env`."""
    others = " and ".join(map(str, stored_for[:3])) + (" and others" if len(stored_for) > 3 else "")
    if provenance.layer in (Layer.FLAG, Layer.ENVIRONMENT):
        return mismatch(profile, None, others, origin, provenance)
    what, option = (f"secret `{variable}`", f" --secret {variable}") if variable else ("secret", "")
    return OriginMismatch(
        f"the stored {what} of `{profile}` is for {others}, but its base URL is now {origin} ({provenance})",
        hint=f"run `omniprofile login {profile}{option}` to store one for {origin.host}, or change the base URL back",
    )
