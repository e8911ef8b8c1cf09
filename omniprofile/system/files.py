"""Reading files that others may have prepared, and writing files atomically.

On the fast path: imports only what a bare interpreter has loaded.
"""

import os
import stat
import sys

from omniprofile.system.access import owner_hint

NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Flags to open a file without waiting for a FIFO, and without Windows turning CRLF into LF."""
NO_LINK = NO_WAIT | getattr(os, "O_NOFOLLOW", 0)
"""The same flags for a file that must not be a symbolic link."""
PRIVATE = "" if sys.platform == "win32" else " (mode 0600)"
"""What messages add about a file made by `write_atomic`. On Windows the access list of its folder says who may read it."""
LARGEST = 16 * 1024 * 1024
"""The largest file that omniprofile reads, in bytes; it refuses a larger one before reading it."""
_MAX_PATH = 260
"""How many characters most of Windows accepts in a path, including the final NUL, unless configured otherwise."""
_READERS_SECONDS = 2.0
"""How long replacing a file on Windows waits for other processes to finish reading it."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""The bytes some editors put before UTF-8 text. Not part of the text, but preserved."""


class Unreadable(Exception):
    """A file that cannot be read, for a reason the user can act on. `str()` is the reason, without the path.

    `hint` says what to do if the cause is the file's owner.
    """

    def __init__(self, why: str, hint: "str | None" = None) -> None:
        super().__init__(why)
        self.hint = hint


def read_regular(path: str, limit: int = LARGEST) -> bytes:
    """Return the bytes of a regular file, following symbolic links. Never blocks on a FIFO or device.

    Raises FileNotFoundError if there is no file (or a dangling link), Unreadable in every other case.
    """
    return open_regular(path, limit)[0]


def open_regular(path: str, limit: int = LARGEST) -> tuple[bytes, os.stat_result]:
    """Like `read_regular`, but also return the status of the very file that was read, so that it cannot be swapped in between."""
    try:
        refuse_reserved(path)
        descriptor = os.open(path, os.O_RDONLY | NO_WAIT)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as problem:  # ValueError: a NUL in the path
        raise Unreadable(reason(problem), owner_hint(problem, path)) from problem
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


def write_atomic(path: str, content: bytes, mode: int = 0o600, *, durable: bool = True) -> None:
    """Replace `path` with a file that has `content`. At any moment, even after a kill, `path` is the old file or the new one.

    If `path` is a symbolic link, the link itself is replaced: to edit its target, pass the target. The folder must exist.
    Raises OSError, leaving the old file untouched and no temporary file. Unless `durable`, returns before the content is on the
    disk: a power cut, but nothing else, may then damage the file.
    """
    put_in_place(stage(path, content, mode, durable=durable), path, durable=durable)


def stage(path: str, content: bytes, mode: int, *, like: os.stat_result | None = None, durable: bool = True) -> str:
    """Write `content` to a temporary file next to `path`, ready to replace it, and return its path.

    `like` is the status of the file to be replaced: the new file gets its owner, group and extended attributes (including
    access lists). Raises OSError, also if the owner cannot be kept, and leaves no file.
    """
    refuse_reserved(path)
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.urandom(8).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if like is not None and hasattr(os, "fchown"):
                own = os.fstat(file.fileno())
                if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid):
                    os.fchown(file.fileno(), like.st_uid, like.st_gid)
            else:
                give_to_owner_of_folder(file.fileno(), path)
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
            if like is not None:
                _copy_attributes(path, file.fileno())
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        return temporary
    except BaseException:
        discard(temporary)
        raise


def refuse_reserved(path: str) -> None:
    """Raise OSError if Windows would open something other than a file of this name."""
    if sys.platform == "win32" and (path.startswith("\\\\.\\") or is_reserved(os.path.basename(path))):
        raise OSError(22, "Windows has another use for this name")


def is_reserved(name: str) -> bool:
    """Tell whether Windows gives a file name another meaning, so that it does not name a plain file.

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


def put_in_place(temporary: str, path: str, *, durable: bool = True) -> None:
    """Replace `path` with a file that `stage` made. Raises OSError, after removing the temporary file."""
    try:
        _replace(temporary, path)
    except BaseException:
        discard(temporary)
        raise
    if durable:
        _sync_folder(os.path.dirname(path) or ".")


def _replace(temporary: str, path: str) -> None:
    """Rename `temporary` to `path`. Windows refuses while another process has the file open, so wait for readers there."""
    if sys.platform == "win32":
        from time import monotonic, sleep

        end = monotonic() + _READERS_SECONDS
        while monotonic() < end:
            try:
                os.replace(temporary, path)
                return
            except PermissionError:
                sleep(0.01)
    os.replace(temporary, path)


def discard(temporary: str) -> None:
    """Remove a file made by `stage` that is no longer wanted."""
    from contextlib import suppress

    with suppress(OSError):
        os.unlink(temporary)


def sweep(path: str) -> None:
    """Remove temporary files of killed writers next to `path`: they may hold a secret. The caller must hold the writers' lock."""
    from contextlib import suppress

    folder, name = os.path.split(path)
    with suppress(OSError):  # the write that follows reports what is wrong with the folder
        for entry in os.listdir(folder or "."):
            middle = entry[len(name) + 2 : -4]
            if entry == f".{name}.{middle}.tmp" and len(middle) == 16 and set(middle) <= set("0123456789abcdef"):
                os.unlink(os.path.join(folder, entry))


def _copy_attributes(path: str, descriptor: int) -> None:
    """Copy extended attributes, as far as the user's rights and the file system allow."""
    from contextlib import suppress

    if sys.platform != "linux":
        return
    with suppress(OSError):
        for name in os.listxattr(path):
            with suppress(OSError):
                os.setxattr(descriptor, name, os.getxattr(path, name))


def make_private_folder(path: str) -> None:
    """Make `path` and its missing parents, each with mode 0700 (XDG Base Directory, 'Referencing this specification').

    Root gives each new folder to the owner of the folder that it is in.
    """
    parent = os.path.dirname(path)
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


def _sync_folder(folder: str) -> None:
    # The rename must survive a power cut, not only the content (fsync(2)). Not possible on Windows.
    if sys.platform == "win32":
        return
    from contextlib import suppress

    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


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
