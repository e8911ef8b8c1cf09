"""The secret store of a run: which one it is, what it holds for each profile, and the sessions in it.

It imports and opens everything on first use.
"""

import os
from functools import partial
from typing import TYPE_CHECKING

from omniprofile.credentials.env_variables import STORE_VARIABLE, asked_store
from omniprofile.errors import StoreUnavailable, UnsafePermissions
from omniprofile.model.declaration import KeySource, uses_store
from omniprofile.model.names import printable
from omniprofile.model.shell_words import assignment
from omniprofile.model.variable_names import TOKENS
from omniprofile.system.foreign_access import real_path
from omniprofile.workspace import Workspace, once

if TYPE_CHECKING:
    from omniprofile.credentials.session import Sessions
    from omniprofile.credentials.status import CredentialStatus
    from omniprofile.model.origin import Origin
    from omniprofile.model.stored import Account, SecretStore, StoredSecret, StoredSummary


class Stores(Workspace):
    """The profile files, and the secret store that they and the environment choose."""

    @once
    def store_name(self) -> str:
        """`keyring` or `file`: from the variable, else from the files, else `keyring`. Raises ConfigInvalid."""
        if asked := asked_store(self.environment.environ):
            return asked
        chosen = self.config.settings.secret_store
        return chosen.value if chosen else "keyring"

    @once
    def store(self) -> "SecretStore":
        """The secret store named by `store_name`. Never falls back to the other one if it fails."""
        if self.store_name == "file":
            from omniprofile.credentials.file_store import FileStore

            return FileStore(self.places.state_folder, home=self.places.home, owner=self.owner)
        from omniprofile.credentials.keyring_store import KeyringStore
        from omniprofile.credentials.keyring_time_limit import keyring_seconds

        return KeyringStore(
            self.places.state_folder,
            timeout=keyring_seconds(self.environment.environ),
            lock_folders=self.lock_folders,
            owner=self.owner,
            home=self.places.home,
        )

    @property
    def owner(self) -> str:
        """The file that the store records as the user of a secret: the main profile file, also for its drop-ins."""
        return os.path.abspath(self.places.config_file)

    def is_owner(self, file: str) -> bool:
        """Whether a file that the store recorded is this app's.

        Compares the paths, since a link into a read-only store gets another target with each change; or else the real paths.
        """
        return file == self.owner or real_path(file) == real_path(self.owner)

    @once
    def _summaries(self) -> "dict[tuple[str, str | None], dict[Origin, StoredSummary]]":
        """The store's summaries by profile and variable, and then by origin."""
        found: dict[tuple[str, str | None], dict[Origin, StoredSummary]] = {}
        for account, summary in self.store.summaries().items():
            found.setdefault((account.profile, account.variable), {})[account.origin] = summary
        return found

    def credential_status(
        self, profile: str, origin: "Origin | None", auth: str, key: KeySource, variable: str | None = None
    ) -> "CredentialStatus":
        """Return what is known about a profile's credential, or a secret of its `env`. Unlocks and contacts nothing."""
        from omniprofile.credentials.status import at_source, in_store

        if uses_store(auth, key):
            stored = self._summaries.get((profile, variable), {})
            return in_store(stored, origin, self.store_name, self.environment.now())
        return at_source(key, profile, origin, self.environment.environ, (variable,) if variable else TOKENS)

    def stored(self, account: "Account") -> "StoredSecret | None":
        """Return the secret of `account`, or None. Raises StoreUnavailable if only the store that is not used now holds it."""
        found = self.store.get(account)
        if found is None and (other := self._other_store(account)):
            name, used = printable(account.profile), "OS keyring" if self.store_name == "keyring" else self.store.label
            unused = "file" if self.store_name == "keyring" else "keyring"
            raise StoreUnavailable(
                f"the secret of `{name}` is stored in the {other}, but the {used} is used now",
                hint=f"run `{assignment(STORE_VARIABLE, unused)}`, or store it again with `{account.login_command}`",
            )
        return found

    def _other_store(self, account: "Account") -> str | None:
        """Return the label of the other store, the unused one, if it is known to hold `account`. Unlocks nothing."""
        from omniprofile.credentials.file_store import FileStore
        from omniprofile.credentials.keyring_backends import backend_label
        from omniprofile.credentials.stored_index import INDEX_FILE, StoredIndex

        folder, home = self.places.state_folder, self.places.home
        try:
            if self.store_name == "keyring":
                file = FileStore(folder, home=home)
                return file.label if str(account) in file.read() else None
            known = StoredIndex(os.path.join(folder, INDEX_FILE), home).read().get(account)
        except (StoreUnavailable, UnsafePermissions):  # an error in an unused store does not matter
            return None
        return backend_label(known.backend) if known and known.backend else None

    def accounts(self, profile: str) -> "list[Account]":
        """Return the accounts that the store lists for a profile's name, for any origin and from any profile file."""
        return sorted((account for account in self.store.summaries() if account.profile == profile), key=str)

    @once
    def sessions(self) -> "Sessions":
        """The OAuth sessions in the store."""
        from omniprofile.credentials.session import LOCK_SECONDS, Sessions
        from omniprofile.system.user_lock import user_lock

        return Sessions(
            store=self.store,
            refresh=self._refresh,
            # All users of a file store share the lock next to it; those of a keyring may have different state folders.
            user_lock=partial(user_lock, self.lock_folders, optional=self.store_name == "file"),
            now=self.environment.now,
            tell=self.tell,
            lock_seconds=LOCK_SECONDS,
            checkpoint=self.environment.checkpoint,
        )

    def _refresh(self, profile: str, session: "StoredSecret") -> "StoredSecret":
        from omniprofile.instance.client import Client
        from omniprofile.instance.token_endpoint import EXCHANGE_SECONDS, refresh

        with Client(timeout=EXCHANGE_SECONDS, environ=self.environment.environ) as client:
            return refresh(client, profile, session, now=self.environment.now)
