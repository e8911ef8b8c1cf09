"""Obtaining the credential of a resolution: from the flag or variable, the store, or the key source that `resolve` decided on."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from omniprofile.credentials.key_check import checked_key
from omniprofile.credentials.refusals import stored_mismatch
from omniprofile.credentials.sources import read_key
from omniprofile.errors import IdentityMismatch, NoCredential
from omniprofile.model.credential import Credential
from omniprofile.model.origin import Origin
from omniprofile.model.resolution import Resolution
from omniprofile.model.secret import Secret

if TYPE_CHECKING:
    from omniprofile.model.stored import Account, StoredSecret


def obtain(
    resolution: Resolution,
    *,
    environ: Mapping[str, str],
    stored: "Callable[[Account], StoredSecret | None]",
    elsewhere: Callable[[str, str | None], Sequence[Origin]],
    fresh: "Callable[[str, StoredSecret], StoredSecret]",
    interactive: bool,
    tell: Callable[[str], None],
) -> Credential:
    """Return the credential from the source that the resolution decided on.

    `stored(account)` reads the secret store; `elsewhere(profile, variable)` returns the origins for which the store has the
    profile's credential, or that secret of its `env`; `fresh(profile, session)` refreshes an OAuth session if needed. The secrets
    of `env` are read when the credential's variables are; `tell` then gets a sentence for each that is left out.

    Raises the resolution's refusal, NoCredential, OriginMismatch if secrets are stored only for other origins,
    IdentityMismatch, and whatever the source or the store raises.
    """
    profile, origin = resolution.profile, resolution.allowed_origin()
    ask = partial(read_key, profile=profile, base_url=str(origin), environ=environ, interactive=interactive)

    def in_store(variable: str | None = None) -> "StoredSecret | None":
        from omniprofile.model.stored import Account

        found = stored(Account(profile, origin, variable))
        if found is None and (others := elsewhere(profile, variable)):
            raise stored_mismatch(profile, others, origin, resolution.base_url_provenance, variable)
        return found

    expires_at = None
    if resolution.token is not None:
        secret = checked_key(resolution.token.value.reveal(), f"{resolution.token.provenance}")
    elif resolution.uses_store:
        own = _own(in_store(), resolution)
        if resolution.auth == "oauth":
            # Check again: another process may have stored something else since.
            own = _own(fresh(profile, own), resolution)
        secret, expires_at = own.token, own.expires_at
    else:
        secret = ask(resolution.key)

    return Credential(
        profile=profile,
        origin=origin,
        auth=resolution.auth,
        secret=secret,
        expires_at=expires_at,
        of_profile=not resolution.pair,
        read_env=cache(lambda: _read_env(resolution, ask, in_store, tell)),
    )


def _read_env(
    resolution: Resolution,
    ask: Callable[..., Secret],
    in_store: "Callable[[str], StoredSecret | None]",
    tell: Callable[[str], None],
) -> tuple[tuple[str, str | tuple[str, str] | Secret], ...]:
    """Return the variables of a profile's `env` as `model.credential_variables` takes them, with secrets read."""
    found: list[tuple[str, str | tuple[str, str] | Secret]] = []
    for name, value, refusal, left_out in resolution.env:
        if refusal is not None:
            raise refusal
        if left_out is not None:
            tell(left_out)
        elif value.secret is None:
            found.append((name, value.plain))
        elif value.secret.kind != "keyring":
            found.append((name, ask(value.secret, variable=name)))
        elif stored := in_store(name):
            found.append((name, stored.token))
        else:
            raise NoCredential(
                f"the secret `{name}` of `{resolution.profile}` is not stored",
                hint=f"run `omniprofile login {resolution.profile} --secret {name}`",
            )
    return tuple(found)


def _own(found: "StoredSecret | None", resolution: Resolution) -> "StoredSecret":
    """Return `found`, the profile's stored secret, if it matches the profile's auth method and expected identity.

    Raises NoCredential or IdentityMismatch otherwise.
    """
    from omniprofile.model.live_result import differences

    profile = resolution.profile
    wanted, other = ("session", "API key") if resolution.auth == "oauth" else ("key", "OAuth session")
    hint = f"run `omniprofile login {profile}`"
    if found is None:
        raise NoCredential(f"no {wanted} is stored for `{profile}`", hint=hint)
    if found.is_session != (resolution.auth == "oauth"):
        raise NoCredential(
            f"the stored secret of `{profile}` is an {other}, but its `auth` is `{resolution.auth}`", hint=hint
        )
    if found.identity is not None and (wrong := differences(resolution.expect, found.identity)):
        raise IdentityMismatch(
            f"the secret stored for `{profile}` does not match `expect`: when it was stored, {'; '.join(wrong)}",
            hint=f"run `omniprofile login {profile}` with the right one, or change `expect`",
        )
    return found
