"""The credential of a profile decided by its files alone, from sources that need no library: variables, files, the store.

On the fast path: imports only what a bare interpreter has loaded, plus `datetime` for a session, and what the keyring needs.
"""

import sys

from omniprofile.credentials.env_variables import TIMEOUT_VARIABLE, asked_store, nothing_overrides
from omniprofile.model.compiled_profile import Undecided
from omniprofile.model.names import account_name
from omniprofile.model.variable_names import TOKENS
from omniprofile.system.files import user_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from omniprofile.model.compiled_profile import CompiledProfile
    from omniprofile.model.freshness import StoredFields


def obtain(
    profile: "CompiledProfile",
    environ: "Mapping[str, str]",
    store: str | None,
    folders: tuple[str, str],
    *,
    for_child: bool,
) -> None:
    """Set the profile's token and its expiry. `for_child` says that the token goes to a process that cannot renew it.

    `store` is the secret store set in the files; `folders` are the state folder and the home. Raises Undecided, or any other
    error, if the full path must decide.
    """
    if not nothing_overrides(profile.profile, environ):
        raise Undecided
    if profile.kind != "stored":
        profile.token = _read(profile.kind, profile.where, profile, environ, TOKENS)
        return
    account = account_name(profile.profile, profile.base_url)
    in_file = (asked_store(environ) or store) == "file"
    found = _in_file(account, *folders) if in_file else _in_keyring(account, *folders, environ)
    if found.is_session != (profile.auth == "oauth"):
        raise Undecided
    if found.is_session:
        from datetime import UTC, datetime, timedelta

        from omniprofile.model.freshness import is_fresh

        if not is_fresh(found, datetime.now(UTC), timedelta(0) if for_child else None):
            raise Undecided
    profile.token, profile.expires_at = found.token.reveal(), found.expires_at


def variables(
    profile: "CompiledProfile", environ: "Mapping[str, str]"
) -> "Iterator[tuple[str, str | tuple[str, str]]]":
    """Yield the profile's `env` with the values of its secrets. Raises what `obtain` raises."""
    if profile.declared_env is None:
        raise Undecided
    for name, value in profile.declared_env:
        if isinstance(value, tuple) and value[0] in ("env", "file"):
            yield name, _read(*value, profile, environ, (name,))
        else:
            yield name, value


def _read(
    kind: str | None, where: str, profile: "CompiledProfile", environ: "Mapping[str, str]", names: tuple[str, ...]
) -> str:
    """Ask a key source other than a command. `names` are the variables under which omniprofile exports its value."""
    of_env = names is not TOKENS
    if kind == "env":
        from omniprofile.credentials.key_check import checked_key
        from omniprofile.model.export_mark import key_in_environment

        value = key_in_environment(environ, where, profile.profile, profile.base_url, names)
        return checked_key(value, "", of_env=of_env).reveal()
    if kind == "file":
        from omniprofile.credentials.key_file import key_in_file

        return key_in_file(where, "", of_env=of_env).reveal()
    raise Undecided


def _in_file(account: str, state_folder: str, home: str) -> "StoredFields":
    """Return what the file store holds for `account`."""
    from omniprofile.credentials.envelope import check
    from omniprofile.credentials.file_store import FileStore

    return check(FileStore(state_folder, home=home).read()[account], account)


def _in_keyring(account: str, state_folder: str, home: str, environ: "Mapping[str, str]") -> "StoredFields":
    """Return what the keyring holds for `account`, if that can be read without the keyring package."""
    from omniprofile.credentials import light_keyring
    from omniprofile.system.user_lock import user_lock_folders

    if environ.get(TIMEOUT_VARIABLE):
        raise Undecided
    return light_keyring.get(account, state_folder, home, user_lock_folders(sys.platform, environ, user_id()), environ)
