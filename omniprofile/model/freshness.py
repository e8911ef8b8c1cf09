"""Whether a stored secret is a session, and how long it can be used. On the fast path: imports only `datetime`."""

from datetime import timedelta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any, TypeAlias

    from omniprofile.model.secret import Secret
    from omniprofile.model.stored import StoredSecret

    Stored: TypeAlias = "StoredSecret | StoredFields"


class StoredFields:
    """The fields of a `StoredSecret` as an envelope has them: without the origin, and with `identity` as a dict."""

    token: "Secret"
    stored_at: "datetime"
    expires_at: "datetime | None"
    refresh_token: "Secret | None"
    client_id: str | None

    def __init__(self, fields: "dict[str, Any]") -> None:
        self.__dict__ = fields


AHEAD = timedelta(minutes=5)
"""How long before its expiry an access token is replaced, unless a quarter of its lifetime is less."""


def is_session(stored: "Stored") -> bool:
    """Whether it is an OAuth session, not a key."""
    return stored.client_id is not None or stored.refresh_token is not None


def is_valid(session: "Stored", now: "datetime") -> bool:
    """Whether the access token has not expired; one without a known expiry has not."""
    return session.expires_at is None or now < session.expires_at


def is_fresh(session: "Stored", now: "datetime", job: timedelta | None = None) -> bool:
    """Whether the access token need not be replaced yet.

    `job` is for a command that cannot renew the token it gets: at least half of the token's lifetime must be left, and at least
    `job`. If the clock was set back since the token was stored, its remaining time is unknown, so it is not fresh.
    """
    if session.expires_at is None:
        return not job
    life = max(session.expires_at - session.stored_at, timedelta(0))
    ahead = min(AHEAD, life / 4) if job is None else max(job, life / 2)
    return session.stored_at - AHEAD <= now < session.expires_at - ahead
