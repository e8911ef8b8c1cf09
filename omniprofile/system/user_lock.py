"""The OS user's locks: one folder for all of a user's processes, whatever session, environment or state folder they run in.

Two processes never send the same refresh token, because a refresh takes two locks, in this order: the user's, then one next to
the file that holds the session (for a keyring: next to its index). Holding both, it reads the store again, and saves the
response before it frees them. The lock at the store is found by the folder's real path, so everyone who reaches that store uses
the same file. The user's lock also works when several state folders share one keyring.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from omniprofile.errors import OperationFailed, UnsafePermissions
from omniprofile.system.files import home_in_database, make_private_folder
from omniprofile.system.foreign_access import owner_of
from omniprofile.system.locking import NO_LOCKS, LockFailed, failed, lock

_TEMPORARY = "/tmp"  # noqa: S108 - the folder made there is checked: see `_require_own`
_NO_PLACE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP)) | NO_LOCKS
"""Errors that mean a folder can never hold locks. A full disk or table is not among them."""


class NotOurs(LockFailed):
    """Someone else may control the folder for locks."""


@contextmanager
def user_lock(
    folders: list[str], name: str, timeout: float, *, shared: bool = False, optional: bool = False
) -> Iterator[None]:
    """Hold the OS user's lock `name` during the body, in the first of `folders` that can hold locks (see `user_lock_folders`).

    The order is always the same, so all processes that see the same folders take the same lock. Raises as `lock` does. If no
    folder can hold locks, raises the first folder's LockFailed, unless the lock is `optional` because another lock already
    keeps others out.
    """
    first: LockFailed | None = None
    with ExitStack() as held:
        for folder in folders:
            try:
                _require_own(folder)
                held.enter_context(lock(os.path.join(folder, name), timeout, shared=shared))
                break
            except LockFailed as problem:
                if problem.errno not in _NO_PLACE:
                    raise
                first = first or problem
        else:
            if not optional:
                raise first or LockFailed(errno.ENOENT, "no folder for locks is known", "set `LOCALAPPDATA`")
        yield


@contextmanager
def temporary_locks(folders: list[str]) -> Iterator[None]:
    """Remove the lock files that appear in `folders` during the body: they guard something that exists only during the body.

    Removes each while holding it, so that a waiting process notices and uses a new one. One that is held stays.
    """
    before = _files(folders)
    try:
        yield
    finally:
        for path in _files(folders) - before:
            with suppress(OSError), lock(path, 0):
                os.unlink(path)


def _files(folders: list[str]) -> set[str]:
    return {os.path.join(folder, name) for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)}


@contextmanager
def exclusive(folders: list[str], name: str, timeout: float, busy: str) -> Iterator[None]:
    """Hold a `user_lock` during the body.

    Raises OperationFailed if another process holds it (with the message `busy`) or if it cannot be taken, UnsafePermissions if
    someone else may control its folder.
    """
    with ExitStack() as held:
        try:
            held.enter_context(user_lock(folders, name, timeout))
        except TimeoutError as problem:
            raise OperationFailed(busy, hint="try again when it is done") from problem
        except LockFailed as problem:
            error = UnsafePermissions if isinstance(problem, NotOurs) else OperationFailed
            raise error(str(problem), hint=problem.hint) from problem
        yield


def user_lock_folders(platform: str, environ: Mapping[str, str], uid: int | None) -> list[str]:
    r"""Return the folders that may hold this OS user's locks, best first; all of the user's processes get the same ones.

    POSIX: `.local/state/omniprofile/locks` in the home from the user database, whatever `HOME`, `XDG_*` and the
    login session say; then `/tmp/omniprofile-UID`, for users without a writable home. Windows:
    `%LOCALAPPDATA%\omniprofile\locks`.
    """
    if platform == "win32":
        local = environ.get("LOCALAPPDATA")
        return [os.path.join(local, "omniprofile", "locks")] if local else []
    if uid is None:
        return []
    folders = [os.path.join(_TEMPORARY, f"omniprofile-{uid}")]
    home = home_in_database(uid)
    if home and home != os.sep and owner_of(home) == uid:
        folders.insert(0, os.path.join(home, ".local", "state", "omniprofile", "locks"))
    return folders


def _require_own(folder: str) -> None:
    """Make `folder` if it is missing; raise LockFailed unless only this user controls it.

    Anyone who controls a lock can block its users or let them run at the same time. Uses `lstat`, because `stat` would check a
    link's target.
    """
    try:
        make_private_folder(folder)
        status = os.lstat(folder)
    except OSError as problem:
        raise failed(problem, folder) from problem
    if sys.platform == "win32":
        return
    if stat.S_ISLNK(status.st_mode):
        why = "is a symbolic link"
    elif not stat.S_ISDIR(status.st_mode):
        why = "is not a folder"
    elif status.st_uid != os.geteuid():
        why = "belongs to another user"
    elif status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        why = "can be written by others"
    else:
        return
    raise NotOurs(
        errno.EACCES,
        f"the folder for locks is not safe: `{folder}` {why}",
        "remove it, or have its owner or root remove it",
    )
