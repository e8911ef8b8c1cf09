"""A file of another program: read strictly, and replaced after a backup."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, count

from omniprofile.errors import ConfigInvalid, ConfigUnreadable, OperationFailed
from omniprofile.model.names import printable, printable_place
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.system.atomic_write import sweep, write_atomic
from omniprofile.system.files import Unreadable, make_private_folder, open_regular
from omniprofile.system.foreign_access import others_can_read, real_path
from omniprofile.system.os_errors import reported_as

LARGEST = 4 * 1024 * 1024
BACKUPS = "backups"
"""The folder for backups, in the state folder. They hold secrets in plain text, so they must not be where git may add them."""


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file as it was read, so that a later change by another program can be noticed. `status` is None for a new file."""

    path: str
    content: bytes = field(repr=False, default=b"")
    status: os.stat_result | None = None

    @classmethod
    def read(cls, path: str, what: str) -> "ForeignFile":
        """Read `path`, called `what` in messages. Raises ConfigUnreadable."""
        shown = f"`{printable_place(path)}`"
        try:
            return cls(path, *open_regular(path, limit=LARGEST))
        except FileNotFoundError as problem:
            raise ConfigUnreadable(f"no {what} was found at {shown}", hint="give the path of the file") from problem
        except Unreadable as problem:
            raise problem.as_error(ConfigUnreadable, shown, "check what it is and who may read it") from problem

    @property
    def mode(self) -> int:
        """Return the permissions of the file, those of a private file if it is new."""
        return stat.S_IMODE(self.status.st_mode) if self.status else 0o600

    def can_be_read_by_others(self) -> bool:
        """Return whether others may read the file."""
        return self.status is not None and others_can_read(self.status)

    def text(self) -> str:
        """Return the content as UTF-8 text. Raises ConfigInvalid."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as problem:
            line = self.content.count(b"\n", 0, problem.start) + 1
            broken = f"{printable_place(self.path)}:{line}: a byte is not UTF-8"
        # Raised outside the `except`: the decoder's exception holds the whole content.
        raise ConfigInvalid(broken, hint="save the file as UTF-8")

    def wrong(self, where: str, what: str, hint: str | None = None, *, line: int | None = None) -> ConfigInvalid:
        """Return the error for a problem in the file. `where` may contain a foreign name; `what` never contains a value."""
        place = printable_place(self.path) + (f":{line}" if line else "")
        return ConfigInvalid(f"{place}: {printable(where, 160)} {what}", hint=hint)

    def origin(self, where: str, text: str, *, line: int | None = None) -> Origin:
        """Return the base URL found at `where`. Raises ConfigInvalid."""
        try:
            return Origin.parse(text)
        except NotAnOrigin as problem:
            near = problem.suggestion
            hint = f"write `{near}` there" if near else "it looks like `https://acme.omniapp.co`"
            raise self.wrong(where, str(problem), hint, line=line) from None

    def replace(self, content: bytes, mode: int = 0o600) -> None:
        """Atomically write the file and set its mode. Raises OperationFailed, leaving the file unchanged.

        Other programs that write this file take no lock, so compare its content again as late as possible.
        """
        place, target = printable_place(self.path), real_path(self.path)
        with reported_as(OperationFailed, f"`{place}` cannot be written", "fix it, and run it again"):
            if self.status is None:
                make_private_folder(os.path.dirname(self.path))
                if os.path.lexists(self.path):
                    raise OperationFailed.changed_meanwhile(place)
            elif open_regular(self.path, limit=LARGEST)[0] != self.content:
                raise OperationFailed.changed_meanwhile(place)
            elif not os.access(target, os.W_OK):
                hint = "make it writable, and run it again"
                raise OperationFailed(f"`{place}` cannot be written: it is read-only", hint=hint)
            sweep(target)
            write_atomic(target, content, mode=mode)

    def back_up(self, now: datetime, state_folder: str) -> str:
        """Write a copy of the file into the state folder with mode 0600, and return its path. Raises OperationFailed."""
        folder = os.path.join(state_folder, BACKUPS)
        stem = os.path.join(folder, f"{os.path.basename(self.path)}-{now.strftime('%Y%m%dT%H%M%SZ')}")
        names = chain([f"{stem}.bak"], (f"{stem}-{number}.bak" for number in count(2)))
        path = next(name for name in names if not os.path.lexists(name))
        hint = "nothing was removed from the file; make room or fix its folder, and run it again"
        with reported_as(OperationFailed, f"no backup can be written to `{printable_place(path)}`", hint):
            make_private_folder(folder)
            for entry in os.listdir(folder):
                if entry.startswith(".") and entry.endswith(".tmp"):  # left by a killed writer; holds secrets
                    os.unlink(os.path.join(folder, entry))
            write_atomic(path, self.content, mode=0o600)
        return path

    def change(self, content: bytes, *, now: datetime, state_folder: str, mode: int = 0o600) -> str:
        """Back up the file, then replace its content; return the backup's path. Raises OperationFailed.

        If the file cannot be changed, the backup is removed: it would only be one more copy of the secrets.
        """
        backup = self.back_up(now, state_folder)
        try:
            self.replace(content, mode)
        except BaseException:
            with suppress(OSError):
                os.unlink(backup)
            raise
        return backup


def backups(state_folder: str) -> list[str]:
    """Return the backups made by `ForeignFile.back_up`, sorted by name. They hold secrets in plain text."""
    folder = os.path.join(state_folder, BACKUPS)
    with suppress(OSError):
        return sorted(os.path.join(folder, entry) for entry in os.listdir(folder) if entry.endswith(".bak"))
    return []
