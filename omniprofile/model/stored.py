"""A secret as a store keeps it, and what may be known of it without unlocking the store."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret, remember


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """One profile's stored secret, bound to the origin it was stored for.

    `refresh_token`, `expires_at`, `client_id`, `scope`, `token_path` and `refreshed_at` are an OAuth session's, None for an API
    key. `token_path` is where the session is refreshed, None for the usual path. Times are aware UTC.
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

    def __post_init__(self) -> None:
        for secret in (self.token, self.refresh_token):
            if secret is not None:
                remember(secret.reveal())

    @property
    def is_session(self) -> bool:
        """Whether it is an OAuth session, and not a key."""
        return self.client_id is not None or self.refresh_token is not None


@dataclass(frozen=True, slots=True)
class StoredSummary:
    """What is known of a stored secret without reading it."""

    origin: Origin
    stored_at: datetime
    expires_at: datetime | None = None


class SecretStore(Protocol):
    """Where omniprofile keeps secrets, by account (a profile's name). One contract suite runs on every implementation.

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

    def get(self, account: str) -> StoredSecret | None:
        """The secret of `account`, or None if there is none."""

    def put(self, account: str, secret: StoredSecret) -> None:
        """Store whole or not at all: a reader sees the old value or the new one, at any moment."""

    def delete(self, account: str) -> bool:
        """Delete the secret of `account`; tell whether there was one."""

    def summaries(self) -> dict[str, StoredSummary]:
        """What is stored, by account, without unlocking anything."""
