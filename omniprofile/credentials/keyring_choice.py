"""Which of the keyring package's backends a secret is written to and read from.

The package may offer a chain of backends, which it asks in turn. The chain itself is never used: its plain text might get the
secret. One backend is chosen to write to, the index records which one, and only that one is read from.
"""

from collections.abc import Callable
from typing import NoReturn

from omniprofile.credentials.keyring_backends import UNOPENED, Member, backend_label, load_members
from omniprofile.credentials.keyring_errors import FILE_STORE, no_keyring
from omniprofile.errors import StoreUnavailable
from omniprofile.model.names import printable


class KeyringChoice:
    """The backends, loaded when they are first needed. `limit` is as for `load_members`."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._loaded: list[Member] = []
        self._writer: Member | None = None

    @property
    def name(self) -> str:
        """The keyring's name for messages, as far as it is known. Loads nothing."""
        member = self._writer or next((one for one in self._loaded if not one.is_plain), None)
        return member.name if member else UNOPENED

    def members(self) -> list[Member]:
        """Return the backends that the keyring package would use, in its order. Raises StoreUnavailable if there are none."""
        if members := self._load():
            return members
        raise no_keyring()

    def readers(self, profile: str, written_by: str | None) -> list[Member]:
        """Return the backends that may hold a secret of `profile`: the one that wrote it, if that is known, else all in order.

        Raises StoreUnavailable if the one that wrote it is not available.
        """
        if written_by is None:
            members = self.members()
            return [member for member in members if not member.is_plain] or [_refuse(members[0])]
        members = self._load()
        if found := [member for member in members if member.kind == written_by]:
            return [_refuse(member) if member.is_plain else member for member in found]
        stored = f"the secret of `{printable(profile)}` is stored in the {backend_label(written_by)}"
        if not members:
            raise StoreUnavailable(f"{stored}, and no keyring can be used now", hint=no_keyring().hint)
        raise StoreUnavailable(
            f"{stored}, but the {members[0].name} is used now",
            hint=f"let the keyring package use `{printable(written_by)}` again, or store the secret again with "
            f"`omniprofile login {printable(profile)}`",
        )

    def writer(self, takes: Callable[[Member], bool]) -> Member:
        """Return the backend to write to: the first that can store secrets, which `takes` tries.

        Raises StoreUnavailable if that one, or one before it in the order, stores plain text.
        """
        if self._writer is None:
            members = self.members()
            for member in members:
                if member.is_plain:
                    _refuse(member)
                if len(members) == 1 or member.is_own or takes(member):
                    self._writer = member
                    return member
            raise StoreUnavailable(
                f"no keyring that can be used here stores secrets, not even the {members[0].name}", hint=FILE_STORE
            )
        return self._writer

    def _load(self) -> list[Member]:
        self._loaded = self._loaded or load_members(self._limit)
        return self._loaded


def _refuse(member: Member) -> NoReturn:
    raise StoreUnavailable(
        f"the {member.name} keeps secrets in plain text or not at all, and was not asked for by that name",
        hint=f"choose another keyring (`keyring --list-backends`), or {FILE_STORE}",
    )
