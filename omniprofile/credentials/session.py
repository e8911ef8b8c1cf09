"""Keeping OAuth sessions fresh while other processes may refresh them too.

Refresh tokens rotate, and using one twice may end the session. So a refresh holds a lock that all processes of the OS user share
for this secret, reads the store again first, and stores the new session before anyone uses it. `app` passes in the callable that
talks to the instance.

If a session has time left, `fresh` only looks at the clock; everything heavier is imported or done after that.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from omniprofile.errors import CredentialRefused, NoCredential, SessionBusy, SessionEnded, StoreUnavailable, Unreachable
from omniprofile.model.freshness import is_fresh, is_valid
from omniprofile.model.stored import Account, SecretStore, StoredSecret
from omniprofile.model.times import duration_text

JUST_NOW = timedelta(seconds=10)
"""A refresh no older than this is recent enough even for a caller who forces one."""
LOCK_SECONDS = 60.0
"""Seconds to wait for another process: longer than an exchange, and storing its result, can take."""
_STORING_AGAIN = (0.2, 0.8, 2.0)
"""Seconds to wait before each further attempt to store the new session."""

_unstored: "dict[str, tuple[StoredSecret, StoredSecret]]" = {}
"""By lock file, the session that was sent, and the new one that could not be stored in its place.

