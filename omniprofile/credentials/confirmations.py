"""Which protected profiles a person has confirmed, so that `exec` asks once an hour in one terminal session.

They are kept in `confirmed.json` in the state folder. If it cannot be read, or others may write it, it confirms nothing.
"""

import json
import os
from datetime import UTC, datetime, timedelta

from omniprofile.errors import UnsafePermissions
from omniprofile.system.atomic_write import write_atomic
from omniprofile.system.files import Unreadable, make_private_folder, open_regular
from omniprofile.system.foreign_access import refuse_foreign

FILE = "confirmed.json"
LASTS = timedelta(hours=1)
_LARGEST = 64 * 1024


class Confirmations:
    """The confirmations in `folder` for one terminal session (`system.terminal_session`); none without a session.

    `home` is the user's home: permissions are not checked above it.
    """

    def __init__(self, folder: str, home: str, session: str | None) -> None:
        self._folder = folder
        self._home = home
        self._session = session
        self._path = os.path.join(folder, FILE)

    def has(self, profile: str, origin: str, now: datetime) -> bool:
        """Whether a person has confirmed the profile at this origin within the last hour."""
        return self._session is not None and (profile, origin, self._session) in self._read(now)

    def add(self, profile: str, origin: str, now: datetime) -> None:
        """Save a confirmation. If two processes write at once, one may lose its own, and asks again. Raises OSError."""
        if self._session is None:
            return
        kept = self._read(now) | {(profile, origin, self._session): now}
        rows = [[*key, when.timestamp()] for key, when in kept.items()]
        make_private_folder(self._folder)
        write_atomic(self._path, json.dumps(rows).encode(), durable=False)

    def _read(self, now: datetime) -> dict[tuple[str, str, str], datetime]:
        """Return the confirmations that are still valid. One from the future, after the clock was set back, is not."""
        try:
            content, _ = open_regular(self._path, limit=_LARGEST)
            refuse_foreign(self._path, self._home, "confirm a protected profile in your name")
            found = {}
            for profile, origin, session, seconds in json.loads(content):
                when = datetime.fromtimestamp(seconds, UTC)
                if timedelta() <= now - when < LASTS:
                    found[(profile, origin, session)] = when
        except (UnsafePermissions, Unreadable, OSError, ValueError, TypeError, OverflowError, RecursionError):
            return {}  # nothing is confirmed: the question is asked again
        return found
