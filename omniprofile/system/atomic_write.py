"""Writing a file so that, at any moment, it is the old one or the new one."""

import os
import sys
from contextlib import suppress
from time import monotonic, sleep

from omniprofile.system.files import NO_LINK, give_to_owner_of_folder, refuse_reserved

PRIVATE = "" if sys.platform == "win32" else " (mode 0600)"
"""What messages add about a file made by `write_atomic`. On Windows the access list of its folder says who may read it."""
_READERS_SECONDS = 2.0
"""How long replacing a file on Windows waits for other processes to finish reading it."""


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


def put_in_place(temporary: str, path: str, *, durable: bool = True) -> None:
    """Replace `path` with a file that `stage` made. Raises OSError, after removing the temporary file.

    Windows refuses while another process has the file open, so wait for readers there.
    """
    end = monotonic() + (_READERS_SECONDS if sys.platform == "win32" else 0)
    try:
        while True:
            try:
                os.replace(temporary, path)
                break
            except PermissionError:
                if monotonic() >= end:
                    raise
                sleep(0.01)
    except BaseException:
        discard(temporary)
        raise
    # The rename must survive a power cut, not only the content (fsync(2)). Not possible on Windows.
    if durable and sys.platform != "win32":
        with suppress(OSError):
            folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def discard(temporary: str) -> None:
    """Remove a file that `stage` made."""
    with suppress(OSError):
        os.unlink(temporary)


def sweep(path: str) -> None:
    """Remove temporary files of killed writers next to `path`: they may hold a secret. The caller must hold the writers' lock."""
    folder, name = os.path.split(path)
    with suppress(OSError):  # the write that follows reports what is wrong with the folder
        for entry in os.listdir(folder or "."):
            middle = entry[len(name) + 2 : -4]
            if entry == f".{name}.{middle}.tmp" and len(middle) == 16 and set(middle) <= set("0123456789abcdef"):
                os.unlink(os.path.join(folder, entry))


def _copy_attributes(path: str, descriptor: int) -> None:
    """Copy extended attributes, as far as the user's rights and the file system allow."""
    if sys.platform != "linux":
        return
    with suppress(OSError):
        for name in os.listxattr(path):
            with suppress(OSError):
                os.setxattr(descriptor, name, os.getxattr(path, name))
