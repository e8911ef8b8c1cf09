"""The secret store that is the operating system's keyring. DOOR: keyring.

Every public method runs as a whole in a daemon thread of its own, and its caller waits for it no longer than `timeout`:
a keyring may ask the user, talk to a daemon that has stopped, or hang while it is imported. The thread looks at the
deadline before every call, so that it changes nothing any more once its caller has given up.

Entries, values and how long ones are split: `keyring_entries`. What `list` shows: `stored_index`.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from omniprofile.credentials.env_variables import TIMEOUT_VARIABLE
from omniprofile.credentials.envelope import from_data, load, pack, summary_of, with_owner
from omniprofile.credentials.keyring_entries import (
    FILE_STORE,
    Backend,
    Deadline,
    Entries,
    class_names,
    no_keyring,
    timed_out,
    translated,
)
from omniprofile.credentials.light_keyring import LOCK, SERVICE, WINDOWS
from omniprofile.credentials.stored_index import INDEX_FILE, StoredIndex
from omniprofile.errors import StoreTimeout, StoreUnavailable, UsageError
from omniprofile.model.names import printable, printable_place
from omniprofile.model.stored import Account, StoredSecret, StoredSummary
from omniprofile.system.access import real_path
from omniprofile.system.files import reason
from omniprofile.system.locking import LockFailed, user_lock

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

USUAL_SECONDS = 10.0
"""How long the keyring may take to answer where nobody says otherwise."""
_UNOPENED = "OS keyring"
_WINDOWS_LIMIT = 1280
"""Characters that Windows keeps in one entry: CRED_MAX_CREDENTIAL_BLOB_SIZE, 2560 bytes, as UTF-16."""
_SHARE_TO_WAIT = 0.9
"""How much of the time that is left may be spent on waiting for another writer, so that there is some to say so, and to put
back what the keyring had."""
_HEALING_SECONDS = 0.5
"""How long reading waits for another writer of the index, which it only wants to heal."""

_CHAIN = "keyring.backends.chainer.ChainerBackend"
_NO_KEYRING = "keyring.backends.fail.Keyring"
_SYSTEM = "keyring.backends."
"""The module of the keyring package's own backends, which store what they are given. Others may serve only some keys."""
_PLAIN_TEXT = frozenset(
    ("keyring.backends.null.Keyring", "keyrings.alt.file.PlaintextKeyring", "keyrings.alt.pyfs.PlaintextKeyring")
)

_stuck: "list[Future[Any]]" = []
"""Calls to the keyring of this process that have not come back though their callers gave up."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_stuck.clear)  # the threads that they run in stay with the parent


def keyring_seconds(environ: Mapping[str, str]) -> float:
    """Return how long the keyring may take: what `OMNIPROFILE_KEYRING_TIMEOUT` says, else the usual. Raises UsageError."""
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


@dataclass(frozen=True, slots=True)
class _Member:
    """A backend that the keyring package would use. `kind` is its qualified class name, which the index records."""

    backend: Backend
    limit: int | None

    @property
    def kind(self) -> str:
        return class_names(self.backend)[0]

    @property
    def name(self) -> str:
        """Return "OS keyring (SecretService Keyring)". From the class: a backend's own `name` could be anything."""
        return backend_label(self.kind)

    @property
    def is_plain(self) -> bool:
        """Whether it keeps secrets in plain text or not at all, or wraps a backend that does."""
        wrapped = getattr(self.backend, "__dict__", {}).get("_keyring")  # keyrings.alt.multi.MultipartKeyringWrapper
        return not _PLAIN_TEXT.isdisjoint(class_names(self.backend) + class_names(wrapped))


