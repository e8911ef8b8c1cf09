"""The credential of a profile whose files alone decide it, from sources that need no library: variables, files, the store.

On the fast path: imports only what a bare interpreter has loaded; for a session the dates, and for the keyring what it takes.
"""

import sys

from omniprofile.credentials.env_variables import TIMEOUT_VARIABLE, asked_store, nothing_overrides
from omniprofile.model.compiled_profile import Final, Undecided
from omniprofile.model.exported import TOKENS
from omniprofile.model.names import account_name
from omniprofile.system.files import user_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from omniprofile.model.compiled_profile import CompiledProfile
    from omniprofile.model.freshness import Stored


def obtain(
    profile: "CompiledProfile",
    environ: "Mapping[str, str]",
    store: str | None,
    folders: tuple[str, str],
    *,
    for_child: bool,
) -> None:
    """Give the profile its token, and when that expires; `for_child` says that whoever gets it cannot renew it.

    `store` is the one that the files ask for; `folders` are those of the state and of the home. Raises Undecided, or whatever
    is wrong, where the full path must look; Final where that would find the same.
    """
    if not nothing_overrides(profile.profile, environ):
        raise Undecided
    if profile.kind == "stored":
        store = asked_store(environ) or store or "keyring"
        found = _stored(profile, environ, store, folders, for_child=for_child)
        profile.token, profile.expires_at = found.token.reveal(), found.expires_at
    else:
        profile.token = _read(profile.kind, profile.where, profile, environ, TOKENS)


def _read(
    kind: str | None, where: str, profile: "CompiledProfile", environ: "Mapping[str, str]", names: tuple[str, ...]
) -> str:
    """Ask a key source that is not a command; `names` are the variables that omniprofile exports what it holds as."""
    from omniprofile.credentials.sources import checked_key, key_in_file
    from omniprofile.model.exported import key_in_environment

    if kind == "env":
        value = key_in_environment(environ, where, profile.profile, profile.base_url, names)
        return checked_key(value, "", of_env=names is not TOKENS).reveal()
    if kind == "file":
        return key_in_file(where, "", of_env=names is not TOKENS).reveal()
    raise Undecided


def variables(
    profile: "CompiledProfile", environ: "Mapping[str, str]"
) -> "Iterator[tuple[str, str | tuple[str, str]]]":
    """Yield the profile's `env` with its secrets read. Raises as `obtain` does."""
    if profile.declared_env is None:
        raise Undecided
    for name, value in profile.declared_env:
        if isinstance(value, tuple) and value[0] in ("env", "file"):
            yield name, _read(*value, profile, environ, (name,))
        else:
            yield name, value


def _stored(
    profile: "CompiledProfile", environ: "Mapping[str, str]", store: str, folders: tuple[str, str], *, for_child: bool
) -> "Stored":
    """Ask the secret store, unless a session must be refreshed."""
    session = profile.auth == "oauth"
    name = account_name(profile.profile, profile.base_url)
    if store == "file":
        from omniprofile.credentials.envelope import check
        from omniprofile.credentials.secrets_file import SecretsFile

        found: Stored | None = check(SecretsFile(*folders).read()[name], name)
    elif not environ.get(TIMEOUT_VARIABLE):
        found = _in_keyring(name, environ, folders, session=session)
    else:
        raise Undecided
    from omniprofile.model.freshness import is_fresh, is_session

    if found is None or is_session(found) != session:
        raise Undecided
    if session:
        from datetime import UTC, datetime, timedelta

        if not is_fresh(found, datetime.now(UTC), timedelta(0) if for_child else None):
            raise Undecided
    return found


def _in_keyring(name: str, environ: "Mapping[str, str]", folders: tuple[str, str], *, session: bool) -> "Stored | None":
    """Return what the keyring holds for the account `name`. What the keyring package raises is final: it is not asked again."""
    from omniprofile.credentials import light_keyring
    from omniprofile.system.locking import user_lock_folders

    folder, home = folders
    lock_folders = user_lock_folders(sys.platform, environ, user_id())
    try:
        return light_keyring.get(name, folder, home, lock_folders, environ)
    except Exception:  # whatever is wrong, the keyring package finds it too, and says so
        if session:  # which may have to be refreshed: the full path asks
            raise
    from omniprofile.credentials.keyring_store import KeyringStore
    from omniprofile.errors import StoreUnavailable
    from omniprofile.model.stored import Account

    try:
        return KeyringStore(folder, lock_folders=lock_folders, home=home).get(Account.parse(name))
    except (StoreUnavailable, KeyboardInterrupt) as problem:
        raise Final from problem
