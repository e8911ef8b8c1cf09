"""The credential of a profile decided by its files alone, from sources that need no library: variables, files, the store.

On the fast path: imports only what a bare interpreter has loaded, plus `datetime` for a session, and what the keyring needs.
"""

import sys

from omniprofile.credentials.env_variables import TIMEOUT_VARIABLE, asked_store, nothing_overrides
from omniprofile.credentials.sources import read_plain_key
from omniprofile.model.compiled_profile import Undecided
from omniprofile.model.names import account_name
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
    name, base_url = profile.profile, profile.base_url
    if profile.kind is None or not nothing_overrides(name, environ):
        raise Undecided
    if profile.kind != "stored":
        profile.token = read_plain_key(profile.kind, profile.where, name, base_url, environ).reveal()
        return
    account = account_name(name, base_url)
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
            yield name, read_plain_key(*value, profile.profile, profile.base_url, environ, name).reveal()
        else:
            yield name, value


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
