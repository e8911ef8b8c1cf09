"""A secret as a store keeps it, and what can be known about it without unlocking the store."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from omniprofile.model.declaration import Identity
from omniprofile.model.freshness import StoredFields
from omniprofile.model.names import account_name, printable
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.secret import Secret, remember


class Account(NamedTuple):
    """The key of a secret in a store: the profile's name and the origin that the secret is for.

    Profiles with the same name but different origins, from two files or from before and after an edit, are different accounts.
    `variable` is the variable of the profile's `env` that the secret is for, None for the profile's own credential.
    """

    profile: str
    origin: Origin
    variable: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Account":
        """Parse the text of an account. Raises ValueError for any text that `str()` does not produce."""
        profile, _, rest = text.rpartition("@")  # the last `@`: an origin has none, a name might
        address, _, variable = rest.partition("#")
        with suppress(NotAnOrigin):
            account = cls(profile, Origin.parse(address), variable or None)
            if str(account) == text and (not variable or (variable.isascii() and variable.isidentifier())):
                return account
        raise ValueError("it is not a profile's name and origin")

    def __str__(self) -> str:
        return account_name(self.profile, self.origin, self.variable)

    @property
    def login_command(self) -> str:
        """The command that stores a secret for this account."""
        option = f" --secret {self.variable}" if self.variable else ""
        return f"omniprofile login {printable(self.profile)}{option}"


@dataclass(frozen=True, slots=True)
class StoredSecret(StoredFields):
    """One profile's stored secret, bound to the origin it was stored for.

    `refresh_token`, `expires_at`, `client_id`, `scope`, `token_path` and `refreshed_at` are an OAuth session's, None for an API
    key. `token_path` is where the session is refreshed, None for the usual path. `identity` is what whoami said at login, None
    if it was not asked. `variable` is as in `Account`. Times are aware UTC.
    """

    origin: Origin
    token: Secret
    stored_at: datetime
    expires_at: datetime | None = None
    refresh_token: Secret | None = None
    client_id: str | None = None
    scope: str | None = None
    token_path: str | None = None
    refreshed_at: datetime | None = None
    identity: Identity | None = None
    variable: str | None = None

    def account(self, profile: str) -> Account:
        """Return the account that holds this secret for `profile`."""
        return Account(profile, self.origin, self.variable)

    def __post_init__(self) -> None:
        for secret in (self.token, self.refresh_token):
            if secret is not None:
                remember(secret.reveal())


class StoredSummary(NamedTuple):
    """What is known about a stored secret without reading it. `stored_at` is None if the entry is damaged.

    `files` are the profile files (`profiles.toml`) that stored or refreshed it; `backend` is the class of the keyring backend
    that holds it, None in a store without backends.
    """

    stored_at: datetime | None = None
    expires_at: datetime | None = None
    files: tuple[str, ...] = ()
    backend: str | None = None


class SecretStore(Protocol):
    """Where omniprofile keeps secrets, by account. One contract suite runs on every implementation.

    Every method ends within a bounded time and raises StoreUnavailable (or StoreLocked, StoreTimeout, UnsafePermissions)
    when the store cannot be used; a locked or broken store is never reported as an absent secret.
    """

    @property
    def identity(self) -> str:
        """A text that is equal for two stores exactly when they hold the same secrets."""

    @property
    def lock_folder(self) -> str:
        """The folder for the store's locks, next to its data, so that all users of the store share it."""

    @property
    def label(self) -> str:
        """The store in words, with its place: "file `/…/secrets.json`"."""

    def check(self) -> None:
        """Check that the store can be used, without leaving anything behind."""

    def get(self, account: Account) -> StoredSecret | None:
        """Return the secret of `account`, or None."""

    def put(self, profile: str, secret: StoredSecret) -> None:
        """Store the secret of a profile, for the secret's own origin.

        Atomic: at any moment, a reader sees either the old value or the new one.
        """

    def delete(self, account: Account) -> bool:
        """Delete the secret of `account`, and return whether there was one."""

    def summaries(self) -> dict[Account, StoredSummary]:
        """Return a summary of every stored secret, without unlocking anything."""


def by_hand(origin: Origin, what: str = "it") -> str:
    """Return how to revoke `what`, a credential for `origin`, by hand."""
    return f"revoke {what} in Omni, {origin}, Settings > API access"
