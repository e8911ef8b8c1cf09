"""The entries of a keyring and the values in them: bounded in time, verified after writing, errors translated.

Works with any object that has a keyring backend's three methods; only `keyring_backends` imports the package itself. Errors name
the class of a backend's exception, never its text, which may contain a secret.

A short value is the account's own entry. A long one is split into the entries `ACCOUNT/a/1`, `ACCOUNT/a/2`, …, and the entry
`ACCOUNT` is a head with the number of parts, their generation and the checksum of the whole. Successive values alternate between
the generations `a` and `b`, so that new parts never overwrite those of the current value: if the process is killed at any
moment, the head refers to the old value or to the new one, and all parts of that value exist.
"""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from typing import Protocol, TypeVar

from omniprofile.credentials.light_keyring import SERVICE, entry_name
from omniprofile.errors import Error, StoreLocked, StoreTimeout, StoreUnavailable
from omniprofile.model.names import printable

T = TypeVar("T")

LARGEST = 1024 * 1024
"""The most characters accepted in one entry, eight times the size of two tokens of the largest size."""
FILE_STORE = "set `OMNIPROFILE_SECRET_STORE=file` to keep secrets in a file of mode 0600 instead"

GENERATIONS = ("a", "b")
MOST_PARTS = 1000
"""The most parts that a value may be split into."""
_LOCKED = frozenset(
    (
        "keyring.errors.KeyringLocked",
        "secretstorage.exceptions.LockedException",
        "secretstorage.exceptions.PromptDismissedException",
    )
)
_ABSENT = "keyring.errors.NoKeyringError"


class Backend(Protocol):
    """The interface of a keyring backend (`keyring.backend.KeyringBackend`)."""

    def get_password(self, service: str, username: str, /) -> str | None:
        """Return one entry, or None."""

    def set_password(self, service: str, username: str, password: str, /) -> None:
        """Set one entry."""

    def delete_password(self, service: str, username: str, /) -> None:
        """Delete one entry."""


