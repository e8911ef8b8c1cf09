"""What all foreign files have in common: the profiles found in them, the backup before a change, and the change itself."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, count

from omniprofile.errors import ConfigInvalid, ConfigUnreadable, Error, OperationFailed
from omniprofile.model.declaration import AuthMethod
from omniprofile.model.names import printable, printable_place
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.stored import StoredSecret
from omniprofile.system.atomic_write import sweep, write_atomic
from omniprofile.system.files import Unreadable, make_private_folder, open_regular, reason
from omniprofile.system.foreign_access import real_path

LARGEST = 4 * 1024 * 1024
BACKUPS = "backups"
"""The folder for backups, in the state folder. They hold secrets in plain text, so they must not be where git may add them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A profile in a foreign file. `name` is its name there, `secret` its credential if it has one.

    `command` prints the key if the file has a reference instead of the key.
    """

    name: str
    origin: Origin
    auth: AuthMethod
    secret: StoredSecret | None = None
    output_format: str | None = None
    command: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file as it was read, so that a later change by another program can be noticed."""

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
            raise ConfigUnreadable(f"no {what} was found at {shown}", hint="give the path of the file") from problem
        except Unreadable as problem:
            raise ConfigUnreadable(
                f"{shown} cannot be read: {problem}", hint="check what it is and who may read it"
            ) from problem
        return cls(path, content, status)

    def text(self) -> str:
        """Return the content as UTF-8 text. Raises ConfigInvalid."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as problem:
            line = self.content.count(b"\n", 0, problem.start) + 1
            broken = f"{printable_place(self.path)}:{line}: a byte is not UTF-8"
        # Raised outside the `except`: the decoder's exception holds the whole content.
        raise ConfigInvalid(broken, hint="save the file as UTF-8")

    def wrong(self, where: str, what: str, hint: str | None = None) -> ConfigInvalid:
        """Return the error for a problem in the file. `where` may contain a foreign name; `what` never contains a value."""
        return ConfigInvalid(f"{printable_place(self.path)}: {printable(where, 160)} {what}", hint=hint)

    def origin(self, where: str, text: str) -> Origin:
        """Return the base URL found at `where`. Raises ConfigInvalid."""
        try:
            return Origin.parse(text)
        except NotAnOrigin as problem:
            hint = (
                f"write `{problem.suggestion}` there"
                if problem.suggestion
                else "it looks like `https://acme.omniapp.co`"
            )
            raise self.wrong(where, str(problem), hint) from None

    def replace(self, content: bytes, mode: int) -> None:
        """Atomically replace the file's content and set its mode. Raises OperationFailed, leaving the file unchanged.

        Other programs that write this file take no lock, so compare its content again as late as possible.
        """
        shown = f"`{printable_place(self.path)}`"
        target = real_path(self.path)
        try:
            if open_regular(self.path, limit=LARGEST)[0] != self.content:
                raise OperationFailed(f"{shown} was changed by another program meanwhile", hint="run the command again")
            if not os.access(target, os.W_OK):
                raise OperationFailed(
                    f"{shown} cannot be written: it is read-only", hint="make it writable, and run it again"
                )
            sweep(target)
            write_atomic(target, content, mode=mode)
        except (OSError, Unreadable) as problem:
            raise OperationFailed(
                f"{shown} cannot be written: {reason(problem)}", hint="fix it, and run it again"
            ) from problem

    def back_up(self, now: datetime, state_folder: str) -> str:
        """Write a copy of the file into the state folder with mode 0600, and return its path. Raises OperationFailed."""
        folder = os.path.join(state_folder, BACKUPS)
        stem = os.path.join(folder, f"{os.path.basename(self.path)}-{now.strftime('%Y%m%dT%H%M%SZ')}")
        names = chain([f"{stem}.bak"], (f"{stem}-{number}.bak" for number in count(2)))
        path = next(name for name in names if not os.path.lexists(name))
        try:
            make_private_folder(folder)
            for entry in os.listdir(folder):
                if entry.startswith(".") and entry.endswith(".tmp"):  # left by a killed writer; holds secrets
                    os.unlink(os.path.join(folder, entry))
            write_atomic(path, self.content, mode=0o600)
        except OSError as problem:
            raise OperationFailed(
                f"no backup can be written to `{printable_place(path)}`: {reason(problem)}",
                hint="nothing was removed from the file; make room or fix its folder, and run it again",
            ) from problem
        return path


@dataclass(frozen=True, slots=True)
class Source:
    """Where profiles are imported from: a foreign file and the profiles in it.

    `without_secrets` returns the file's content without the secrets that have been stored; its argument maps names of found
    profiles to names of ours. The changed file gets `mode`. `problems` say why other profiles cannot be imported, `way_out`
    what to do if there are several. `left` are sentences about secrets that are not imported.
    """

    file: ForeignFile
    found: Sequence[Found]
    without_secrets: Callable[[Mapping[str, str]], bytes]
    mode: int
    way_out: str
    problems: Sequence[Error] = ()
    default: str | None = None
    left: Sequence[str] = ()


def backups(state_folder: str) -> list[str]:
    """Return the backups made by `ForeignFile.back_up`, sorted by name. They hold secrets in plain text."""
    folder = os.path.join(state_folder, BACKUPS)
    with suppress(OSError):
        return sorted(os.path.join(folder, entry) for entry in os.listdir(folder) if entry.endswith(".bak"))
    return []


def together(problems: Sequence[Error], hint: str) -> Error:
    """Combine one or more `problems` into one error that names them all."""
    first = problems[0]
    if len(problems) == 1:
        return type(first)(
            first.message,
            hint=f"{first.hint}{' ' if first.hint.endswith('?') else ', '}or {hint}" if first.hint else hint,
        )
    place = first.message.partition(": ")[0] + ": "
    rest = [problem.message.removeprefix(place) for problem in problems[1:]]
    same = all(type(problem) is type(first) for problem in problems)
    return (type(first) if same else ConfigInvalid)("; ".join([first.message, *rest]), hint=f"correct each, or {hint}")


def change(file: ForeignFile, content: bytes, *, now: datetime, state_folder: str, mode: int = 0o600) -> str:
    """Back up the file, then replace its content; return the backup's path. Raises OperationFailed.

    If the file cannot be changed, the backup is removed: it would only be one more copy of the secrets.
    """
    backup = file.back_up(now, state_folder)
    try:
        file.replace(content, mode)
    except BaseException:
        with suppress(OSError):
            os.unlink(backup)
        raise
    return backup
