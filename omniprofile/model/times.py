"""Times as RFC 3339 text in UTC, parsed strictly, since stores and other programs' files may hold anything; and durations."""

from datetime import UTC, datetime

EARLIEST_YEAR = 1970


def format_time(time: datetime) -> str:
    """Return a time as RFC 3339 text in UTC. Raises ValueError for a time without a time zone."""
    if time.tzinfo is None:
        raise ValueError("a stored time needs a time zone")
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_time(text: object) -> datetime:
    """Parse an RFC 3339 time, and return it in UTC. Raises ValueError, "is not …".

    Years before 1970 are refused: no token is that old, and arithmetic near year 1 raises OverflowError. Year 9999 is
    accepted, since some programs write it for "never": so subtract from a parsed time, but never add to it.
    """
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
        if time is not None and time.tzinfo is not None:
            time = time.astimezone(UTC)
            if time.year >= EARLIEST_YEAR:
                return time
    except (ValueError, OverflowError):
        pass
    raise ValueError("is not an RFC 3339 time with a time zone, from 1970 to 9999")


def duration_text(seconds: float) -> str:
    """Return a duration in at most two units, rounded down: `2 h`, `1 h 59 min`, `1 min 30 s`, `0.5 s`."""
    if seconds < 1:
        return f"{max(seconds, 0):.1g} s"
    if seconds < 10:
        return f"{int(seconds * 10) / 10:g} s"
    left = int(seconds)
    parts: list[tuple[int, str]] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count)
