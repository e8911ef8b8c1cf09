"""Resolving the selected profile into one credential.

`resolve` is a pure function of the files, flags and variables. It decides every field and keeps the overridden values, so that
`explain`, errors and JSON show the same decision. `obtain` then asks the one key source decided on. Origin and token are one
unit: `resolve` knows which origin a token is for before it is read.
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from omniprofile.credentials.explanation import explained
from omniprofile.credentials.overrides import Flags, Override, Reach, read_overrides
from omniprofile.credentials.refusals import host_refusal, inherited_mismatch, mismatch, stored_mismatch
from omniprofile.errors import ConfigInvalid
from omniprofile.model.declaration import Config, EnvValue
from omniprofile.model.effective import Effective, Given, effective, own_address
from omniprofile.model.names import quoted_list
from omniprofile.model.origin import Origin
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
        config,
        profile,
        named=selection.named,
        environ=environ,
        flags=flags,
        key_variables=(key_variable,) if key_variable else (),
    )

    nearest = declared.base_url
    addressed = bool(overrides.applying)
    base_url: Sourced[Origin | None]
    if addressed:
        base_url = Sourced(overrides.applying[0].value, overrides.applying[0].provenance)
    elif nearest:
        base_url = Sourced(nearest.value, declared.provenance(nearest))
    else:
        base_url = Sourced(None, Provenance(Layer.BUILTIN))
    origin, base_url_provenance = base_url.value, base_url.provenance
    auth_method, key_source = declared.auth.value, declared.key.value

    token = overrides.token
    own_origin = nearest.value if nearest else None
    if token is None:  # the profile's own key; for a stored one, `obtain` compares the origin in the store
        token_origin = None if declared.uses_store else declared.key_origin or own_origin
    else:
        token_origin = _token_origin(token, overrides.applying, own_origin)
    notices, warnings = list(overrides.notices), list[str]()
    if token and token.reach is not Reach.CALL and origin and base_url_provenance.layer is not Layer.ENVIRONMENT:
        sentence = f"the token comes from `{token.provenance.name}`, the host {origin} from {base_url_provenance}"
        if selection.provenance.layer is Layer.PROJECT:
            warnings.append(sentence)  # the pin's author chose where the user's token goes
        elif token.provenance.name != key_variable:
            notices.append(sentence)

    refusal = host_refusal(config, selection, origin, base_url_provenance, allow_insecure=declared.allow_insecure)
    if refusal is None and origin and token_origin and origin != token_origin:
        refusal = mismatch(profile, token, token_origin, origin, base_url_provenance)
        if token is None and not addressed:
            refusal = inherited_mismatch(declared, declared.key, "key", token_origin, origin)

    known = status_of(profile, origin, auth_method, key_source, None) if status_of else None
    if refusal is None and token is None and known and known.elsewhere and origin:
        refusal = stored_mismatch(profile, known.elsewhere, origin, base_url_provenance)

    pair: tuple[str, ...] = ()
    if refusal is None and token and base_url_provenance.layer is Layer.ENVIRONMENT:
        both = (str(base_url_provenance.name), str(token.provenance.name))
        if token.reach is Reach.CURRENT:
            pair = both
        elif token.reach is Reach.PROFILE:
            warnings.append(f"using {quoted_list(both, 'and')} for profile `{profile}` ({origin})")

    @cache  # most calls do not need it, and a parent may set many
    def given_env() -> tuple[GivenVariable, ...]:
        return tuple(
            _given_variable(config, declared, name, given, origin=origin, overridden_by=base_url_provenance)
            for name, given in declared.env.items()
        )

    return Resolution(
        selection=selection,
        origin=origin,
        auth=auth_method,
        key=key_source,
        token=Sourced(token.value, token.provenance) if token else None,
        base_url_provenance=base_url_provenance,
        protected=declared.protected.value,
        access=declared.access.value,
        allow=declared.allow.value,
        browser=declared.browser.value,
        expect=declared.expect.value,
        given_env=given_env,
        explain=partial(explained, config, profile, declared, overrides, base_url, status_of),
        notices=tuple(notices),
        warnings=tuple(warnings),
        refusal=refusal,
        pair=pair,
    )


def _given_variable(
    config: Config,
    declared: Effective,
    name: str,
    given: Given[EnvValue],
    *,
    origin: Origin | None,
    overridden_by: Provenance,
) -> GivenVariable:
    """Return a variable of `env` as it applies at `origin`: a secret may go only to the origin that it is declared for."""
    value, own = given.value, declared.base_url.value if declared.base_url else None
    if value.secret is not None:
        bound = own if value.secret.kind == "keyring" else own_address(config, given.table) or own
        if bound and own and origin == own != bound:
            return GivenVariable(name, value, inherited_mismatch(declared, given, f"secret `{name}`", bound, own))
        if bound and origin != bound:
            why = f"`{name}` is left out: it is a secret for {bound}, not for {origin} ({overridden_by})"
            return GivenVariable(name, value, left_out=why)
    if value.part == "organization" and origin and origin == own and origin.organization_name is None:
        place = declared.provenance(given).place
        refusal = ConfigInvalid(
            f"{place}: `{name}` is an alias of the organization, which {origin} does not name",
            hint='use `from = "host"`, or remove it: only `https://NAME.omniapp.co` names one',
        )
        return GivenVariable(name, value, refusal)
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
