"""Reading from the OS keyring without the package `keyring`, whose import takes most of a command's time.

It reads an entry only if the package would decide nothing: according to the index, its backend for the Secret Service or for
Windows wrote the entry, the package is not configured otherwise, and the entry matches the index. `keyring_store` does everything
else, including all writing and all error messages. On the fast path.
"""

import os

from omniprofile.credentials.envelope import check, load
from omniprofile.credentials.stored_index import INDEX_FILE, StoredIndex
from omniprofile.model.compiled_profile import Undecided

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniprofile.model.freshness import StoredFields

SERVICE = "omniprofile"
LOCK = "keyring.lock"
"""The name of the OS user's lock for the keyring."""
SECRET_SERVICE = "keyring.backends.SecretService.Keyring"  # noqa: S105 - the name of a class
VAULT = "keyring.backends.Windows.WinVaultKeyring"
"""The classes of keyring's backends for the Secret Service and for Windows, which the index records."""
WINDOWS = "keyring.backends.Windows."
_SECONDS = 1.0
"""Seconds to wait for another writer, and again for the service."""


def get(
    account: str, state_folder: str, home: str, lock_folders: list[str], environ: "Mapping[str, str]"
) -> "StoredFields":
    """Return the entry of `account`, a name from `model.names.account_name`.

    The folders and `home` are as for `KeyringStore`. Raises Undecided, or whatever the lock and the two readers raise; the caller
    must then use the keyring package.
    """
    known = StoredIndex(os.path.join(state_folder, INDEX_FILE), home).entries().get(account)
    kind = known.get("backend") if isinstance(known, dict) else None
    if not isinstance(known, dict) or kind not in (SECRET_SERVICE, VAULT) or _is_configured(kind, home, environ):
        raise Undecided
    from omniprofile.system.user_lock import user_lock

    with user_lock(lock_folders, LOCK, _SECONDS, shared=True):
        data = load(_password(kind, account, environ))
    fields = check(data, account)
    if not isinstance(data, dict) or any(
        data.get(key) != known.get(key) for key in ("stored_at", "expires_at", "files")
    ):
        raise Undecided  # the index needs correcting
    return fields


def entry_name(kind: str, account: str) -> str:
    """Return the name under which a backend of class `kind` stores the entry of an account, or of one of its parts.

    Windows ignores the case of names, so there a number after the name encodes which letters of the profile's are capitals.
    """
    profile = account.rpartition("@")[0]
    capitals = sum(1 << at for at, letter in enumerate(profile) if letter.isupper())
    return f"{account}/capitals/{capitals:x}" if capitals and kind.startswith(WINDOWS) else account


def _password(kind: str, account: str, environ: "Mapping[str, str]") -> str:
    if kind == VAULT:
        from omniprofile.credentials.light_windows_vault import password

        return password(SERVICE, entry_name(kind, account))
    from omniprofile.credentials import light_secret_service

    return light_secret_service.password(environ["DBUS_SESSION_BUS_ADDRESS"], SERVICE, account, _SECONDS)


def _is_configured(kind: str, home: str, environ: "Mapping[str, str]") -> bool:
    """Return whether the keyring package may be configured to use another backend than `kind`, or with other properties.

    The sources are those of its modules `core` and `backend`.
    """
    if any(name.startswith("KEYRING_PROPERTY_") for name in environ):
        return True
    if "PYTHON_KEYRING_BACKEND" in environ:
        return environ["PYTHON_KEYRING_BACKEND"] != kind
    if kind == VAULT:
        folder = os.path.join(environ.get("LOCALAPPDATA") or environ.get("ProgramData") or ".", "Python Keyring")
    else:
        folder = os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "python_keyring")
    return os.path.lexists(os.path.join(folder, "keyringrc.cfg"))
