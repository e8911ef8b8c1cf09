"""The secret store in the operating system's keyring.

Every public method runs in its own daemon thread, and its caller waits for it no longer than `timeout`. The thread checks the
deadline before every call, so it changes nothing after its caller has given up (`keyring_time_limit`).

`keyring_choice` chooses among the backends of the keyring package (`keyring_backends`), `keyring_values` splits long values over
the entries of one (`keyring_entries`), and `stored_index` has what `list` shows.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from omniprofile.credentials.envelope import from_data, load, pack, summary_of, with_owner
from omniprofile.credentials.keyring_backends import Member
from omniprofile.credentials.keyring_choice import KeyringChoice
from omniprofile.credentials.keyring_entries import Entries
from omniprofile.credentials.keyring_time_limit import USUAL_SECONDS, Deadline, TimeLimit
from omniprofile.credentials.keyring_values import clean, erase, read_value, restore, write_value
from omniprofile.credentials.light_keyring import LOCK, SERVICE
from omniprofile.credentials.stored_index import INDEX_FILE, StoredIndex
from omniprofile.errors import StoreTimeout, StoreUnavailable
from omniprofile.model.names import printable, printable_place
from omniprofile.model.stored import Account, StoredSecret, StoredSummary
from omniprofile.system.foreign_access import real_path
from omniprofile.system.os_errors import FIX_STATE_FOLDER, TRY_AGAIN, reported_as
from omniprofile.system.user_lock import user_lock

_SHARE_TO_WAIT = 0.9
"""The share of the remaining time to wait for another writer. The rest is for reporting that, and for restoring the keyring."""
_HEALING_SECONDS = 0.5
"""Seconds that a reader, which only corrects the index, waits for another writer of it."""


class KeyringStore:
    """The OS keyring, under the service `omniprofile`, one entry for each account.

    `summary_folder` holds the index of what is stored, which contains no secrets. `timeout` limits each method, in seconds; once
    a method has timed out, later ones fail at once. `lock_folders` are shared by all processes of the OS user: the keyring is
    used under a lock there, because a Secret Service fails if several processes write to it at once. `limit` is the most
    characters that an entry holds; None means the backend's known limit. `owner` is the profile file that uses the store: it is
    recorded with each secret that is stored. `home` is the user's home: permissions are not checked above it.
    """

    def __init__(
        self,
        summary_folder: str,
        *,
        timeout: float = USUAL_SECONDS,
        lock_folders: list[str],
        limit: int | None = None,
        owner: str | None = None,
        home: str = "",
    ) -> None:
        self._index = StoredIndex(os.path.join(summary_folder, INDEX_FILE), home)
        self._timeout = timeout
        self._lock_folders = lock_folders
        self._owner = owner
        self._choice = KeyringChoice(limit)
        self._bounded = TimeLimit(timeout, lambda: self._choice.name).run

    @property
    def identity(self) -> str:
        """Always the same: a user has one keyring, whichever folder the index is in."""
        return "keyring"

    @property
    def lock_folder(self) -> str:
        """The folder for the locks: the one that the index is really in."""
        return os.path.dirname(real_path(self._index.path))

    @property
    def label(self) -> str:
        """The store in words. Waits for the keyring no longer than any method does, and never raises."""
        with suppress(StoreUnavailable):  # a method that needs the keyring reports the error
            self._bounded(lambda _: self._choice.members())
        return f"{self._choice.name}, service `{SERVICE}`"

    def check(self) -> None:
        """Check that the keyring can be used, by looking up an account that does not exist."""

        def look(deadline: Deadline) -> None:
            with self._writer(deadline) as entries:
                entries.get(_nobody())

        self._bounded(look)

    def get(self, account: Account) -> StoredSecret | None:
        """Return the secret of `account`, or None."""

        def read(deadline: Deadline) -> StoredSecret | None:
            for member in self._readers(account):
                with self._lock(deadline, shared=True):
                    text = read_value(Entries(member, deadline), str(account))
                if text is not None:
                    return self._unpacked(account, text, member)
            self._heal(account, None)
            return None

        return self._bounded(read)

    def put(self, profile: str, secret: StoredSecret) -> None:
        """Store a secret atomically, and read it back to compare it before returning."""
        account = secret.account(profile)
        key = str(account)

        def write(deadline: Deadline) -> None:
            with self._writer(deadline) as entries:
                known = self._index.read().get(account) or StoredSummary()
                files = with_owner(known.files, self._owner)
                old = entries.get(key)
                try:
                    write_value(entries, key, pack(secret, account, files), old)
                    self._record(
                        account,
                        StoredSummary(secret.stored_at, secret.expires_at, files, entries.member.kind),
                        deadline,
                    )
                except StoreUnavailable:
                    restore(entries, key, old)  # does nothing after the deadline
                    raise
                with suppress(StoreUnavailable):  # the value is stored; the next put or delete removes leftovers
                    clean(entries, key, entries.get(key))
                    for other in self._choice.members():
                        if other.kind == known.backend != entries.member.kind:
                            erase(Entries(other, deadline), key)

        self._bounded(write)

    def delete(self, account: Account) -> bool:
        """Delete the secret of `account`, with anything that a killed process left of it; return whether there was one."""

        def remove(deadline: Deadline) -> bool:
            members = self._readers(account)
            with self._lock(deadline):
                found = [erase(Entries(member, deadline), str(account)) for member in members]
                if account in self._index.read():
                    self._record(account, None, deadline)
                return any(found)

        return self._bounded(remove)

    def summaries(self) -> dict[Account, StoredSummary]:
        """Return the summaries in the index, without asking or unlocking the keyring."""
        return self._index.read()

    def _readers(self, account: Account) -> list[Member]:
        known = self._index.read().get(account)
        return self._choice.readers(account.profile, known.backend if known else None)

    @contextmanager
    def _writer(self, deadline: Deadline) -> Iterator[Entries]:
        """Provide the entries of the backend to write to, holding the lock."""
        self._choice.members()  # imports the keyring package, for which nobody should wait
        with self._lock(deadline):
            yield Entries(self._choice.writer(lambda member: Entries(member, deadline).takes(_nobody())), deadline)

    @contextmanager
    def _lock(self, deadline: Deadline, *, shared: bool = False) -> Iterator[None]:
        """Hold the lock of this OS user, with other readers (`shared`) or alone.

        Readers need it too: reading gnome-keyring during a write fails for entries that are being replaced.
        """
        seconds = _SHARE_TO_WAIT * deadline.remaining()
        with ExitStack() as held:
            with reported_as(StoreUnavailable, f"the {self._choice.name} cannot be used", busy=self._busy()):
                held.enter_context(user_lock(self._lock_folders, LOCK, seconds, shared=shared))
            yield

    def _record(self, account: Account, summary: StoredSummary | None, deadline: Deadline) -> None:
        what = f"the list of what is stored, `{printable_place(self._index.path)}`, cannot be written"
        with reported_as(StoreUnavailable, what, FIX_STATE_FOLDER, busy=self._busy()):
            self._index.set(account, summary, _SHARE_TO_WAIT * deadline.remaining())

    def _heal(self, account: Account, summary: StoredSummary | None) -> None:
        """Update the index to match the keyring. Reading must work even if the index cannot be written."""
        if self._index.read().get(account) != summary:
            with suppress(OSError):
                self._index.set(account, summary, _HEALING_SECONDS)

    def _busy(self) -> StoreTimeout:
        return StoreTimeout(
            f"another process has been writing to the {self._choice.name} for more than {self._timeout:g} s",
            hint=TRY_AGAIN,
        )

    def _unpacked(self, account: Account, text: str, member: Member) -> StoredSecret:
        """Return the secret in an entry of `member`, and correct the index."""
        try:
            data = load(text)
            secret = from_data(data, account)
            summary = summary_of(data)._replace(backend=member.kind)
        except ValueError as problem:
            raise StoreUnavailable(
                f"what the {member.name} holds for `{printable(account.profile)}` is not a secret of omniprofile's: {problem}",
                hint=f"run `omniprofile login {printable(account.profile)}` to store it again",
            ) from problem
        self._heal(account, summary)
        return secret


def _nobody() -> str:
    """Return the name of an account that does not exist."""
    from secrets import token_hex

    return f"check-{token_hex(8)}"