class KeyringStore:
    """The OS keyring, under the service `omniprofile`, one entry for each account.

    The keyring package may offer a chain of backends, of which each is asked in turn. The chain itself is never used: one
    backend is chosen to write, the index records which, and reading goes to that one alone.

    `summary_folder` holds the index of what is stored, which has no secret in it. `timeout` bounds each method as a whole,
    in seconds; after one method ran into it, the later ones fail at once. `lock_folders` are those that all processes of the
    OS user share: the keyring is used under a lock there, for a Secret Service fails when processes write to it at once. `limit`
    is how many characters an entry holds; None is what is known of the backend. `owner` is the profile file that uses the
    store: it is noted with each secret that is put. `home` is the user's, above which nothing is checked.
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
        self._opened: list[_Member] = []
        self._chosen: _Member | None = None
        self._gave_up = False

    @property
    def identity(self) -> str:
        """The user's one keyring, whatever folder the summaries are in."""
        return "keyring"

    @property
    def lock_folder(self) -> str:
        """Where the locks of what is stored lie: the folder that the index is really in."""
        return os.path.dirname(real_path(self._index.path))

    @property
    def label(self) -> str:
        """The store in words. Waits for the keyring no longer than any other method, and never raises."""
        with suppress(StoreUnavailable):  # what is wrong with the keyring is for the method that needs it to say
            self._bounded(lambda _: self._members())
        return f"{self._name}, service `{SERVICE}`"

    def check(self) -> None:
        """Find out whether the keyring can be used, by looking for an account that nobody has."""

        def look(deadline: Deadline) -> None:
            entries = self._entries(self._writer(deadline), deadline)
            with self._lock(deadline, shared=True):
                entries.get(_nobody())

        self._bounded(look)

    def get(self, account: Account) -> StoredSecret | None:
        """Return the secret of `account`, or None if there is none."""

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
        """Store whole or not at all. What is stored is read back and compared before this returns."""
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
                    entries.restore(key, old)  # which does nothing when it is the time that is over
                    raise
                with suppress(StoreUnavailable):  # the value is stored; the next put or delete removes what is left
                    entries.clean(key, entries.get(key))
                    for other in self._opened:
                        if known and other.kind == known.backend != member.kind:
                            self._entries(other, deadline).erase(key)

        self._bounded(write)

    def delete(self, account: Account) -> bool:
        """Delete the secret of `account`, and what a killed process may have left of one; return whether there was one."""

        def remove(deadline: Deadline) -> bool:
            members = self._readers(account)
            with self._lock(deadline):
                found = [self._entries(member, deadline).erase(str(account)) for member in members]
                if account in self._index.read():
                    self._record(account, None, deadline)
                return any(found)

        return self._bounded(remove)

    def summaries(self) -> dict[Account, StoredSummary]:
        """Return what is stored, as the index has it: the keyring is neither asked nor unlocked."""
        return self._index.read()

    @property
    def _name(self) -> str:
        member = self._chosen or next((one for one in self._opened if not one.is_plain), None)
        return member.name if member else _UNOPENED

    def _bounded(self, work: Callable[[Deadline], T]) -> T:
        """Do `work` in a thread and wait for it until its deadline. Raises what it raises, or StoreTimeout."""
        from omniprofile.system.threads import start, wait

        _stuck[:] = [call for call in _stuck if not call.done()]
        if self._gave_up or _stuck:
            raise timed_out(self._name, "did not answer before, and is not asked again")
        deadline = Deadline(self._timeout)
        try:
            call = start(lambda: work(deadline))
            return wait(call, self._timeout)
        except TimeoutError:
            if call.done():  # just in time, or the work's own error
                return call.result()
            deadline.abandon()
            self._gave_up = True
            _stuck.append(call)
            raise timed_out(self._name, f"did not answer within {self._timeout:g} s") from None
        except BaseException:  # Ctrl-C: nobody waits for the thread any more
            deadline.abandon()
            raise

    def _entries(self, member: _Member, deadline: Deadline) -> Entries:
        return Entries(member.backend, member.name, member.limit, deadline)

    def _members(self) -> list[_Member]:
        """Return the backends that the keyring package would use, in its order. Raises StoreUnavailable if there are none."""
        members = self._loaded()
        if not members:
            raise no_keyring()
        return members

    def _loaded(self) -> list[_Member]:
        if not self._opened:
            for backend in translated(_UNOPENED, "load", _backends):
                kinds = class_names(backend)
                windows = any(kind.startswith(WINDOWS) for kind in kinds)
                if _NO_KEYRING not in kinds:
                    self._opened.append(_Member(backend, self._limit or (_WINDOWS_LIMIT if windows else None)))
        return self._opened

    def _readers(self, account: Account) -> list[_Member]:
        """Return the backends that may hold `account`: the one that wrote it, where the index knows, else all in turn.

        Raises StoreUnavailable where that one is not among those that can be used.
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

    def _writer(self, deadline: Deadline) -> _Member:
        """Choose the backend to write to: the first that stores what it is given.

        Raises StoreUnavailable where that, or one before it that would be asked first, keeps plain text.
        """
        members = [] if self._chosen else self._members()
        for member in members:
            if member.is_plain:
                self._refused(member)
            takes = len(members) == 1 or member.kind.startswith(_SYSTEM)
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

    def _refused(self, member: _Member) -> NoReturn:
        raise StoreUnavailable(
            f"the {member.name} keeps secrets in plain text or not at all, and was not asked for by that name",
            hint=f"choose another keyring (`keyring --list-backends`), or {FILE_STORE}",
        )

    @contextmanager
    def _lock(self, deadline: Deadline, *, shared: bool = False) -> Iterator[None]:
        """Hold the lock of this OS user: readers together (`shared`), a writer alone.

        Readers too, for a gnome-keyring that is read while it is written to fails for entries that it is replacing, and
        sometimes aborts.
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
        """Let the index say what the keyring said. An index that cannot be written must not break reading."""
        if self._index.read().get(account) != summary:
            with suppress(OSError):
                self._index.set(account, summary, _HEALING_SECONDS)

    def _busy(self) -> StoreTimeout:
        return StoreTimeout(
            f"another process has been writing to the {self._name} for more than {self._timeout:g} s",
            hint="try again; if it keeps happening, look for an omniprofile process that hangs",
        )

    def _unpacked(self, account: Account, text: str, member: _Member) -> tuple[object, StoredSecret]:
        """Return what an entry holds, as data and as the secret that it is."""
        try:
            data = load(text)
            return data, from_data(data, account)
        except ValueError as problem:
            raise StoreUnavailable(
                f"what the {member.name} holds for `{printable(account.profile)}` is not a secret of omniprofile's: {problem}",
                hint=f"run `omniprofile login {printable(account.profile)}` to store it anew",
            ) from problem


def _backends() -> list[Backend]:
    """Return the backend that the keyring package chooses, or in place of a chain its members."""
    import keyring

    backend = keyring.get_keyring()
    if _CHAIN in class_names(backend):
        chain: Any = backend
        return list(chain.backends)
    return [backend]


def backend_label(kind: str) -> str:
    """Return `OS keyring (SecretService Keyring)` for a backend's qualified class name."""
    module, _, name = kind.rpartition(".")
    return f"{_UNOPENED} ({printable(module.rpartition('.')[2] + ' ' + name)})"


def _nobody() -> str:
    """Return an account that nobody has."""
    from secrets import token_hex

    return f"check-{token_hex(8)}"
