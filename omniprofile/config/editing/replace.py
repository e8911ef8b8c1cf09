"""Putting new contents into the user's own profile files: all of them or none, and each old or new, never half.

A file may be a symbolic link, or a chain of them (then the links stay, and what they point to is replaced), read-only (then
nothing is written), or be changed by somebody else just now (then neither). Mode, owner, group and extended attributes stay.
What cannot stay is a hard link: a file that takes another's place is another file.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO

from omniprofile.errors import ConfigUnreadable, NotWritten, OperationFailed
from omniprofile.system.access import real_path
from omniprofile.system.files import (
    BYTE_ORDER_MARK,
    Unreadable,
    discard,
    make_private_folder,
    open_regular,
    put_in_place,
    reason,
    refuse_reserved,
    stage,
    sweep,
)

_NEW_FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Content:
    """What a file held when it was read; None for one that is not there."""

    path: str
    content: bytes | None
    status: os.stat_result | None

    @classmethod
    def read(cls, path: str) -> "Content":
        """Read a file. Raises ConfigUnreadable for anything but a regular file or none."""
        try:
            return cls(path, *open_regular(path))
        except FileNotFoundError:
            return cls(path, None, None)
        except Unreadable as problem:
            raise ConfigUnreadable(f"`{path}` cannot be read: {problem}") from problem

    @property
    def mark(self) -> bytes:
        """The byte-order mark that the file begins with; empty for none."""
        return BYTE_ORDER_MARK if (self.content or b"").startswith(BYTE_ORDER_MARK) else b""

    @property
    def text(self) -> str:
        """The content as text, without the mark; what is not UTF-8 is replaced."""
        return (self.content or b"").removeprefix(self.mark).decode("utf-8", "replace")

    def changed_to(self, text: str) -> "Change":
        """Return the change of the file to `text`, behind the mark that it has."""
        return Change(self, self.mark + text.encode("utf-8"))

    @property
    def other_names(self) -> int:
        """How many hard links the file has beside this one; they go on naming the old content."""
        return self.status.st_nlink - 1 if self.status else 0


@dataclass(frozen=True, slots=True)
class Change:
    """A file's content as it was read, and as it is to be."""

    before: Content
    after: bytes

    @property
    def path(self) -> str:
        """The file, as it was named."""
        return self.before.path

    @property
    def patch(self) -> str:
        """The change as a unified diff, as `patch` takes it. What is not UTF-8 shows as escapes."""
        return unified_diff(self.path, self.before.content, self.after)


def replace_all(changes: Iterable[Change]) -> None:
    """Write all changes. What can fail is done before the first file is replaced.

    Raises NotWritten, with the patch, when a file cannot be written; OperationFailed when one was changed meanwhile.
    """
    changes = list(changes)
    patch = "".join(change.patch for change in changes)
    staged: list[tuple[str, str]] = []
    at = changes[0].path if changes else ""
    try:
        for change in changes:
            at = change.path
            staged.append(_staged(change))
        for change in changes:
            _require_unchanged(change.before)
        while staged:
            at = staged[0][1]
            put_in_place(*staged.pop(0))
    except OSError as problem:
        raise NotWritten(
            f"`{at}` cannot be written: {reason(problem)}", hint="make the change above by hand", patch=patch
        ) from problem
    finally:
        for temporary, _ in staged:
            discard(temporary)


def _staged(change: Change) -> tuple[str, str]:
    """Return the new content beside the file that it is for, and that file. Raises OSError where it could not take its place."""
    refuse_reserved(change.path)  # whose real path may not look like it any more
    target = real_path(change.path)
    status = change.before.status
    if status is None:
        make_private_folder(os.path.dirname(target))
        return stage(target, change.after, _NEW_FILE_MODE), target
    # A file that nobody may write is meant to stay as it is, though its folder would let one replace it, and root anything.
    if not stat.S_IMODE(status.st_mode) & 0o222 or not os.access(target, os.W_OK):
        raise PermissionError(13, "it is read-only")
    sweep(target)
    return stage(target, change.after, stat.S_IMODE(status.st_mode), like=status), target


def _require_unchanged(before: Content) -> None:
    """Raise OperationFailed where another program has changed the file: a lock keeps other omniprofiles out, not editors."""
    if Content.read(before.path).content != before.content:
        raise OperationFailed(
            f"`{before.path}` was changed by another program meanwhile",
            hint="nothing was written; run the command again",
        )


def unified_diff(path: str, before: bytes | None, after: bytes) -> str:
    """Return the difference as a unified diff. As to `diff`, a line ends in a line feed, and in nothing else."""
    from difflib import unified_diff

    old, new = (list(StringIO((content or b"").decode("utf-8", "backslashreplace"))) for content in (before, after))
    lines = unified_diff(old, new, path if before is not None else "/dev/null", path, lineterm="\n")
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)
