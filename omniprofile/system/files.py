"""Reading files that others may have prepared, and making folders that are private. Writing is `atomic_write`.

On the fast path: imports only what a bare interpreter has loaded.
"""

import os
import stat
import sys
from time import monotonic, sleep

from omniprofile.system.foreign_access import owner_hint, refuse_foreign, steps_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from omniprofile.errors import Error

NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Flags to open a file without waiting for a FIFO, and without Windows turning CRLF into LF."""
NO_LINK = NO_WAIT | getattr(os, "O_NOFOLLOW", 0)
"""The same flags for a file that must not be a symbolic link."""
LARGEST = 16 * 1024 * 1024
"""The largest file that omniprofile reads, in bytes; it refuses a larger one before reading it."""
_WRITERS_SECONDS = 1.0
"""How long opening a file on Windows waits for another process to finish replacing it."""
_MAX_PATH = 260
"""How many characters most of Windows accepts in a path, including the final NUL, unless configured otherwise."""
NO_HOME = "nonexistent"
"""The name, under the root folder, of the home of a user without one, as in Debian's user database. It is never made."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""The bytes some editors put before UTF-8 text. Not part of the text, but preserved."""


class Unreadable(Exception):
    """A file that cannot be read, for a reason the user can act on. `str()` is the reason, without the path.

    `hint` says what to do if the cause is the file's path or owner.
    """

    def __init__(self, why: str, hint: "str | None" = None) -> None:
        super().__init__(why)
        self.hint = hint

    def as_error(self, error: "Callable[..., Error]", what: str, hint: "str | None" = None) -> "Error":
        """Return `error`, which says that `what` cannot be read, with this problem's own hint, or else `hint`."""
        return error(f"{what} cannot be read: {self}", hint=self.hint or hint)


def read_regular(path: str, limit: int = LARGEST) -> bytes:
    """Return the bytes of a regular file, following symbolic links. Never blocks on a FIFO or device.

    Raises FileNotFoundError if there is no file (or a dangling link), Unreadable in every other case.
    """
    return open_regular(path, limit)[0]


def read_own(path: str, home: str, risk: str, limit: int = LARGEST) -> bytes:
    """Read a file as `read_regular` does, if nobody else can decide what it holds, and so `risk` (see `refuse_foreign`).

    Raises UnsafePermissions otherwise, whatever it holds. `home` is the user's home: permissions are not checked above it.
    """
    content = read_regular(path, limit)
    refuse_foreign(path, home, risk)
    return content


def open_regular(path: str, limit: int = LARGEST) -> tuple[bytes, os.stat_result]:
    """Like `read_regular`, but also return the status of the very file that was read, so that it cannot be swapped in between."""
    try:
        refuse_reserved(path)
        descriptor = _opened(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as problem:  # ValueError: a NUL in the path
        raise Unreadable(reason(problem), _hint(problem, path)) from problem
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"it is {_kind(status.st_mode)}, not a regular file")
        parts, size = [], status.st_size
        while size <= limit and (part := os.read(descriptor, 1024 * 1024)):
            parts.append(part)
            size = max(size, sum(map(len, parts)))
        if size > limit:
            raise Unreadable(f"it is larger than {limit // 1024} KiB")
        return b"".join(parts), status
    except OSError as problem:
        raise Unreadable(reason(problem)) from problem
    finally:
        os.close(descriptor)


def _opened(path: str) -> int:
    """Open a file for reading. Windows refuses while another process replaces it (`atomic_write`), so wait for that there."""
    end = monotonic() + (_WRITERS_SECONDS if sys.platform == "win32" else 0)
    while True:
        try:
            return os.open(path, os.O_RDONLY | NO_WAIT)
        except PermissionError:
            if monotonic() >= end or os.path.isdir(path):
                raise
            sleep(0.01)


def _hint(problem: BaseException, path: str) -> "str | None":
    """Return what to do about a file that cannot be opened, if its path or owner is the cause.

    What is in a folder's place is not to be removed: it may be `/dev/null`.
    """
    if isinstance(problem, NotADirectoryError):
        from omniprofile.model.names import printable_place

        return f"choose another place: `{printable_place(steps_to(path)[-1][0])}` is not a folder"
    return owner_hint(problem, path)


