"""Which protected profiles a person has confirmed, so that `exec` asks once an hour in one terminal session.

The file `confirmed.json` in the state folder; a file that cannot be read, or that others may write, confirms nothing.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from omniprofile.errors import UnsafePermissions
from omniprofile.system.files import Unreadable, make_private_folder, open_regular, refuse_foreign, write_atomic

FILE = "confirmed.json"
LASTS = timedelta(hours=1)
_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person said yes to: a profile at an origin, in a terminal session (`system.terminal_session`)."""

    profile: str
    origin: str
    session: str


class Confirmations:
    """The confirmations in `folder`. `home` is the user's home, above which nothing is judged."""

    def __init__(self, folder: str, home: str) -> None:
        self._folder = folder
        self._home = home
        self._path = os.path.join(folder, FILE)

    def has(self, confirmation: Confirmation, now: datetime) -> bool:
        """Whether it was given within the last hour."""
        return confirmation in self._read(now)

    def add(self, confirmation: Confirmation, now: datetime) -> None:
        """Keep it. Of two processes that write at once, one may lose its own, and asks again. Raises OSError."""
        kept = self._read(now) | {confirmation: now}
        rows = [[each.profile, each.origin, each.session, when.timestamp()] for each, when in kept.items()]
        make_private_folder(self._folder)
        write_atomic(self._path, json.dumps(rows).encode(), durable=False)

    def _read(self, now: datetime) -> dict[Confirmation, datetime]:
        """The confirmations that still hold. One from the future, by a clock that was set back, does not."""
        try:
            content, _ = open_regular(self._path, limit=_LARGEST)
            refuse_foreign(self._path, self._home, "confirm a protected profile in your name")
            found = {}
            for profile, origin, session, seconds in json.loads(content):
                when = datetime.fromtimestamp(seconds, UTC)
                if timedelta() <= now - when < LASTS:
                    found[Confirmation(profile, origin, session)] = when
        except (FileNotFoundError, Unreadable, UnsafePermissions, ValueError, TypeError, OverflowError, OSError):
            return {}  # nothing is confirmed: the question is asked again
        return found
