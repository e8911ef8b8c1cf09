"""The secret store in the operating system's keyring.

Every public method runs in its own daemon thread, and its caller waits for it no longer than `timeout`: a keyring may ask the
user, talk to a daemon that has stopped, or hang while it is imported. The thread checks the deadline before every call, so it
changes nothing after its caller has given up.

`keyring_backends` has what the keyring package offers, `keyring_entries` has the entries and splits long values, and
`stored_index` has what `list` shows.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from omniprofile.credentials.env_variables import TIMEOUT_VARIABLE
from omniprofile.credentials.envelope import from_data, load, pack, summary_of, with_owner
from omniprofile.credentials.keyring_backends import OWN, UNOPENED, Member, backend_label, load_members
from omniprofile.credentials.keyring_entries import FILE_STORE, Deadline, Entries, no_keyring, timed_out
from omniprofile.credentials.light_keyring import LOCK, SERVICE
from omniprofile.credentials.stored_index import INDEX_FILE, StoredIndex
from omniprofile.errors import StoreTimeout, StoreUnavailable, UsageError
from omniprofile.model.names import printable, printable_place
from omniprofile.model.stored import Account, StoredSecret, StoredSummary
from omniprofile.system.files import reason
from omniprofile.system.foreign_access import real_path
from omniprofile.system.locking import LockFailed
from omniprofile.system.user_lock import user_lock

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

USUAL_SECONDS = 10.0
"""The default time in seconds for the keyring to answer."""
_SHARE_TO_WAIT = 0.9
"""The share of the remaining time to wait for another writer. The rest is for reporting that, and for restoring the keyring."""
_HEALING_SECONDS = 0.5
"""Seconds that a reader, which only corrects the index, waits for another writer of it."""

_stuck: "list[Future[Any]]" = []
"""Calls to the keyring that are still running although their callers have given up."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_stuck.clear)  # their threads exist only in the parent


def keyring_seconds(environ: Mapping[str, str]) -> float:
    """Return the seconds that the keyring may take: `OMNIPROFILE_KEYRING_TIMEOUT`, or the default. Raises UsageError."""
    text = environ.get(TIMEOUT_VARIABLE)
    if not text:
        return USUAL_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 600:
        raise UsageError(
            f"`{TIMEOUT_VARIABLE}` is not a number of seconds from 0 to 600", hint=f"unset it for {USUAL_SECONDS:g}"
        )
    return seconds


