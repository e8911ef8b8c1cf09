"""The fields of a stored secret that say whether it is a session, and how long it can be used.

On the fast path: imports only `datetime`.
"""

from datetime import timedelta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from omniprofile.model.secret import Secret


class StoredFields:
    """The fields of a stored secret as an envelope has them: without the origin, and with `identity` as a dict."""

    token: "Secret"
    stored_at: "datetime"
    expires_at: "datetime | None"
    refresh_token: "Secret | None"
    client_id: str | None

    def __init__(self, fields: "dict[str, Any]") -> None:
        self.__dict__ = fields

    @property
    def is_session(self) -> bool:
        """Whether it is an OAuth session, not a key."""
        return self.client_id is not None or self.refresh_token is not None


AHEAD = timedelta(minutes=5)
"""How long before its expiry an access token is replaced, unless a quarter of its lifetime is less."""


def is_valid(session: StoredFields, now: "datetime") -> bool:
    """Whether the access token has not expired; one without a known expiry has not."""
    return session.expires_at is None or now < session.expires_at


def is_fresh(session: StoredFields, now: "datetime", job: timedelta | None = None) -> bool:
    """Whether the access token need not be replaced yet.

    `job` is for a command that cannot renew the token it gets: at least half of the token's lifetime must be left, and at least
    `job`. If the clock was set back since the token was stored, its remaining time is unknown, so it is not fresh.
    """
    if session.expires_at is None:
        return not job
    life = max(session.expires_at - session.stored_at, timedelta(0))
    ahead = min(AHEAD, life / 4) if job is None else max(job, life / 2)
    return session.stored_at - AHEAD <= now < session.expires_at - ahead
