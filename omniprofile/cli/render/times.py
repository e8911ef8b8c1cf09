"""Times as text."""

from datetime import datetime

from omniprofile.model.credential import Credential
from omniprofile.model.times import format_time


def rfc3339(time: datetime | None) -> str | None:
    """Return an aware time as RFC 3339 in UTC, to the second: `2026-11-24T10:00:00Z`. None stays None."""
    return None if time is None else format_time(time.replace(microsecond=0))


def remaining(time: datetime, now: datetime) -> str:
    """Return how far `time` is from `now`, rounded to one unit: `expires in 7 h`, `expired 3 d ago`."""
    seconds = int((time - now).total_seconds())
    size = abs(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if size >= length:
            amount = f"{(size + length // 2) // length} {unit}"
            break
    else:
        amount = f"{size} s"
    return f"expires in {amount}" if seconds > 0 else f"expired {amount} ago"


def good_until(credential: Credential, now: datetime) -> str:
    """Return a sentence about how long a credential is valid."""
    if credential.expires_at is not None:
        until, left = rfc3339(credential.expires_at), remaining(credential.expires_at, now)
        return f"the token of `{credential.profile}` is good until {until}: it {left}"
    if credential.auth == "oauth":
        return f"how long the token of `{credential.profile}` is good is not known"
    return f"the key of `{credential.profile}` does not expire, as far as is known"
