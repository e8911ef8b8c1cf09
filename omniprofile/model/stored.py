"""A secret as a store keeps it, and what is known of it without unlocking the store."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from omniprofile.model.declaration import Identity
from omniprofile.model.freshness import is_session
from omniprofile.model.names import account_name, is_variable
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.secret import Secret, remember


@dataclass(frozen=True, slots=True)
class Account:
    """What a store keeps a secret by: the profile's name and the origin that the secret is for.

    Two profiles of one name for two origins, from two files or before and after an edit, are two accounts. `variable` is the
    variable of the profile's `env` that the secret is for, None for the profile's own credential.
    """

    profile: str
    origin: Origin
    variable: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Account":
        """Return the account whose text this is. Raises ValueError for any text that `str()` does not give."""
        profile, _, rest = text.rpartition("@")  # the last one: no origin holds an `@`, whatever a name holds
        address, _, variable = rest.partition("#")
        try:
            account = cls(profile, Origin.parse(address), variable or None)
        except NotAnOrigin:
            account = None
        if account is None or str(account) != text or (variable and not is_variable(variable)):
            raise ValueError("it is not a profile's name and origin")
        return account

    def __str__(self) -> str:
        return account_name(self.profile, self.origin, self.variable)


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """One profile's stored secret, bound to the origin it was stored for.

    `refresh_token`, `expires_at`, `client_id`, `scope`, `token_path` and `refreshed_at` are an OAuth session's, None for an API
    key. `token_path` is where the session is refreshed, None for the usual path. `identity` is what whoami said at login, None
    where nobody asked. `variable` is as in `Account`. Times are aware UTC.
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
        """Return the account of this secret as one of `profile`."""
        return Account(profile, self.origin, self.variable)

    def __post_init__(self) -> None:
        for secret in (self.token, self.refresh_token):
            if secret is not None:
                remember(secret.reveal())

    @property
    def is_session(self) -> bool:
        """Whether it is an OAuth session, and not a key."""
        return is_session(self)


@dataclass(frozen=True, slots=True)
class StoredSummary:
    """What is known of a stored secret without reading it. `stored_at` is None where the entry is damaged.

    `files` are the profile files (`profiles.toml`) that stored it or refreshed it, `backend` the class of the keyring backend
    that holds it, None in a store that has none.
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
        """What two stores have in common exactly when they hold the same secrets."""

    @property
    def lock_folder(self) -> str:
        """The folder beside what is stored, where its locks lie: the same one for everybody who comes to this store there."""

    @property
    def label(self) -> str:
        """The store in words, with its place: "file `/…/secrets.json`"."""

    def check(self) -> None:
        """Find out whether the store can be used, leaving nothing behind."""

    def get(self, account: Account) -> StoredSecret | None:
        """Return the secret of `account`, or None if there is none."""

    def put(self, profile: str, secret: StoredSecret) -> None:
        """Store the secret of a profile, for the secret's own origin.

        Whole or not at all: a reader sees the old value or the new one, at any moment.
        """

    def delete(self, account: Account) -> bool:
        """Delete the secret of `account`; return whether there was one."""

    def summaries(self) -> dict[Account, StoredSummary]:
        """Return what is stored, without unlocking anything."""