A gateway, or a program with `Auth`, keeps running after a full disk or a locked keyring. Without this, its next request would
send the spent refresh token again, which may end the session. Each request of the library makes its own `Sessions`, so no
instance can hold it.
"""


def _shortfall(profile: str, session: StoredSecret, since: datetime, job: timedelta | None) -> NoCredential | None:
    """Return the error for a token that expires before `job`, counted from `since`, is over; None if it lasts."""
    if not job:
        return None
    wanted = duration_text(job.total_seconds())
    if session.expires_at is None:
        return NoCredential(
            f"the instance did not say how long the access token of `{profile}` lasts, and it must last {wanted}",
            hint="leave the duration out",
        )
    lasts = session.expires_at - since
    if lasts >= job:
        return None
    return NoCredential(
        f"the access token of `{profile}` lasts {duration_text(lasts.total_seconds())}, and it must last {wanted}",
        hint="ask for less, and let a long command call `omniprofile exec` for each of its steps: that renews it",
    )


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions in `store`.

    `refresh(profile, session)` asks the instance and returns the new session, with the old refresh token if it gave no new one.
    It raises SessionEnded only for `invalid_grant`, else Unreachable or CredentialRefused. `user_lock(name, seconds)` holds a
    lock that all processes of the OS user share. `checkpoint` is called with a name at each step where being killed matters; the
    tests kill the process there.
    """

    store: SecretStore
    refresh: Callable[[str, StoredSecret], StoredSecret]
    user_lock: Callable[[str, float], AbstractContextManager[None]]
    now: Callable[[], datetime]
    tell: Callable[[str], None]
    lock_seconds: float
    checkpoint: Callable[[str], None] = lambda _: None

    def fresh(
        self, profile: str, held: StoredSecret, *, force: bool = False, job: timedelta | None = None
    ) -> StoredSecret:
        """Return the session of `profile`, which the store returned as `held`, with a fresh access token.

        `force` replaces a token that has time left, unless another process did so just now; `job` is as for `is_fresh`. Raises
        SessionEnded, Unreachable, CredentialRefused, SessionBusy, or what the store raises. Except with `force`, the last four
        do not fail while the old access token is valid and lasts for `job`: it is returned, with a notice. Raises NoCredential
        if no token lasts that long.
        """
        now = self.now()
        if not force and is_fresh(held, now, job):
            return held
        if held.refresh_token is None:
            if not force and is_valid(held, now):
                if short := _shortfall(profile, held, now, job):
                    raise short
                return held
            raise NoCredential(
                f"the session of `{profile}` cannot be refreshed: the instance gave no refresh token",
                hint=f"run `omniprofile login {profile}`",
            )
        account = Account(profile, held.origin)
        try:
            with self.locked(account):
                found = self._refreshed(account, held, force=force, job=job)
        except (Unreachable, CredentialRefused, SessionBusy, StoreUnavailable) as problem:
            if force or not is_valid(held, self.now()) or self._lock_of(account) in _unstored:
                raise
            if short := _shortfall(profile, held, self.now(), job):
                raise NoCredential(f"{short.message}; {problem.message}", hint=problem.hint) from problem
            self.tell(f"{problem.message}; the access token is still valid and used meanwhile")
            return held
        # A new token counts with its whole lifetime, so that one of an hour serves an hour's job though a moment has passed.
        if short := _shortfall(profile, found, now if found.token == held.token else found.stored_at, job):
            raise short
        return found

    def replace(self, profile: str, session: StoredSecret) -> StoredSecret | None:
        """Store a session from a login, and return what was stored before. Raises SessionBusy, and what the store raises."""
        account = Account(profile, session.origin)
        with self.locked(account):
            old = self.readable(account)
            self.store.put(profile, session)
            _unstored.pop(self._lock_of(account), None)
            return old

    def holds(self, profile: str, session: StoredSecret) -> bool:
        """Whether exactly this session is stored, as far as the store can tell."""
        found = self.readable(Account(profile, session.origin))
        return found is not None and found.token == session.token

    @contextmanager
    def locked(self, account: Account) -> Iterator[None]:
        """Hold the session's lock among all threads and processes of the OS user. Raises SessionBusy."""
        from omniprofile.system.locking import lock
        from omniprofile.system.os_errors import TRY_AGAIN, reported_as

        busy = f"another process has held the session of `{account.profile}` for more than {self.lock_seconds:g} s"
        beside_store = os.path.join(self.store.lock_folder, _lock_name(str(account)))
        with ExitStack() as held:
            with reported_as(
                SessionBusy,
                f"the session of `{account.profile}` cannot be refreshed",
                busy=SessionBusy(busy, hint=TRY_AGAIN),
            ):
                # Always both, in this order; `system.user_lock` explains each.
                held.enter_context(self.user_lock(self._lock_of(account), self.lock_seconds))
                held.enter_context(lock(beside_store, self.lock_seconds))
            self.checkpoint("locked")
            yield

    def _refreshed(self, account: Account, held: StoredSecret, *, force: bool, job: timedelta | None) -> StoredSecret:
        """Return the fresh session for `fresh`. The caller holds the lock."""
        found = self._store_what_is_left(account, self.store.get(account))
        if found is None:
            raise _logged_out(account)
        if not found.is_session or found.refresh_token is None:
            return found  # from another login; the caller checks it like any secret that it reads
        now = self.now()
        just_now = found.refreshed_at is not None and timedelta(0) <= now - found.refreshed_at < JUST_NOW
        will_do = just_now if force else is_fresh(found, now, job)
        if is_valid(found, now) and (found.token != held.token or will_do):
            return found

        from omniprofile.system.threads import critical_section

        # Find out whether the store can be written before the refresh token is spent.
        self.store.put(account.profile, found)
        self.checkpoint("store-tried")
        return critical_section(
            lambda: self._exchange(account, found),
            on_interrupt=lambda: self.tell(
                f"the session of `{account.profile}` is being refreshed; this ends when the answer is stored "
                "(or press Ctrl-C again)"
            ),
        )

    def _exchange(self, account: Account, sent: StoredSecret) -> StoredSecret:
        try:
            new = self.refresh(account.profile, sent)
        except SessionEnded:
            found = self.store.get(account)
            if found is not None and found.refresh_token == sent.refresh_token:
                self.store.delete(account)
                self.checkpoint("ended")
                raise
            if found is not None and is_valid(found, self.now()):
                return found
            raise
        self.checkpoint("answered")
        found = self.store.get(account)
        if found is None or found.refresh_token != sent.refresh_token:
            # Another process has logged out or in without the lock: its result wins.
            if found is None:
                raise _logged_out(account)
            return found
        self._keep(account, sent, new)
        self.checkpoint("stored")
        return new

    def _keep(self, account: Account, sent: StoredSecret, new: StoredSecret) -> None:
        """Store `new`, trying several times, because the refresh token in the store is spent.

        If all fail, the process keeps the session in memory, and stores it when the session is next requested.
        """
        from time import sleep

        path = self._lock_of(account)
        for wait in (*_STORING_AGAIN, None):
            try:
                self.store.put(account.profile, new)
                _unstored.pop(path, None)
                return
            except StoreUnavailable as problem:
                _unstored[path] = (sent, new)
                if wait is None:
                    raise StoreUnavailable(
                        f"the session of `{account.profile}` was refreshed, but cannot be stored: {problem.message}",
                        hint="the stored refresh token is spent: put the store in order, then run "
                        f"`omniprofile login {account.profile}`",
                    ) from problem
                self.tell(
                    f"the refreshed session of `{account.profile}` cannot be stored yet, trying again: {problem.message}"
                )
            sleep(wait)

    def _store_what_is_left(self, account: Account, found: StoredSecret | None) -> StoredSecret | None:
        """Return `found`, or store and return the session that this process could not store in its place before."""
        left = _unstored.get(self._lock_of(account))
        if left is None or found is None or found.refresh_token != left[0].refresh_token:
            return found
        self._keep(account, *left)
        return left[1]

    def readable(self, account: Account) -> StoredSecret | None:
        """Return what is stored, or None if that is nothing or cannot be read: a login fixes both."""
        try:
            return self.store.get(account)
        except StoreUnavailable:
            return None

    def _lock_of(self, account: Account) -> str:
        """Return the name of the user's lock for one secret, which does not depend on how the store's folder is named."""
        return _lock_name(f"{self.store.identity}\0{account}")


def _lock_name(secret: str) -> str:
    from hashlib import sha256

    return f"session-{sha256(secret.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.lock"


def _logged_out(account: Account) -> NoCredential:
    return NoCredential(
        f"the session of `{account.profile}` was logged out, or found to have ended, by another process in the meantime",
        hint=f"run `omniprofile login {account.profile}`",
    )
