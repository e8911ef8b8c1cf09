"""The secret store that is the operating system's keyring. DOOR: keyring.

Every public method runs as a whole in a daemon thread of its own, and its caller waits for it no longer than `timeout`:
a keyring may ask the user, talk to a daemon that has stopped, or hang while it is imported. The thread looks at the
deadline before every call, so that it changes nothing any more once its caller has given up.

Entries and values: `keyring_entries`. Splitting of long values: `keyring_layout`. What `list` shows: `stored_index`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from omniprofile.credentials.envelope import pack, summary_of, unpack
from omniprofile.credentials.keyring_entries import (
    FILE_STORE,
    SERVICE,
    Backend,
    Deadline,
    Entries,
    class_names,
    no_keyring,
    timed_out,
    translated,
)
from omniprofile.credentials.stored_index import INDEX_FILE, StoredIndex
from omniprofile.errors import StoreTimeout, StoreUnavailable
from omniprofile.model.names import printable, printable_place
from omniprofile.model.stored import StoredSecret, StoredSummary
from omniprofile.system.files import reason
from omniprofile.system.locking import LockFailed, user_lock

if TYPE_CHECKING:
    from threading import Thread

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
_PLAIN_TEXT = frozenset(
    ("keyring.backends.null.Keyring", "keyrings.alt.file.PlaintextKeyring", "keyrings.alt.pyfs.PlaintextKeyring")
)

_stuck: "list[Thread]" = []
"""Threads of this process whose call to the keyring has not come back though its caller gave up."""


@dataclass(frozen=True, slots=True)
class _Opened:
    backend: Backend
    name: str
    limit: int | None


class KeyringStore:
    """The OS keyring, under the service `omniprofile`, one account for each profile.

    `summary_folder` holds the index of what is stored, which has no secret in it. `timeout` bounds each method as a whole,
    in seconds; after one method ran into it, the later ones fail at once. `lock_folders` are those that all processes of the
    OS user share: the keyring is used under a lock there, for a Secret Service fails when processes write to it at once. `limit`
    is how many characters an entry holds; None is what is known of the backend.
    """

    def __init__(
        self, summary_folder: str, *, timeout: float = USUAL_SECONDS, lock_folders: list[str], limit: int | None = None
    ) -> None:
        self._index = StoredIndex(os.path.join(summary_folder, INDEX_FILE))
        self._timeout = timeout
        self._lock_folders = lock_folders
        self._limit = limit
        self._opened: _Opened | None = None
        self._gave_up = False

    @property
    def identity(self) -> str:
        """The user's one keyring, whatever folder the summaries are in."""
        return "keyring"

    @property
    def lock_folder(self) -> str:
        """Where the locks of what is stored lie: the folder that the index is really in."""
        return os.path.dirname(os.path.realpath(self._index.path))

    @property
    def label(self) -> str:
        """The store in words. Waits for the keyring no longer than any other method, and never raises."""
        with suppress(StoreUnavailable):  # what is wrong with the keyring is for the method that needs it to say
            self._bounded(lambda _: self._open())
        return f"{self._name}, service `{SERVICE}`"

    def check(self) -> None:
        """Find out whether the keyring can be used, by looking for an account that nobody has."""
        from secrets import token_hex

        def look(deadline: Deadline) -> None:
            entries = self._entries(deadline)
            with self._lock(deadline, shared=True):
                entries.get(f"check-{token_hex(8)}")

        self._bounded(look)

    def get(self, account: str) -> StoredSecret | None:
        """The secret of `account`, or None if there is none."""

        def read(deadline: Deadline) -> StoredSecret | None:
            entries = self._entries(deadline)
            with self._lock(deadline, shared=True):
                text = entries.read(account)
            secret = None if text is None else self._unpacked(account, text)
            self._heal(account, summary_of(secret) if secret else None)
            return secret

        return self._bounded(read)

    def put(self, account: str, secret: StoredSecret) -> None:
        """Store whole or not at all. What is stored is read back and compared before this returns."""
        text = pack(secret, account)

        def write(deadline: Deadline) -> None:
            entries = self._entries(deadline)
            with self._lock(deadline):
                old = entries.get(account)
                try:
                    entries.write(account, text, old)
                    self._record(account, summary_of(secret), deadline)
                except StoreUnavailable:
                    entries.restore(account, old)  # which does nothing when it is the time that is over
                    raise
                with suppress(StoreUnavailable):  # the value is stored; the next put or delete removes what is left
                    entries.clean(account, entries.get(account))

        self._bounded(write)

    def delete(self, account: str) -> bool:
        """Delete the secret of `account`, and what a killed process may have left of one; tell whether there was one."""

        def remove(deadline: Deadline) -> bool:
            entries = self._entries(deadline)
            with self._lock(deadline):
                found = entries.get(account) is not None
                if found:
                    entries.remove(account)
                entries.clean(account, None)
                if account in self._index.read():
                    self._record(account, None, deadline)
                return found

        return self._bounded(remove)

    def summaries(self) -> dict[str, StoredSummary]:
        """What is stored, by account, as the index has it: the keyring is neither asked nor unlocked."""
        return self._index.read()

    @property
    def _name(self) -> str:
        return self._opened.name if self._opened else _UNOPENED

    def _bounded(self, work: Callable[[Deadline], T]) -> T:
        """Do `work` in a thread and wait for it until its deadline. Raises what it raises, or StoreTimeout."""
        from threading import Event, Thread

        _stuck[:] = [thread for thread in _stuck if thread.is_alive()]
        if self._gave_up or _stuck:
            raise timed_out(self._name, "did not answer before, and is not asked again")
        deadline = Deadline(self._timeout)
        results: list[T] = []
        failures: list[BaseException] = []
        done = Event()

        def run() -> None:
            try:
                results.append(work(deadline))
            except BaseException as problem:  # noqa: BLE001 - carried to the caller's thread and raised there
                failures.append(problem)
            finally:
                done.set()

        thread = Thread(target=run, name="omniprofile-keyring", daemon=True)
        try:
            thread.start()
            answered = done.wait(self._timeout)
        except BaseException:  # Ctrl-C: nobody waits for the thread any more
            deadline.abandon()
            raise
        if not answered:
            deadline.abandon()
            self._gave_up = True
            _stuck.append(thread)
            raise timed_out(self._name, f"did not answer within {self._timeout:g} s")
        if failures:
            raise failures[0]
        return results[0]

    def _entries(self, deadline: Deadline) -> Entries:
        opened = self._open()
        return Entries(opened.backend, opened.name, opened.limit, deadline)

    def _open(self) -> _Opened:
        """The backend that the keyring package chooses, unless it is none or keeps secrets in plain text."""
        if self._opened is None:
            backend, writer = translated(_UNOPENED, "load", _choose_backend)
            kinds = set(class_names(writer))
            name = f"{_UNOPENED} ({printable(_backend_name(backend))})"
            if _NO_KEYRING in kinds:
                raise no_keyring()
            if kinds & _PLAIN_TEXT:
                raise StoreUnavailable(
                    f"the {name} keeps secrets in plain text or not at all, and was not asked for by that name",
                    hint=f"choose another keyring (`keyring --list-backends`), or {FILE_STORE}",
                )
            windows = any(kind.startswith("keyring.backends.Windows.") for kind in kinds)
            limit = self._limit if self._limit is not None else _WINDOWS_LIMIT if windows else None
            self._opened = _Opened(backend, name, limit)
        return self._opened

    @contextmanager
    def _lock(self, deadline: Deadline, *, shared: bool = False) -> Iterator[None]:
        """Hold the lock of this OS user: readers together (`shared`), a writer alone.

        Readers too, for a gnome-keyring that is read while it is written to fails for entries that it is replacing, and
        sometimes aborts.
        """
        seconds = _SHARE_TO_WAIT * deadline.remaining(self._name)
        try:
            with user_lock(self._lock_folders, "keyring.lock", seconds, shared=shared):
                yield
        except TimeoutError as problem:
            raise self._busy() from problem
        except LockFailed as problem:
            raise StoreUnavailable(str(problem), hint=problem.hint) from problem

    def _record(self, account: str, summary: StoredSummary | None, deadline: Deadline) -> None:
        try:
            self._index.set(account, summary, _SHARE_TO_WAIT * deadline.remaining(self._name))
        except TimeoutError as problem:
            raise self._busy() from problem
        except OSError as problem:
            raise StoreUnavailable(
                f"the list of what is stored, `{printable_place(self._index.path)}`, cannot be written: {reason(problem)}",
                hint="make room or fix the folder, or set `OMNIPROFILE_STATE_DIR` to another one",
            ) from problem

    def _heal(self, account: str, summary: StoredSummary | None) -> None:
        """Let the index say what the keyring said. An index that cannot be written must not break reading."""
        if self._index.read().get(account) != summary:
            with suppress(OSError):
                self._index.set(account, summary, _HEALING_SECONDS)

    def _busy(self) -> StoreTimeout:
        return StoreTimeout(
            f"another process is writing to the {self._name} for more than {self._timeout:g} s",
            hint="try again; if it stays so, look for an omniprofile process that hangs",
        )

    def _unpacked(self, account: str, text: str) -> StoredSecret:
        try:
            return unpack(text, account)
        except ValueError as problem:
            raise StoreUnavailable(
                f"what the {self._name} holds for `{printable(account)}` is no secret of omniprofile's: {problem}",
                hint=f"run `omniprofile login {printable(account)}` to store it anew",
            ) from problem


def _choose_backend() -> tuple[Backend, Backend]:
    """The backend that the keyring package chooses, and the one that writes: in a chain, its first."""
    import keyring

    backend = keyring.get_keyring()
    if _CHAIN in class_names(backend):
        chain: Any = backend
        members: list[Backend] = list(chain.backends)
        if not members:  # it would find nothing and store nothing, in silence
            raise keyring.errors.NoKeyringError
        return backend, members[0]
    return backend, backend


def _backend_name(backend: Backend) -> str:
    """`SecretService Keyring`. From the class alone: a backend's own `name` could be anything, even a call."""
    cls = type(backend)
    return f"{cls.__module__.rpartition('.')[2]} {cls.__name__}"
