"""Replacing the user's profile files: all of them or none, and each atomically.

If a file is a symbolic link, or a chain of them, the links stay and their target is replaced. If a file is read-only, or another
program has just changed it, nothing is written. Mode, owner, group and extended attributes are kept. Hard links are not: the
replacement is a new file.
"""

import os
import stat
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from io import StringIO

from omniprofile.errors import ConfigUnreadable, NotWritten, OperationFailed
from omniprofile.system.atomic_write import discard, put_in_place, stage, sweep
from omniprofile.system.files import (
    BYTE_ORDER_MARK,
    Unreadable,
    make_private_folder,
    open_regular,
    refuse_reserved,
)
from omniprofile.system.foreign_access import real_path
from omniprofile.system.os_errors import reported_as

_NEW_FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file when it was read; None if it does not exist."""

    path: str
    content: bytes | None
    status: os.stat_result | None

    @classmethod
    def read(cls, path: str) -> "Content":
        """Read a file, which may be missing. Raises ConfigUnreadable for anything but a regular file."""
        try:
            return cls(path, *open_regular(path))
        except FileNotFoundError:
            return cls(path, None, None)
        except Unreadable as problem:
            raise problem.as_error(ConfigUnreadable, f"`{path}`") from problem

    @property
    def mark(self) -> bytes:
        """The byte-order mark at the beginning of the file, or empty."""
        return BYTE_ORDER_MARK if (self.content or b"").startswith(BYTE_ORDER_MARK) else b""

    @property
    def text(self) -> str:
        """The content as text, without the mark. Bytes that are not UTF-8 are replaced."""
        return (self.content or b"").removeprefix(self.mark).decode("utf-8", "replace")

    def changed_to(self, text: str) -> "Change":
        """Return the change of the file's content to `text`, keeping its mark."""
        return Change(self, self.mark + text.encode("utf-8"))

    @property
    def other_names(self) -> int:
        """The number of other hard links to the file, which will keep the old content."""
        return self.status.st_nlink - 1 if self.status else 0


@dataclass(frozen=True, slots=True)
class Change:
    """A file's content before and after."""

    before: Content
    after: bytes

    @property
    def path(self) -> str:
        """The file's path, as given."""
        return self.before.path

    @property
    def patch(self) -> str:
        """The change as a unified diff for `patch`. Bytes that are not UTF-8 appear as escapes."""
        return unified_diff(self.path, self.before.content, self.after)


def replace_all(changes: Iterable[Change]) -> None:
    """Write all changes. Steps that can fail come before the first file is replaced.

    Raises NotWritten, with the patch, if a file cannot be written, and OperationFailed if another program changed one.
    """
    changes = list(changes)
    patch = "".join(change.patch for change in changes)
    staged: list[tuple[str, str]] = []

    def writing(path: str) -> AbstractContextManager[None]:
        error = partial(NotWritten, patch=patch)
        return reported_as(error, f"`{path}` cannot be written", "make the change above by hand")

    try:
        for change in changes:
            with writing(change.path):
                staged.append(_staged(change))
        for change in changes:
            _require_unchanged(change.before)
        while staged:
            with writing(staged[0][1]):
                put_in_place(*staged.pop(0))
    finally:
        for temporary, _ in staged:
            discard(temporary)


def _staged(change: Change) -> tuple[str, str]:
    """Write the new content next to its file; return both paths. Raises OSError if it could not replace the file."""
    refuse_reserved(change.path)  # before resolving links, after which the name may look different
    target = real_path(change.path)
    status = change.before.status
    if status is None:
        make_private_folder(os.path.dirname(target))
        return stage(target, change.after, _NEW_FILE_MODE), target
    # A read-only file is meant to stay, although its folder's mode, or root, would allow replacing it.
    if not stat.S_IMODE(status.st_mode) & 0o222 or not os.access(target, os.W_OK):
        raise PermissionError(13, "it is read-only")
    sweep(target)
    return stage(target, change.after, stat.S_IMODE(status.st_mode), like=status), target


def _require_unchanged(before: Content) -> None:
    """Raise OperationFailed if another program has changed the file: the lock excludes other omniprofiles, but not editors."""
    if Content.read(before.path).content != before.content:
        raise OperationFailed.changed_meanwhile(before.path)


def unified_diff(path: str, before: bytes | None, after: bytes) -> str:
    """Return the difference as a unified diff. As in `diff`, only a line feed ends a line."""
    from difflib import unified_diff

    old, new = (list(StringIO((content or b"").decode("utf-8", "backslashreplace"))) for content in (before, after))
    lines = unified_diff(old, new, path if before is not None else "/dev/null", path, lineterm="\n")
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)
