"""Which profile is active: the file `active` in the state folder, first line the active profile, second the previous one.

Plain text, so that a shell prompt can read it with no process started (PRODUCT section 2).
"""

import os
from dataclasses import dataclass

from omniprofile.config.choosing import ACTIVE_FILE, LARGEST_ACTIVE_FILE, active_names
from omniprofile.errors import CheckFailed, ConfigUnreadable
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.system.files import Unreadable, make_private_folder, read_regular, reason, write_atomic
from omniprofile.system.locking import locked

_LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ActiveState:
    """The names in the file, as they stand there; None for an empty or missing line."""

    active: str | None
    previous: str | None


class StateFile:
    """The state file in `folder`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.path = os.path.join(folder, ACTIVE_FILE)

    def read(self) -> ActiveState:
        """What the file says. A missing file says nothing; one that cannot be read raises ConfigUnreadable."""
        try:
            return ActiveState(*active_names(read_regular(self.path, limit=LARGEST_ACTIVE_FILE)))
        except (FileNotFoundError, NotADirectoryError):
            return ActiveState(None, None)
        except Unreadable as problem:
            raise ConfigUnreadable(
                f"the state file `{self.path}` cannot be read: {problem}",
                hint=f"remove `{self.path}`, then run `omniprofile use NAME`",
            ) from problem

    def provenance(self, line: int = 1) -> Provenance:
        """The provenance of the active profile's name, or on line 2 of the previous one's."""
        return Provenance(Layer.STATE, "active", self.path, line)

    def activate(self, name: str) -> ActiveState:
        """Make `name` active and the one before it previous; return what is now in the file.

        Atomic, and under a lock, so that of two switches at once neither loses the previous name of the other.
        Raises CheckFailed when the file cannot be written; then it is as it was.
        """
        try:
            make_private_folder(self._folder)
            with locked(self.path + ".lock", _LOCK_SECONDS):
                before = self.read()
                if before.active == name:
                    return before
                after = ActiveState(name, before.active or before.previous)
                write_atomic(self.path, f"{after.active}\n{after.previous or ''}\n".encode(), mode=0o600)
                return after
        except (OSError, TimeoutError) as problem:
            raise CheckFailed(
                f"the switch could not be saved in `{self.path}`: {reason(problem)}",
                hint="the active profile is as it was; set `OMNI_PROFILE` to choose for this shell alone",
            ) from problem