@dataclass(frozen=True, slots=True)
class Head:
    """The entry that represents a split value."""

    generation: str
    count: int
    checksum: str

    @classmethod
    def parse(cls, text: str | None) -> "Head | None":
        """Parse a head; return None for any other text."""
        if text is None or not text.startswith('{"generation":'):
            return None
        try:
            data = json.loads(text)
            generation, count, checksum = data["generation"], data["count"], data["sha256"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        if generation not in GENERATIONS or not isinstance(count, int) or not 0 < count <= MOST_PARTS:
            return None
        return cls(generation, count, str(checksum))

    def matches(self, text: str) -> bool:
        """Whether `text` is the value that this head represents."""
        return self.checksum == _checksum(text)

    def __str__(self) -> str:
        data = {"generation": self.generation, "count": self.count, "sha256": self.checksum}
        return json.dumps(data, separators=(",", ":"))


def plan(text: str, limit: int | None, old: Head | None) -> tuple[str, str, list[str]]:
    """Split `text` into entries of at most `limit` characters, without touching the parts of the value whose head is `old`.

    Return the account's own entry, the generation, and the parts; there are no parts if that entry holds the whole value.
    """
    if limit is None or len(text) <= limit:
        return text, "", []
    generation = GENERATIONS[1] if old and old.generation == GENERATIONS[0] else GENERATIONS[0]
    parts = [text[start : start + limit] for start in range(0, len(text), limit)]
    return str(Head(generation, len(parts), _checksum(text))), generation, parts


def part_account(account: str, generation: str, number: int) -> str:
    """Return the account of one part, from 1. No other entry has such a name, since the origin after its `@` has no path."""
    return f"{account}/{generation}/{number}"


def _checksum(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Deadline:
    """The time after which one method of the store makes no further call, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds
        self._abandoned = False

    def abandon(self) -> None:
        """End it now, because the caller has given up waiting."""
        self._abandoned = True

    def remaining(self, name: str) -> float:
        """Return the seconds left. Raises StoreTimeout, naming the keyring `name`, if there are none."""
        seconds = self._end - monotonic()
        if seconds <= 0 or self._abandoned:
            raise timed_out(name, f"did not answer within {self.seconds:g} s")
        return seconds


class Entries:
    """The entries of `backend`, which messages call `name`, for one method of the store, until `deadline`.

    `limit` is the most characters that an entry holds, None without a limit.
    """

    def __init__(self, backend: Backend, name: str, limit: int | None, deadline: Deadline) -> None:
        self._backend = backend
        self._kind = class_names(backend)[0]
        self._name = name
        self._limit = limit
        self._deadline = deadline

    def get(self, account: str) -> str | None:
        """Return one entry, or None. Raises StoreUnavailable if it is not text, or too large."""
        text: object = self._call("read", lambda: self._backend.get_password(SERVICE, entry_name(self._kind, account)))
        if text is None:
            return None
        if not issubclass(type(text), str):  # not `isinstance`, which trusts the object's `__class__`
            raise self._untrustworthy(f"returned something that is not text for `{printable(account)}`")
        text = str.__str__(text)  # a subclass could redefine comparison
        if len(text) > LARGEST:
            raise self._untrustworthy(f"returned more than {LARGEST // 1024} KiB for `{printable(account)}`")
        return text

    def takes(self, account: str) -> bool:
        """Return whether the backend can store, by trying it.

        Backends that only serve keys for some package index raise NotImplementedError.
        """

        def probe() -> bool:
            try:
                self._backend.set_password(SERVICE, entry_name(self._kind, account), "check")
            except NotImplementedError:
                return False
            return True

        taken = self._call("store", probe)
        if taken:
            self.remove(account)
        return taken

    def set(self, account: str, text: str) -> None:
        """Set one entry, read it back and compare. Raises StoreUnavailable if they differ."""
        self._call("store", lambda: self._backend.set_password(SERVICE, entry_name(self._kind, account), text))
        if self.get(account) != text:
            raise self._untrustworthy("returned something other than what was stored in it")

    def remove(self, account: str) -> None:
        """Delete one entry. Raises StoreUnavailable if it still exists afterwards."""
        error: StoreUnavailable | None = None
        try:
            self._call("delete", lambda: self._backend.delete_password(SERVICE, entry_name(self._kind, account)))
        except StoreUnavailable as problem:  # also raised for an entry that did not exist, which is not a failure
            error = problem
        if self.get(account) is not None:
            raise error or StoreUnavailable(
                f"the {self._name} still holds `{printable(account)}` after it was deleted",
                hint="delete it with the keyring's own program",
            )

    def erase(self, account: str) -> bool:
        """Delete the whole value of `account`, with any parts that a killed process left; return whether there was one."""
        found = self.get(account) is not None
        if found:
            self.remove(account)
        self.clean(account, None)
        return found

    def read(self, account: str) -> str | None:
        """Return the whole value of `account`, joined if it is split, or None.

        The caller holds the lock, at least shared.
        """
        text = self.get(account)
        head = Head.parse(text)
        if head is None:
            return text
        parts = [self.get(part_account(account, head.generation, number)) for number in range(1, head.count + 1)]
        whole = "".join(part for part in parts if part is not None)
        if not head.matches(whole):
            raise StoreUnavailable(
                f"parts of what the {self._name} holds for `{printable(account)}` are missing or damaged",
                hint=f"run `omniprofile login {printable(account.rpartition('@')[0])}` to store it anew",
            )
        return whole

    def write(self, account: str, text: str, old: str | None) -> None:
        """Store the value `text`, where the entry was `old`. The caller holds the lock, and calls `clean` afterwards.

        Writes the parts first, under the generation that the old value does not use, and then the entry that makes them current.
        """
        entry, generation, parts = plan(text, self._limit, Head.parse(old))
        for number, part in enumerate(parts, start=1):
            self.set(part_account(account, generation, number), part)
        self.set(account, entry)

    def clean(self, account: str, entry: str | None) -> None:
        """Remove all parts except those of the value whose entry is `entry`.

        The last part goes first, so that the parts that a killed process leaves are still found by counting from 1.
        """
        head = Head.parse(entry)
        for generation in GENERATIONS:
            kept = head.count if head and head.generation == generation else 0
            count = kept
            while count < MOST_PARTS and self.get(part_account(account, generation, count + 1)) is not None:
                count += 1
            for number in range(count, kept, -1):
                self.remove(part_account(account, generation, number))

    def restore(self, account: str, old: str | None) -> None:
        """Restore the entry to `old`, ignoring errors: the caller reports the error that made it necessary."""
        with suppress(Error):
            if self.get(account) != old:
                if old is None:
                    self.remove(account)
                else:
                    self.set(account, old)
            self.clean(account, old)

    def _untrustworthy(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"the {self._name} {what}", hint=f"do not trust this keyring; {FILE_STORE}")

    def _call(self, verb: str, work: Callable[[], T]) -> T:
        self._deadline.remaining(self._name)
        return translated(self._name, verb, work)


def translated(name: str, verb: str, work: Callable[[], T]) -> T:
    """Do `work`, which asks the keyring called `name` to `verb`, and turn its errors into StoreLocked or StoreUnavailable."""
    try:
        return work()
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # noqa: BLE001 - a backend may raise anything, SystemExit too; its text may hold a secret
        kinds = set(class_names(problem))
        kind = type(problem).__name__
    # Raised outside `except`, so that no traceback holds the backend's own exception.
    if kinds & _LOCKED:
        raise StoreLocked(
            f"the {name} is locked", hint="unlock it, or answer when it asks for its password; then try again"
        )
    if _ABSENT in kinds:
        raise no_keyring()
    raise StoreUnavailable(
        f"the {name} failed to {verb} (`{printable(kind)}`)",
        hint=f"check whether `keyring get {SERVICE} NAME@URL` works, or {FILE_STORE}",
    )


def no_keyring() -> StoreUnavailable:
    """Return the error for a machine without a keyring."""
    if sys.platform == "linux":
        how = "start a Secret Service (gnome-keyring, KWallet or KeePassXC) in a D-Bus session"
    else:
        how = "unlock or enable the system's keyring"
    return StoreUnavailable("no usable OS keyring was found", hint=f"{how}, or {FILE_STORE}")


def timed_out(name: str, what: str) -> StoreTimeout:
    """Return the error for a keyring that took too long."""
    return StoreTimeout(f"the {name} {what}", hint=f"check whether it asks for a password in a window, or {FILE_STORE}")


def class_names(value: object) -> list[str]:
    """Return the full names of the value's class and of its bases."""
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in type(value).__mro__]
