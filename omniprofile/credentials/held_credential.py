"""One credential for many requests, renewed before it expires and after it is refused."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from weakref import WeakSet

from omniprofile.credentials.session import JUST_NOW
from omniprofile.errors import Error
from omniprofile.model.credential import Credential
from omniprofile.model.freshness import AHEAD

_all: "WeakSet[HeldCredential]" = WeakSet()


class HeldCredential:
    """The credential that `obtain(force_refresh)` returns, for any number of threads at once, also in forked processes.

    Threads that wait while it is obtained share the result or the error. `held` is a credential that was obtained already.
    """

    def __init__(
        self, obtain: Callable[[bool], Credential], now: Callable[[], datetime], held: Credential | None = None
    ) -> None:
        self._obtain = obtain
        self._now = now
        self._lock = Lock()
        self._failure: tuple[float, Error] | None = None
        self._refused_again_at: float | None = None
        self._held = held
        self._renew_at = self._moment(held) if held else None
        _all.add(self)

    def ready(self) -> Credential | None:
        """Return the credential if it need not be renewed yet, else None. Never waits."""
        held = self._held
        return held if held is not None and self._is_fresh() else None

    def current(self) -> Credential:
        """Return the credential, obtaining one if there is none or it is about to expire. Raises what `obtain` raises."""
        return self.ready() or self._shared(lambda _: self._is_fresh())

    def renewed(self, refused: Credential) -> Credential:
        """Return a new credential after the instance has refused `refused`. Raises what `obtain` raises.

        If the renewed credential was the same, it is not obtained again right away: its key may come from a program that asks
        a person.
        """
        at = self._refused_again_at
        if at is not None and monotonic() - at < JUST_NOW.total_seconds() and self._held is not None:
            return self._held
        return self._shared(lambda held: held is not refused, force_refresh=True)

    def settle(self, seconds: float) -> None:
        """Wait up to `seconds` for a session's refresh in progress: its result must be stored before the process ends."""
        if self._held is not None and self._held.auth == "oauth" and self._lock.acquire(timeout=seconds):
            self._lock.release()

    def _shared(self, will_do: Callable[[Credential], bool], *, force_refresh: bool = False) -> Credential:
        asked = monotonic()
        with self._lock:
            before = self._held
            if before is not None and will_do(before):
                return before
            if self._failure is not None and self._failure[0] > asked:
                raise self._failure[1]
            try:
                held = self._obtain(force_refresh)
            except Error as error:
                self._failure = monotonic(), error
                raise
            self._failure = None
            same = force_refresh and before is not None and held.secret == before.secret
            self._refused_again_at = monotonic() if same else None
            self._held, self._renew_at = held, self._moment(held)
            return held

    def _is_fresh(self) -> bool:
        return self._renew_at is None or self._now() < self._renew_at

    def _moment(self, credential: Credential) -> datetime | None:
        """Return when to renew a credential, None for never: before it expires, but not at once if little time is left."""
        if credential.expires_at is None:
            return None
        left = max(credential.expires_at - self._now(), timedelta(0))
        return credential.expires_at - min(AHEAD, left / 4)


def _after_fork() -> None:
    for each in _all:
        each._lock = Lock()  # noqa: SLF001 - a thread that exists only in the parent may hold the old one


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