def refuse_reserved(path: str) -> None:
    """Raise OSError if Windows would open something other than a file of this name."""
    if sys.platform == "win32" and (path.startswith("\\\\.\\") or is_reserved(os.path.basename(path))):
        raise OSError(22, "this name is reserved on Windows")


def is_reserved(name: str) -> bool:
    """Return whether Windows gives a file name another meaning, so that it does not name a plain file.

    Such names are devices (`NUL`, `con.txt`), streams of another file (`a:b`), patterns, and names that end in a dot or blank,
    which Windows drops. Source: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
    """
    device = name.partition(".")[0].rstrip(" ").upper()
    numbered = device[:3] in ("COM", "LPT") and len(device) == 4 and device[3] in "123456789\u00b9\u00b2\u00b3"
    return (
        numbered
        or device in ("CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$")
        or name[-1:] in (".", " ")
        or any(char in '<>:"|?*' or char < " " for char in name)
    )


def upward(folder: str) -> "Iterator[str]":
    """Yield `folder` and the folders above it, nearest first."""
    yield folder
    while (above := os.path.dirname(folder)) != folder:
        folder = above
        yield folder


def make_private_folder(path: str) -> None:
    """Make `path` and its missing parents, each with mode 0700 (XDG Base Directory, 'Referencing this specification').

    Root gives each new folder to the owner of the folder that it is in. Raises OSError, also for a folder in no home (`NO_HOME`):
    once it is there, it is in the way of every other user without one.
    """
    parent = os.path.dirname(path)
    if os.path.basename(path) == NO_HOME and os.path.isabs(path) and parent == os.path.dirname(parent):
        raise FileNotFoundError(2, "there is no home folder", path)
    if parent and parent != path and not os.path.isdir(parent):
        make_private_folder(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    if sys.platform != "win32" and os.geteuid() == 0:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            give_to_owner_of_folder(descriptor, path)
        finally:
            os.close(descriptor)


def is_in_missing_home(path: str, home: str) -> bool:
    """Whether `path` is in a home that does not exist: writing a log or cache must not create a home."""
    return path.startswith(os.path.join(home, "")) and not os.path.isdir(home)


def give_to_owner_of_folder(descriptor: int, path: str) -> None:
    """Give a file or folder that root has just made at `path` to the owner of the folder that it is in (`sudo -E`).

    Does nothing unless run by root. Raises OSError.
    """
    if sys.platform != "win32" and os.geteuid() == 0:
        folder = os.stat(os.path.dirname(path) or ".")
        if folder.st_uid != 0:
            os.fchown(descriptor, folder.st_uid, folder.st_gid)


def reason(problem: BaseException) -> str:
    """Return an operating-system error as a few lower-case words, without the path."""
    text = getattr(problem, "strerror", None) or str(problem)
    path = getattr(problem, "filename", None)
    if sys.platform == "win32" and isinstance(path, str) and len(os.path.abspath(path)) >= _MAX_PATH:
        text += f" (a path of {_MAX_PATH} characters or more needs `LongPathsEnabled` in the registry)"
    return text[:1].lower() + text[1:]


def _kind(mode: int) -> str:
    return "a folder" if stat.S_ISDIR(mode) else "a FIFO" if stat.S_ISFIFO(mode) else "a device or socket"


def path_module(platform: str) -> "ModuleType":
    """Return the variant of `os.path` for a platform, a value of `sys.platform`."""
    if platform == "win32":
        import ntpath

        return ntpath
    import posixpath

    return posixpath


def user_id() -> int | None:
    """Return the id of the user that this process runs as; None on Windows."""
    if sys.platform == "win32":
        return None
    return os.getuid()


def home_in_database(uid: int | None) -> str | None:
    """Return a user's home folder from the user database; None if the database does not know the user."""
    if uid is None or sys.platform == "win32":
        return None
    import pwd

    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return None
