"""The state file `active` in the state folder: the active profile on the first line, the previous one on the second.

It is plain text, so that a shell prompt can read it without starting a process. On the fast path: imports only what a bare
interpreter has loaded, and the rest when needed.
"""

import os

from omniprofile.system.files import Unreadable, read_own
from omniprofile.system.foreign_access import refuse_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from omniprofile.model.provenance import Provenance

    Names = tuple[str | None, str | None]

ACTIVE_FILE = "active"
LARGEST = 64 * 1024
"""The most bytes in a state file."""
_LOCK_SECONDS = 10.0
_RISK = "choose the profile that you use"


class StateFile:
    """The state file in `folder`. `home` is the user's home: permissions are not checked above it."""

    def __init__(self, folder: str, home: str = "") -> None:
        self._folder = folder
        self._home = home
        self.path = os.path.join(folder, ACTIVE_FILE)

    def read(self) -> "Names":
        """Return the active and the previous profile, each None if its line, or the file, is empty or missing.

        Raises ConfigUnreadable if the file cannot be read, UnsafePermissions if others may write or replace it.
        """
        try:
            content = read_own(self.path, self._home, _RISK, LARGEST)
            active, previous, *_ = *content.decode("utf-8", "replace").split("\n"), ""
            return active.strip() or None, previous.strip() or None
        except FileNotFoundError:
            return None, None
        except Unreadable as problem:
            from omniprofile.errors import ConfigUnreadable
            from omniprofile.model.names import printable_place

            hint = f"fix or remove `{printable_place(self.path)}`, then run `omniprofile use NAME`"
            raise problem.as_error(ConfigUnreadable, f"the state file `{self.path}`", hint) from problem

    def provenance(self, line: int = 1) -> "Provenance":
        """Return the provenance of the active profile's name, or with line 2 of the previous one's."""
        from omniprofile.model.provenance import Layer, Provenance

        return Provenance(Layer.STATE, "active", self.path, line)

    def activate(self, name: str) -> "Names":
        """Make `name` active, and the profile that was active the previous one; return both.

        Atomic and under a lock, so that of two switches at once, each sees the other's result. Raises OperationFailed if the file
        cannot be written; it is then unchanged.
        """

        def switch(active: str | None, previous: str | None) -> "Names":
            return (active, previous) if active == name else (name, active or previous)

        return self._change(
            switch, "the active profile is as it was; set `OMNI_PROFILE` to choose for this shell alone"
        )

    def rename(self, name: str, new: str | None) -> None:
        """Replace `name` in the file by `new`, or remove it if `new` is None. Raises OperationFailed, like `activate`."""

        def renamed(active: str | None, previous: str | None) -> "Names":
            return new if active == name else active, new if previous == name else previous

        if name in self.read():
            self._change(renamed, "make room or fix the folder, then run the same command again")

    def _change(self, change: "Callable[[str | None, str | None], Names]", hint: str) -> "Names":
        from omniprofile.errors import OperationFailed
        from omniprofile.system.atomic_write import sweep, write_atomic
        from omniprofile.system.files import make_private_folder
        from omniprofile.system.locking import lock
        from omniprofile.system.os_errors import reported_as

        with reported_as(OperationFailed, f"the active profile could not be saved in `{self.path}`", hint):
            make_private_folder(self._folder)
            refuse_foreign(self._folder, self._home, _RISK)
            with lock(self.path + ".lock", _LOCK_SECONDS):
                before = self.read()
                active, previous = after = change(*before)
                if after != before:
                    sweep(self.path)
                    write_atomic(self.path, f"{active or ''}\n{previous or ''}\n".encode(), mode=0o600)
                return after
