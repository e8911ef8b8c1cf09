"""Which protected profiles a person has confirmed, so that `exec` asks once an hour in one terminal session.

They are kept in `confirmed.json` in the state folder. If it cannot be read, or others may write it, it confirms nothing.
"""

import json
import os
from datetime import UTC, datetime, timedelta

from omniprofile.errors import UnsafePermissions
from omniprofile.system.atomic_write import write_atomic
from omniprofile.system.files import Unreadable, make_private_folder, read_own

FILE = "confirmed.json"
LASTS = timedelta(hours=1)
_LARGEST = 64 * 1024

Key = tuple[str, str, str]
"""A profile, its origin, and the terminal session (`system.terminal_session`)."""


def is_confirmed(folder: str, home: str, key: Key, now: datetime) -> bool:
    """Whether a person has confirmed `key` within the last hour. Permissions are not checked above `home`."""
    return key in _read(folder, home, now)


def confirm(folder: str, home: str, key: Key, now: datetime) -> None:
    """Save a confirmation. If two processes write at once, one may lose its own, and asks again. Raises OSError."""
    rows = [[*each, when.timestamp()] for each, when in (_read(folder, home, now) | {key: now}).items()]
    make_private_folder(folder)
    write_atomic(os.path.join(folder, FILE), json.dumps(rows).encode(), durable=False)


def _read(folder: str, home: str, now: datetime) -> dict[Key, datetime]:
    """Return the confirmations that are still valid. One from the future, after the clock was set back, is not."""
    try:
        risk = "confirm a protected profile in your name"
        content = read_own(os.path.join(folder, FILE), home, risk, _LARGEST)
        found = {}
        for profile, origin, session, seconds in json.loads(content):
            when = datetime.fromtimestamp(seconds, UTC)
            if timedelta() <= now - when < LASTS:
                found[(profile, origin, session)] = when
    except (UnsafePermissions, Unreadable, OSError, ValueError, TypeError, OverflowError, RecursionError):
        return {}  # nothing is confirmed: the question is asked again
    return found
