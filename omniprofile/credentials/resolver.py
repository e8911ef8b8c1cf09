"""Resolving the selected profile into one credential.

`resolve` is a pure function of the files, flags and variables. It decides every field and keeps the overridden values, so that
`explain`, errors and JSON show the same decision. `obtain` then asks the one key source decided on. Origin and token are one
unit: `resolve` knows which origin a token is for before it is read.
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from omniprofile.credentials.explanation import explained
from omniprofile.credentials.overrides import Flags, Override, Overrides, Reach, read_overrides
from omniprofile.credentials.refusals import host_refusal, inherited_mismatch, mismatch, stored_mismatch
from omniprofile.errors import ConfigInvalid, Error
from omniprofile.model.declaration import Config, EnvValue
from omniprofile.model.effective import Effective, Given, effective, own_address
from omniprofile.model.names import quoted_list
from omniprofile.model.origin import Origin, no_organization
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.model.resolution import GivenVariable, Resolution, Selection
from omniprofile.model.secret import Secret

if TYPE_CHECKING:
    from omniprofile.credentials.explanation import StatusOf

NO_FLAGS = Flags()


def resolve(
    config: Config,
    selection: Selection,
    *,
    environ: Mapping[str, str],
    flags: Flags = NO_FLAGS,
    status_of: "StatusOf | None" = None,
) -> Resolution:
    """Resolve the selected profile, without asking a key source.

    `status_of(profile, origin, auth, key, variable)` returns what is known about the profile's own credential, or about the
    secret `variable` of its `env`, without reading it; it is called for `explain` and for `refusal`.

    Raises what `read_overrides` raises; any other reason not to hand a credential out is in `refusal`.
    """
    profile = selection.profile
    declared = effective(config, profile)
    key_variable = None if declared.uses_store else declared.key.value.variable
    overrides = read_overrides(
        config, profile, named=selection.named, environ=environ, flags=flags, key_variable=key_variable
    )
    token = overrides.token
    base_url = _base_url(declared, overrides)
    refusal = _refusal(config, selection, declared, overrides, base_url, status_of)
    notices, warnings, pair = _messages(selection, overrides, base_url, key_variable, refused=refusal is not None)

    @cache  # most calls do not need it, and a parent may set many
    def given_env() -> tuple[GivenVariable, ...]:
        return tuple(_given_variable(config, declared, name, given, base_url) for name, given in declared.env.items())

    return Resolution(
        selection=selection,
        origin=base_url.value,
        auth=declared.auth.value,
        key=declared.key.value,
        token=Sourced(token.value, token.provenance) if token else None,
        base_url_provenance=base_url.provenance,
        protected=declared.protected.value,
        access=declared.access.value,
        allow=declared.allow.value,
        browser=declared.browser.value,
        expect=declared.expect.value,
        given_env=given_env,
        explain=partial(explained, config, profile, declared, overrides, base_url, status_of),
        notices=notices,
        warnings=warnings,
        refusal=refusal,
        pair=pair,
    )


def _base_url(declared: Effective, overrides: Overrides) -> Sourced[Origin | None]:
    """Return the base URL that applies, or None from nowhere."""
    if overrides.applying:
        return Sourced(overrides.applying[0].value, overrides.applying[0].provenance)
    if declared.base_url:
        return Sourced(declared.base_url.value, declared.provenance(declared.base_url))
    return Sourced(None, Provenance(Layer.BUILTIN))


def _refusal(
    config: Config,
    selection: Selection,
    declared: Effective,
    overrides: Overrides,
    base_url: Sourced[Origin | None],
    status_of: "StatusOf | None",
) -> Error | None:
    """Return why no credential may be handed out; None if one may, as far as that is known without asking a source."""
    origin, provenance = base_url
    refusal = host_refusal(config, selection, origin, provenance, allow_insecure=declared.allow_insecure)
    if refusal is not None or origin is None:
        return refusal
    profile, token = selection.profile, overrides.token
    own_origin = declared.base_url.value if declared.base_url else None
    if token is None:  # the profile's own key; for a stored one, `obtain` compares the origin in the store
        token_origin = None if declared.uses_store else declared.key_origin or own_origin
    else:
        token_origin = _token_origin(token, overrides.applying, own_origin)
    if token_origin and origin != token_origin:
        if token or overrides.applying:
            return mismatch(profile, token, token_origin, origin, provenance)
        return inherited_mismatch(declared, declared.key, "key", token_origin, origin)
    if token is None and status_of:
        elsewhere = status_of(profile, origin, declared.auth.value, declared.key.value, None).elsewhere
        return stored_mismatch(profile, elsewhere, origin, provenance) if elsewhere else None
    return None


def _messages(
    selection: Selection,
    overrides: Overrides,
    base_url: Sourced[Origin | None],
    key_variable: str | None,
    *,
    refused: bool,
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return a resolution's `notices`, `warnings` and `pair`: where its token and base URL come from, if not from the files."""
    token, (origin, provenance) = overrides.token, base_url
    notices, warnings, pair = list(overrides.notices), list[str](), tuple[str, ...]()
    if token is None or origin is None or token.reach is Reach.CALL:
        return overrides.notices, (), ()
    if provenance.layer is not Layer.ENVIRONMENT:
        sentence = f"the token comes from `{token.provenance.name}`, the host {origin} from {provenance}"
        if selection.provenance.layer is Layer.PROJECT:
            warnings.append(sentence)  # the pin's author chose where the user's token goes
        elif token.provenance.name != key_variable:
            notices.append(sentence)
    elif not refused:
        both = (str(provenance.name), str(token.provenance.name))
        if token.reach is Reach.CURRENT:
            pair = both
        else:
            warnings.append(f"using {quoted_list(both, 'and')} for profile `{selection.profile}` ({origin})")
    return tuple(notices), tuple(warnings), pair


def _given_variable(
    config: Config, declared: Effective, name: str, given: Given[EnvValue], base_url: Sourced[Origin | None]
) -> GivenVariable:
    """Return a variable of `env` as it applies at `base_url`: a secret may go only to the origin that it is declared for."""
    origin = base_url.value
    value, own = given.value, declared.base_url.value if declared.base_url else None
    if value.secret is not None:
        bound = own if value.secret.kind == "keyring" else own_address(config, given.table) or own
        if bound and own and origin == own != bound:
            return GivenVariable(name, value, inherited_mismatch(declared, given, f"secret `{name}`", bound, own))
        if bound and origin != bound:
            why = f"`{name}` is left out: it is a secret for {bound}, not for {origin} ({base_url.provenance})"
            return GivenVariable(name, value, left_out=why)
    if value.part == "organization" and origin and origin == own and origin.organization_name is None:
        why, hint = no_organization(f"`{name}`", origin)
        return GivenVariable(name, value, ConfigInvalid(f"{declared.provenance(given).place}: {why}", hint=hint))
    return GivenVariable(name, value)


def _token_origin(
    token: Override[Secret], base_urls: list[Override[Origin]], own_origin: Origin | None
) -> Origin | None:
    """Return the origin that an override's token is for; None if it is for none in particular.

    A token belongs to the base URL of the same reach. Without one, a call's token belongs to the base URL of the profile's
    variable, if set; then, like a profile's, to the profile's base URL; a token of the vendor's variables to none in particular.
    """
    by_reach = {url.reach: url.value for url in base_urls}
    if token.reach is Reach.CURRENT:
        return by_reach.get(Reach.CURRENT)
    for reach in range(token.reach, Reach.CURRENT):
        if Reach(reach) in by_reach:
            return by_reach[Reach(reach)]
    return own_origin
