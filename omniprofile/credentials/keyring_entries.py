"""The entries of a keyring backend, one by one: bounded in time, verified after writing, errors translated."""

from collections.abc import Callable
from typing import TypeVar

from omniprofile.credentials.keyring_backends import Member
from omniprofile.credentials.keyring_errors import FILE_STORE, translated
from omniprofile.credentials.keyring_time_limit import Deadline
from omniprofile.credentials.light_keyring import SERVICE, entry_name
from omniprofile.errors import StoreUnavailable
from omniprofile.model.names import printable

T = TypeVar("T")

LARGEST = 1024 * 1024
"""The most characters accepted in one entry, eight times the size of two tokens of the largest size."""


class Entries:
    """The entries of `member`, for one method of the store, until `deadline`."""

    def __init__(self, member: Member, deadline: Deadline) -> None:
        self.member = member
        self._backend = member.backend
        self._deadline = deadline

    def get(self, account: str) -> str | None:
        """Return one entry, or None. Raises StoreUnavailable if it is not text, or too large."""
        text: object = self._call("read", lambda: self._backend.get_password(SERVICE, self._entry(account)))
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
                self._backend.set_password(SERVICE, self._entry(account), "check")
            except NotImplementedError:
                return False
            return True

        taken = self._call("store", probe)
        if taken:
            self.remove(account)
        return taken

    def set(self, account: str, text: str) -> None:
        """Set one entry, read it back and compare. Raises StoreUnavailable if they differ."""
        self._call("store", lambda: self._backend.set_password(SERVICE, self._entry(account), text))
        if self.get(account) != text:
            raise self._untrustworthy("returned something other than what was stored in it")

    def remove(self, account: str) -> None:
        """Delete one entry. Raises StoreUnavailable if it still exists afterwards."""
        error: StoreUnavailable | None = None
        try:
            self._call("delete", lambda: self._backend.delete_password(SERVICE, self._entry(account)))
        except StoreUnavailable as problem:  # also raised for an entry that did not exist, which is not a failure
            error = problem
        if self.get(account) is not None:
            raise error or StoreUnavailable(
                f"the {self.member.name} still holds `{printable(account)}` after it was deleted",
                hint="delete it with the keyring's own program",
            )

    def _entry(self, account: str) -> str:
        return entry_name(self.member.kind, account)

    def _untrustworthy(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"the {self.member.name} {what}", hint=f"do not trust this keyring; {FILE_STORE}")

    def _call(self, verb: str, work: Callable[[], T]) -> T:
        self._deadline.remaining()
        return translated(self.member.name, verb, work)
