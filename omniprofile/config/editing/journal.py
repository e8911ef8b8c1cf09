"""The journal of `rename` and `remove`, in case they are killed between the profile files, the secret store and the state.

It is the file `unfinished.json` in the state folder, which exists while such a command runs, and afterwards if it was killed:

    {"version": 1, "operation": "rename", "name": "old", "new": "new", "config": "/…/profiles.toml", "since": "2026-…Z"}

`operation` is `rename` or `remove` (then `new` is null), `config` the main profile file of the call, `since` RFC 3339 in
UTC. It contains no secrets. A command that finds it, such as `doctor`, shows `command`, which continues where it stopped.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from typing import Any

from omniprofile.errors import ConfigUnreadable, OperationFailed
from omniprofile.model.names import printable
from omniprofile.model.shell_words import quoted_word
from omniprofile.system.atomic_write import sweep, write_atomic
from omniprofile.system.files import Unreadable, make_private_folder, read_own
from omniprofile.system.foreign_access import real_path
from omniprofile.system.os_errors import reported_as

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A rename or removal that is in progress, or was interrupted."""

    operation: str
    name: str
    new: str | None
    config: str
    since: str

    @property
    def command(self) -> str:
        """The command line that finishes it."""
        config = printable(self.config, 4096)
        words = ["omniprofile", "--config", config, self.operation, self.name, *([self.new] if self.new else [])]
        return " ".join(map(quoted_word, words))

    def is_same(self, other: "Unfinished") -> bool:
        """Whether it is the same command."""
        mine, theirs = ((u.operation, u.name, u.new, real_path(u.config)) for u in (self, other))
        return mine == theirs

    def __str__(self) -> str:
        what = f"the renaming of `{self.name}` to `{self.new}`" if self.new else f"the removal of `{self.name}`"
        return f"{what} was interrupted ({self.since})"


class Journal:
    """The journal in the state folder `folder`. Use it under the lock that `App.editing` holds. `home` is the user's home."""

    def __init__(self, folder: str, home: str = "") -> None:
        self._folder = folder
        self._home = home
        self.path = os.path.join(folder, "unfinished.json")

    def read(self) -> Unfinished | None:
        """Return the interrupted rename or removal, or None.

        Raises ConfigUnreadable for an unreadable or damaged file, UnsafePermissions for one that others may write or replace.
        """
        try:
            return _parsed(json.loads(read_own(self.path, self._home, "name a command for you to run", 64 * 1024)))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (Unreadable, ValueError, KeyError, TypeError, RecursionError) as problem:
            damaged = Unreadable("it does not say what was interrupted")
            why = problem if isinstance(problem, Unreadable) else damaged
            raise why.as_error(ConfigUnreadable, f"`{self.path}`", "look at it, then remove it") from problem

    def begin(self, work: Unfinished) -> None:
        """Record work before it begins. Raises OperationFailed, and then the work must not begin."""
        data = {"version": _VERSION, **asdict(work)}
        hint = "nothing was changed; make room or fix the folder"
        with reported_as(OperationFailed, f"`{self.path}` cannot be written", hint):
            make_private_folder(self._folder)
            sweep(self.path)
            write_atomic(self.path, json.dumps(data).encode() + b"\n")

    def end(self) -> None:
        """Remove the record after the work is done. Raises OperationFailed."""
        with reported_as(OperationFailed, f"`{self.path}` cannot be removed", "remove it"), suppress(FileNotFoundError):
            os.unlink(self.path)


def _parsed(data: Any) -> Unfinished:
    """Parse what `begin` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    work = Unfinished(**{field.name: data[field.name] for field in fields(Unfinished)})
    if data["version"] != _VERSION or work.operation != ("remove" if work.new is None else "rename"):
        raise ValueError("it is another version's, or damaged")
    words: list[object] = [work.name, work.since, *([] if work.new is None else [work.new])]
    if not all(isinstance(word, str) and word.isprintable() for word in words) or b"\0" in os.fsencode(work.config):
        raise ValueError("it is damaged")
    return work
