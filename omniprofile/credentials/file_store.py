"""The secret store in a file of mode 0600, used only if it is chosen by name.

The file is one JSON object: `{"version": 1, "secrets": {ACCOUNT: ENVELOPE}}`, with accounts as `NAME@ORIGIN`. Writers take a
lock, replace the whole file, and keep all other entries unchanged. Readers need no lock: they see the old file or the new one.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from omniprofile.credentials.envelope import as_data, from_data, summary_of, with_owner
from omniprofile.credentials.secrets_file import RISK, VERSION, SecretsFile
from omniprofile.errors import StoreTimeout
from omniprofile.model.names import printable, printable_place
from omniprofile.model.stored import Account, StoredSecret, StoredSummary
from omniprofile.system.atomic_write import sweep, write_atomic
from omniprofile.system.files import make_private_folder, reason
from omniprofile.system.foreign_access import owner_hint, real_path, refuse_foreign
from omniprofile.system.locking import LockFailed, lock

LOCK_SECONDS = 10.0
"""Seconds that a writer waits for another one."""
_ELSEWHERE = "make room or fix the folder, or set `OMNIPROFILE_STATE_DIR` to another one"


class FileStore(SecretsFile):
    """The store in `folder`. `lock_timeout` is how long a writer waits for another one, in seconds.

    `home` is the user's home: permissions are not checked above it. `owner` is the profile file that uses the store: it is
    recorded with each secret that is stored.
    """

    def __init__(
        self, folder: str, *, home: str = "", lock_timeout: float = LOCK_SECONDS, owner: str | None = None
    ) -> None:
        super().__init__(folder, home)
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

    def check(self) -> None:
        """Check that the file can be read and replaced, without writing anything."""
        from pathlib import Path

        self.read()
        folders = [str(folder) for folder in Path(real_path(self.path)).parents]
        folder = next(filter(os.path.lexists, folders), folders[-1])  # on Windows the whole drive may be gone
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
            raise self.unusable("cannot be written", f"no file can be made in `{printable_place(folder)}`", _ELSEWHERE)

    def get(self, account: Account) -> StoredSecret | None:
        """Return the secret of `account`, or None."""
        entry = self.read().get(str(account))
        try:
            return None if entry is None else from_data(entry, account)
        except ValueError as problem:
            name = printable(account.profile)
            hint = f"run `omniprofile login {name}` to store it anew"
            raise self.unusable(f"holds something other than a secret for `{name}`", str(problem), hint) from problem

    def put(self, profile: str, secret: StoredSecret) -> None:
        """Store a secret atomically."""
        account = secret.account(profile)

        def change(entries: dict[str, object]) -> None:
            try:
                files = summary_of(entries.get(str(account))).files
            except ValueError:  # no entry, or a damaged one, which is replaced
                files = ()
            entries[str(account)] = as_data(secret, account, with_owner(files, self._owner))

        self._change(change)

    def delete(self, account: Account) -> bool:
        """Delete the secret of `account`, and return whether there was one."""
        if str(account) not in self.read():
            return False
        return self._change(lambda entries: entries.pop(str(account), None)) is not None

    def summaries(self) -> dict[Account, StoredSummary]:
        """Return a summary of each stored secret, by account."""
        found = {}
        for key, entry in self.read().items():
            with suppress(ValueError):  # keep an entry under any other key in the file, but do not list it
                account = Account.parse(key)
                found[account] = StoredSummary()  # list a damaged entry too: `get` reports it, `delete` removes it
                from_data(entry, account)
                found[account] = summary_of(entry)
        return found

    def _change(self, change: Callable[[dict[str, object]], object]) -> object:
        with self._exclusive():
            entries = self.read()
            result = change(entries)
            content = json.dumps({"version": VERSION, "secrets": entries}, indent=1).encode() + b"\n"
            target = real_path(self.path)  # keep the link that a dotfile manager made
            sweep(target)
            write_atomic(target, content, mode=0o600)
            return result

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        try:
            make_private_folder(self.folder)
            for folder in (self.folder, self.lock_folder):
                refuse_foreign(folder, self.home, RISK)
            with lock(real_path(self.path) + ".lock", self._lock_timeout):
                yield
        except TimeoutError as problem:
            raise StoreTimeout(
                f"{self.label} has been locked by another process for more than {self._lock_timeout:g} s",
                hint="try again; if it keeps happening, look for an omniprofile process that hangs",
            ) from problem
        except LockFailed as problem:
            raise self.unusable("cannot be written", str(problem), problem.hint) from problem
        except OSError as problem:
            hint = owner_hint(problem, self.path) or _ELSEWHERE
            raise self.unusable("cannot be written", reason(problem), hint) from problem
