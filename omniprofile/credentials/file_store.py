"""The secret store in a file of mode 0600, used only if it is chosen by name.

The file is one JSON object: `{"version": 1, "secrets": {ACCOUNT: ENVELOPE}}`, with accounts as `NAME@ORIGIN`. Writers take a
lock, replace the whole file, and keep all other entries unchanged. Readers need no lock: they see the old file or the new one.

`read` is on the fast path, so this module imports only what a bare interpreter has loaded, and the rest when it is needed.
"""

import os
import sys

from omniprofile.credentials.envelope import as_data, from_data, load, summary_of, with_owner
from omniprofile.model.names import printable, printable_place
from omniprofile.system.files import Unreadable, make_private_folder, open_regular
from omniprofile.system.foreign_access import others_can_read, real_path, refuse_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from omniprofile.errors import StoreUnavailable
    from omniprofile.model.stored import Account, StoredSecret, StoredSummary

SECRETS_FILE = "secrets.json"
LOCK_SECONDS = 10.0
"""Seconds that a writer waits for another one."""
_VERSION = 1
_RISK = "put secrets of their own in the place of yours"


class FileStore:
    """The store in `folder`. `lock_timeout` is how long a writer waits for another one, in seconds.

    `home` is the user's home: permissions are not checked above it. `owner` is the profile file that uses the store: it is
    recorded with each secret that is stored.
    """

    def __init__(
        self, folder: str, *, home: str = "", lock_timeout: float = LOCK_SECONDS, owner: str | None = None
    ) -> None:
        self.path = os.path.join(folder, SECRETS_FILE)
        self.folder = folder
        self._home = home
        self._owner = owner
        self._lock_timeout = lock_timeout

    @property
    def identity(self) -> str:
        """The real path of the file, however it is named."""
        return f"file:{real_path(self.path)}"

    @property
    def lock_folder(self) -> str:
        """The folder for the locks: the one that the file is really in."""
        return os.path.dirname(real_path(self.path))

    @property
    def label(self) -> str:
        """The store in words, with its path."""
        return f"file `{printable_place(self.path)}`"

    def check(self) -> None:
        """Check that the file can be read and replaced, without writing anything."""
        self.read()
        folder, above = self.lock_folder, os.path.dirname(self.lock_folder)
        while not os.path.lexists(folder) and folder != above:  # on Windows the whole drive may be gone
            folder, above = above, os.path.dirname(above)
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
            from omniprofile.system.os_errors import FIX_STATE_FOLDER

            why = f"you cannot write to the folder `{printable_place(folder)}`"
            raise self._unusable("cannot be written", why, FIX_STATE_FOLDER)

    def get(self, account: "Account") -> "StoredSecret | None":
        """Return the secret of `account`, or None."""
        entry = self.read().get(str(account))
        try:
            return None if entry is None else from_data(entry, account)
        except ValueError as problem:
            name = printable(account.profile)
            hint = f"run `omniprofile login {name}` to store it again"
            raise self._unusable(f"holds something other than a secret for `{name}`", str(problem), hint) from problem

    def put(self, profile: str, secret: "StoredSecret") -> None:
        """Store a secret atomically."""
        account = secret.account(profile)

        def change(entries: dict[str, object]) -> None:
            try:
                files = summary_of(entries.get(str(account))).files
            except ValueError:  # no entry, or a damaged one, which is replaced
                files = ()
            entries[str(account)] = as_data(secret, account, with_owner(files, self._owner))

        self._change(change)

    def delete(self, account: "Account") -> bool:
        """Delete the secret of `account`, and return whether there was one."""
        if str(account) not in self.read():
            return False
        return self._change(lambda entries: entries.pop(str(account), None)) is not None

    def summaries(self) -> "dict[Account, StoredSummary]":
        """Return a summary of each stored secret, by account."""
        from omniprofile.model.stored import Account, StoredSummary

        found = {}
        for key, entry in self.read().items():
            try:
                account = Account.parse(key)
                found[account] = StoredSummary()  # list a damaged entry too: `get` reports it, `delete` removes it
                from_data(entry, account)
                found[account] = summary_of(entry)
            except ValueError:  # keep an entry under any other key in the file, but do not list it
                continue
        return found

    def read(self) -> dict[str, object]:
        """Return the envelopes by account. Raises StoreUnavailable, and UnsafePermissions if others may read or write it."""
        try:
            content, status = open_regular(self.path)
        except FileNotFoundError:
            return {}
        except Unreadable as problem:
            from omniprofile.errors import StoreUnavailable

            raise problem.as_error(StoreUnavailable, self.label, "fix its permissions or remove it") from problem
        if sys.platform != "win32" and os.geteuid() not in (0, status.st_uid):  # this user cannot change its mode
            refuse_foreign(self.path, self._home, _RISK)
        if others_can_read(status):
            from omniprofile.errors import UnsafePermissions
            from omniprofile.model.shell_words import quoted_place

            raise UnsafePermissions(
                f"{self.label} holds secrets, and others can read or write it",
                hint=f"run `chmod 600 {quoted_place(self.path)}`",
            )
        refuse_foreign(self.path, self._home, _RISK)
        if status.st_nlink > 1:  # locks and replacements go by name: each name would refresh a session of its own
            from omniprofile.model.shell_words import quoted_place

            place, copy = quoted_place(self.path), quoted_place(f"{self.path}.copy")
            raise self._unusable(
                "cannot be used",
                "it has another name, by a hard link",
                f"run `cp -p {place} {copy} && mv {copy} {place}`",
            )
        try:
            data = load(content)
        except ValueError as problem:
            raise self._damaged(str(problem)) from problem
        if not isinstance(data, dict) or not isinstance(data.get("secrets"), dict):
            raise self._damaged("it has no object `secrets`")
        if data.get("version") != _VERSION:
            raise self._damaged("it is of a version that this omniprofile does not know")
        entries: dict[str, object] = data["secrets"]
        return entries

    def _change(self, change: "Callable[[dict[str, object]], object]") -> object:
        """Replace the file by one with the `change` made to its envelopes; return what `change` returns."""
        import json

        from omniprofile.errors import StoreTimeout, StoreUnavailable
        from omniprofile.system.atomic_write import sweep, write_atomic
        from omniprofile.system.locking import lock
        from omniprofile.system.os_errors import FIX_STATE_FOLDER, TRY_AGAIN, reported_as

        target = real_path(self.path)  # keep the link that a dotfile manager made
        busy = f"{self.label} has been locked by another process for more than {self._lock_timeout:g} s"
        with reported_as(
            StoreUnavailable,
            f"{self.label} cannot be written",
            FIX_STATE_FOLDER,
            busy=StoreTimeout(busy, hint=TRY_AGAIN),
        ):
            make_private_folder(self.folder)
            for folder in (self.folder, self.lock_folder):
                refuse_foreign(folder, self._home, _RISK)
            with lock(f"{target}.lock", self._lock_timeout):
                entries = self.read()
                result = change(entries)
                content = json.dumps({"version": _VERSION, "secrets": entries}, indent=1).encode() + b"\n"
                sweep(target)
                write_atomic(target, content, mode=0o600)
                return result

    def _unusable(self, what: str, why: str, hint: str) -> "StoreUnavailable":
        from omniprofile.errors import StoreUnavailable

        return StoreUnavailable(f"{self.label} {what}: {why}", hint=hint)

    def _damaged(self, why: str) -> "StoreUnavailable":
        return self._unusable(
            "is damaged", why, f"repair it, or remove `{printable_place(self.path)}` and log in again"
        )