class KeyringStore:
    """The OS keyring, under the service `omniprofile`, one entry for each account.

    The keyring package may offer a chain of backends, which it asks in turn. This class never uses the chain itself: it writes
    to one backend, records which one in the index, and reads only from that one.

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
        self._limit = limit
        self._owner = owner
        self._opened: list[Member] = []
        self._chosen: Member | None = None
        self._gave_up = False

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
            self._bounded(lambda _: self._members())
        return f"{self._name}, service `{SERVICE}`"

    def check(self) -> None:
        """Check that the keyring can be used, by looking up an account that does not exist."""

        def look(deadline: Deadline) -> None:
            entries = self._entries(self._writer(deadline), deadline)
            with self._lock(deadline, shared=True):
                entries.get(_nobody())

        self._bounded(look)

    def get(self, account: Account) -> StoredSecret | None:
        """Return the secret of `account`, or None."""

        def read(deadline: Deadline) -> StoredSecret | None:
            for member in self._readers(account):
                with self._lock(deadline, shared=True):
                    text = self._entries(member, deadline).read(str(account))
                if text is not None:
                    data, secret = self._unpacked(account, text, member)
                    self._heal(account, summary_of(data, member.kind))
                    return secret
            self._heal(account, None)
            return None

        return self._bounded(read)

    def put(self, profile: str, secret: StoredSecret) -> None:
        """Store a secret atomically, and read it back to compare it before returning."""
        account = secret.account(profile)
        key = str(account)

        def write(deadline: Deadline) -> None:
            member = self._writer(deadline)
            entries = self._entries(member, deadline)
            with self._lock(deadline):
                known = self._index.read().get(account)
                files = with_owner(known.files if known else (), self._owner)
                summary = StoredSummary(secret.stored_at, secret.expires_at, files, member.kind)
                old = entries.get(key)
                try:
                    entries.write(key, pack(secret, account, files), old)
                    self._record(account, summary, deadline)
                except StoreUnavailable:
                    entries.restore(key, old)  # does nothing after the deadline
                    raise
                with suppress(StoreUnavailable):  # the value is stored; the next put or delete removes leftovers
                    entries.clean(key, entries.get(key))
                    for other in self._opened:
                        if known and other.kind == known.backend != member.kind:
                            self._entries(other, deadline).erase(key)

        self._bounded(write)

    def delete(self, account: Account) -> bool:
        """Delete the secret of `account`, with anything that a killed process left of it; return whether there was one."""

        def remove(deadline: Deadline) -> bool:
            members = self._readers(account)
            with self._lock(deadline):
                found = [self._entries(member, deadline).erase(str(account)) for member in members]
                if account in self._index.read():
                    self._record(account, None, deadline)
                return any(found)

        return self._bounded(remove)

    def summaries(self) -> dict[Account, StoredSummary]:
        """Return the summaries in the index, without asking or unlocking the keyring."""
        return self._index.read()

    @property
    def _name(self) -> str:
        member = self._chosen or next((one for one in self._opened if not one.is_plain), None)
        return member.name if member else UNOPENED

    def _bounded(self, work: Callable[[Deadline], T]) -> T:
        """Run `work` in a thread and wait for it until its deadline. Raises what it raises, or StoreTimeout."""
        from omniprofile.system.threads import start, wait

        _stuck[:] = [call for call in _stuck if not call.done()]
        if self._gave_up or _stuck:
            raise timed_out(self._name, "did not answer before, and is not asked again")
        deadline = Deadline(self._timeout)
        try:
            call = start(lambda: work(deadline))
            return wait(call, self._timeout)
        except TimeoutError:
            if call.done():  # it finished just in time, or raised TimeoutError itself
                return call.result()
            deadline.abandon()
            self._gave_up = True
            _stuck.append(call)
            raise timed_out(self._name, f"did not answer within {self._timeout:g} s") from None
        except BaseException:  # Ctrl-C: no longer wait for the thread
            deadline.abandon()
            raise

    def _entries(self, member: Member, deadline: Deadline) -> Entries:
        return Entries(member.backend, member.name, member.limit, deadline)

    def _members(self) -> list[Member]:
        """Return the backends that the keyring package would use, in its order. Raises StoreUnavailable if there are none."""
        members = self._loaded()
        if not members:
            raise no_keyring()
        return members

    def _loaded(self) -> list[Member]:
        self._opened = self._opened or load_members(self._limit)
        return self._opened

    def _readers(self, account: Account) -> list[Member]:
        """Return the backends that may hold `account`: the one that wrote it, if the index knows, else all in order.

        Raises StoreUnavailable if the one that wrote it is not available.
        """
        members = self._loaded()
        known = self._index.read().get(account)
        if known is None or known.backend is None:
            members = self._members()
            return [member for member in members if not member.is_plain] or [self._refused(members[0])]
        if found := [member for member in members if member.kind == known.backend]:
            return [self._refused(member) if member.is_plain else member for member in found]
        name = printable(account.profile)
        stored = f"the secret of `{name}` is stored in the {backend_label(known.backend)}"
        if not members:
            raise StoreUnavailable(f"{stored}, and no keyring can be used now", hint=no_keyring().hint)
        raise StoreUnavailable(
            f"{stored}, but the {members[0].name} is used now",
            hint=f"let the keyring package use `{printable(known.backend)}` again, or store the secret anew with "
            f"`omniprofile login {name}`",
        )

    def _writer(self, deadline: Deadline) -> Member:
        """Choose the backend to write to: the first that can store secrets.

        Raises StoreUnavailable if that one, or one before it in the order, stores plain text.
        """
        members = [] if self._chosen else self._members()
        for member in members:
            if member.is_plain:
                self._refused(member)
            takes = len(members) == 1 or member.kind.startswith(OWN)
            if not takes:
                with self._lock(deadline):
                    takes = self._entries(member, deadline).takes(_nobody())
            if takes:
                self._chosen = member
                break
        if self._chosen is None:
            raise StoreUnavailable(
                f"no keyring that can be used here stores secrets, not even the {members[0].name}", hint=FILE_STORE
            )
        return self._chosen

    def _refused(self, member: Member) -> NoReturn:
        raise StoreUnavailable(
            f"the {member.name} keeps secrets in plain text or not at all, and was not asked for by that name",
            hint=f"choose another keyring (`keyring --list-backends`), or {FILE_STORE}",
        )

    @contextmanager
    def _lock(self, deadline: Deadline, *, shared: bool = False) -> Iterator[None]:
        """Hold the lock of this OS user, with other readers (`shared`) or alone.

        Readers need it too: reading gnome-keyring during a write fails for entries that are being replaced.
        """
        seconds = _SHARE_TO_WAIT * deadline.remaining(self._name)
        try:
            with user_lock(self._lock_folders, LOCK, seconds, shared=shared):
                yield
        except TimeoutError as problem:
            raise self._busy() from problem
        except LockFailed as problem:
            raise StoreUnavailable(str(problem), hint=problem.hint) from problem

    def _record(self, account: Account, summary: StoredSummary | None, deadline: Deadline) -> None:
        try:
            self._index.set(account, summary, _SHARE_TO_WAIT * deadline.remaining(self._name))
        except TimeoutError as problem:
            raise self._busy() from problem
        except OSError as problem:
            raise StoreUnavailable(
                f"the list of what is stored, `{printable_place(self._index.path)}`, cannot be written: {reason(problem)}",
                hint="make room or fix the folder, or set `OMNIPROFILE_STATE_DIR` to another one",
            ) from problem

    def _heal(self, account: Account, summary: StoredSummary | None) -> None:
        """Update the index to match the keyring. Reading must work even if the index cannot be written."""
        if self._index.read().get(account) != summary:
            with suppress(OSError):
                self._index.set(account, summary, _HEALING_SECONDS)

    def _busy(self) -> StoreTimeout:
        return StoreTimeout(
            f"another process has been writing to the {self._name} for more than {self._timeout:g} s",
            hint="try again; if it keeps happening, look for an omniprofile process that hangs",
        )

    def _unpacked(self, account: Account, text: str, member: Member) -> tuple[object, StoredSecret]:
        """Return the content of an entry, as data and as a secret."""
        try:
            data = load(text)
            return data, from_data(data, account)
        except ValueError as problem:
            raise StoreUnavailable(
                f"what the {member.name} holds for `{printable(account.profile)}` is not a secret of omniprofile's: {problem}",
                hint=f"run `omniprofile login {printable(account.profile)}` to store it anew",
            ) from problem


def _nobody() -> str:
    """Return the name of an account that does not exist."""
    from secrets import token_hex

    return f"check-{token_hex(8)}"
