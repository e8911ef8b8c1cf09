"""Which profile is active: the file `active` in the state folder, first line the active profile, second the previous one.

Plain text, so that a shell prompt can read it with no process started (PRODUCT section 2).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

from omniprofile.config.choosing import ACTIVE_FILE, LARGEST_ACTIVE_FILE, active_names
from omniprofile.errors import CheckFailed, ConfigUnreadable
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.system.files import (
    Unreadable,
    make_private_folder,
    open_regular,
    reason,
    refuse_strangers,
    sweep,
    write_atomic,
)
from omniprofile.system.locking import locked

_LOCK_SECONDS = 10.0
_RISK = "choose the profile that you use"


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
        """What the file says. A missing file says nothing.

        Raises ConfigUnreadable for one that cannot be read, UnsafePermissions for one that others may write or replace.
        """
        try:
            content, status = open_regular(self.path, limit=LARGEST_ACTIVE_FILE)
            refuse_strangers(self.path, status, _RISK)
            refuse_strangers(self._folder, os.stat(self._folder), _RISK)
            return ActiveState(*active_names(content))
        except FileNotFoundError:
            return ActiveState(None, None)
        except Unreadable as problem:
            broken = self.path if os.path.isdir(self._folder) else self._folder
            raise ConfigUnreadable(
                f"the state file `{self.path}` cannot be read: {problem}",
                hint=f"fix or remove `{broken}`, then run `omniprofile use NAME`",
            ) from problem

    def provenance(self, line: int = 1) -> Provenance:
        """The provenance of the active profile's name, or on line 2 of the previous one's."""
        return Provenance(Layer.STATE, "active", self.path, line)

    def activate(self, name: str) -> ActiveState:
        """Make `name` active and the one before it previous; return what is now in the file.

        Atomic, and under a lock, so that of two switches at once neither loses the previous name of the other.
        Raises CheckFailed when the file cannot be written; then it is as it was.
        """

        def switch(before: ActiveState) -> ActiveState:
            return before if before.active == name else ActiveState(name, before.active or before.previous)

        return self._change(
            switch, "the active profile is as it was; set `OMNI_PROFILE` to choose for this shell alone"
        )

    def rename(self, name: str, new: str | None) -> None:
        """Let the file say `new` where it says `name`, or nothing with None. Raises CheckFailed, as `activate` does."""

        def renamed(before: ActiveState) -> ActiveState:
            return ActiveState(*(new if line == name else line for line in (before.active, before.previous)))

        state = self.read()
        if name in (state.active, state.previous):
            self._change(renamed, "make room or fix the folder, then run the same command again")

    def _change(self, change: Callable[[ActiveState], ActiveState], hint: str) -> ActiveState:
        try:
            make_private_folder(self._folder)
            refuse_strangers(self._folder, os.stat(self._folder), _RISK)
            with locked(self.path + ".lock", _LOCK_SECONDS):
                before = self.read()
                after = change(before)
                if after != before:
                    sweep(self.path)
                    write_atomic(self.path, f"{after.active or ''}\n{after.previous or ''}\n".encode(), mode=0o600)
                return after
        except (OSError, TimeoutError) as problem:
            raise CheckFailed(
                f"the active profile could not be saved in `{self.path}`: {reason(problem)}", hint=hint
            ) from problem
