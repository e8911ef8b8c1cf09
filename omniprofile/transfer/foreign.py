"""What every foreign file has in common: profiles found in it, the copy made before it is changed, the change itself."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from omniprofile.errors import CheckFailed, ConfigInvalid, ConfigUnreadable
from omniprofile.model.declaration import AuthMethod
from omniprofile.model.names import printable, printable_place
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.stored import StoredSecret
from omniprofile.system.files import Unreadable, open_regular, reason, sweep, write_atomic

LARGEST = 4 * 1024 * 1024
_BACKUP = ".omniprofile-"


@dataclass(frozen=True, slots=True)
class Found:
    """A profile in a foreign file. `name` is what it is called there, `secret` its credential if it has one."""

    name: str
    origin: Origin
    auth: AuthMethod
    secret: StoredSecret | None = None
    output_format: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file as it was read: what a change of it is measured against."""

    path: str
    content: bytes = field(repr=False)
    status: os.stat_result

    @classmethod
    def read(cls, path: str, what: str) -> "ForeignFile":
        """Read `path`, called `what` in messages. Raises ConfigUnreadable."""
        shown = f"`{printable_place(path)}`"
        try:
            content, status = open_regular(path, limit=LARGEST)
        except FileNotFoundError as problem:
            raise ConfigUnreadable(
                f"there is no {what} at {shown}", hint="name the file, if it lies somewhere else"
            ) from problem
        except Unreadable as problem:
            raise ConfigUnreadable(
                f"{shown} cannot be read: {problem}", hint="check what it is and who may read it"
            ) from problem
        return cls(path, content, status)

    def text(self) -> str:
        """The content as UTF-8. Raises ConfigInvalid."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as problem:
            line = self.content.count(b"\n", 0, problem.start) + 1
            broken = f"{printable_place(self.path)}:{line}: a byte is no UTF-8"
        # Raised out here: the decoder's own exception holds the whole content.
        raise ConfigInvalid(broken, hint="save the file as UTF-8")

    def wrong(self, where: str, what: str, hint: str | None = None) -> ConfigInvalid:
        """The error for something in the file. `where` may hold a foreign name; `what` never holds a value."""
        return ConfigInvalid(f"{printable_place(self.path)}: {printable(where, 160)} {what}", hint=hint)

    def origin(self, where: str, text: str, *, shown: bool = True) -> Origin:
        """The base URL that stands at `where`. Raises ConfigInvalid."""
        try:
            return Origin.parse(text)
        except NotAnOrigin as problem:
            hint = "it looks like `https://acme.omniapp.co`"
            if problem.suggestion and shown:
                hint = f"write `{problem.suggestion}` there"
            raise self.wrong(where, str(problem), hint) from None

    def replace(self, content: bytes, mode: int) -> None:
        """Put `content` in the file's place, atomically, with `mode`. Raises CheckFailed; then it is as it was.

        Whoever else writes this file takes no lock: so it is looked at again as late as can be.
        """
        shown = f"`{printable_place(self.path)}`"
        target = os.path.realpath(self.path)
        try:
            if open_regular(self.path, limit=LARGEST)[0] != self.content:
                raise CheckFailed(f"{shown} was changed by another program meanwhile", hint="run the command again")
            if not os.access(target, os.W_OK):
                raise CheckFailed(
                    f"{shown} cannot be written: it is read-only", hint="make it writable, and run it again"
                )
            _sweep(target)
            write_atomic(target, content, mode=mode)
        except (OSError, Unreadable) as problem:
            raise CheckFailed(
                f"{shown} cannot be written: {reason(problem)}", hint="fix it, and run it again"
            ) from problem

    def back_up(self, now: datetime) -> str:
        """Write a copy of the file beside it, mode 0600, and return its path. Raises CheckFailed."""
        target = os.path.realpath(self.path)
        stem = f"{target}{_BACKUP}{now.strftime('%Y%m%dT%H%M%SZ')}"
        path = next(name for name in _numbered(stem) if not os.path.lexists(name))
        try:
            write_atomic(path, self.content, mode=0o600)
        except OSError as problem:
            raise CheckFailed(
                f"no backup can be written to `{printable_place(path)}`: {reason(problem)}",
                hint="nothing was removed from the file; make room or fix its folder, and run it again",
            ) from problem
        return path


def backups_of(path: str) -> list[str]:
    """The copies that `ForeignFile.back_up` has left beside `path`, oldest first. They hold secrets in plain text."""
    folder, name = os.path.split(os.path.realpath(path))
    with suppress(OSError):
        return sorted(
            os.path.join(folder, entry)
            for entry in os.listdir(folder)
            if entry.startswith(name + _BACKUP) and entry.endswith(".bak")
        )
    return []


def change(file: ForeignFile, content: bytes, *, now: datetime, mode: int = 0o600) -> str:
    """Back the file up, then put `content` in its place; return the backup's path. Raises CheckFailed.

    When the file cannot be changed no backup is left: it would only be one more copy of the secrets.
    """
    backup = file.back_up(now)
    try:
        file.replace(content, mode)
    except BaseException:
        with suppress(OSError):
            os.unlink(backup)
        raise
    return backup


def _sweep(target: str) -> None:
    """Remove what a killed writer left of `target` or of a backup of it: it holds secrets. One writes at a time."""
    sweep(target)
    folder, name = os.path.split(target)
    with suppress(OSError):  # the write that follows says what is wrong with the folder
        for entry in os.listdir(folder):
            if entry.startswith(f".{name}{_BACKUP}") and entry.endswith(".tmp"):
                sweep(os.path.join(folder, entry[1 : -len(".0123456789abcdef.tmp")]))


def _numbered(stem: str) -> Iterator[str]:
    yield f"{stem}.bak"
    number = 2
    while True:
        yield f"{stem}-{number}.bak"
        number += 1
