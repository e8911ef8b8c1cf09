"""Locks between processes, with a time limit. The kernel holds them: when a holder is killed, its lock is free.

Two processes never send the same refresh token, because a refresh takes two locks, in this order: the OS user's (`user_lock`),
then one next to the file that holds the session (for a keyring: next to its index). Holding both, it reads the store again, and
saves the response before it frees them. The lock at the store is found by the folder's real path, so everyone who reaches that
store, by whatever path, session, environment or mount, uses the same file. The user's lock is in the home from the user
database, which no login session or variable changes, so it also works when several state folders share one keyring. We never
remove a lock file; if someone else removes or replaces it, a waiter notices and takes the new one. A file system without locks
is an error; we never carry on without a lock. The manual, under "Locks", says what this cannot cover.
"""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic, sleep

from omniprofile.errors import OperationFailed, UnsafePermissions
from omniprofile.model.names import removal
from omniprofile.system.access import owner_hint, owner_of
from omniprofile.system.files import NO_LINK, give_to_owner_of_folder, home_in_database, make_private_folder, reason

_POLL_SECONDS = 0.02
_TEMPORARY = "/tmp"  # noqa: S108 - the folder made there is checked: see `_require_own`
_NO_LOCKS = frozenset((errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL, errno.EBADF))
_NO_PLACE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP)) | _NO_LOCKS
"""Errors that mean a folder can never hold locks. A full disk or table is not among them."""


class LockFailed(OSError):
    """The lock cannot be taken, even if nobody holds it. `str()` says why and names the file; `hint` says what to do."""

    def __init__(self, number: int | None, why: str, hint: str) -> None:
        super().__init__(number, why)
        self.hint = hint

    def __str__(self) -> str:
        return str(self.strerror)


class NotOurs(LockFailed):
    """Someone else may control the folder for locks."""


@contextmanager
def lock(path: str, timeout: float, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock file `path` during the body. Creates the file with mode 0600 and its folder with 0700, and leaves them there.

    With `shared`, other processes may hold the lock at the same time if they use `shared` too; on Windows the lock is always
    exclusive. Raises TimeoutError if other processes hold it for longer than `timeout` seconds, LockFailed if it cannot be
    taken at all.
    """
    descriptor, process = _acquire(path, timeout, shared=shared), os.getpid()
    try:
        yield
    finally:
        # Unlock explicitly: if another thread has forked, the child shares the open file, so closing ours would leave the lock
        # held for as long as the child lives (flock(2)). The child itself must unlock nothing.
        if sys.platform != "win32" and os.getpid() == process:
            import fcntl

            with suppress(OSError):  # closing frees it too, and the work under it is done
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


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


def user_lock_folders(
    platform: str,
    environ: Mapping[str, str],
    uid: int | None,
    *,
    home_of: Callable[[int], str | None] | None = None,
    temporary: str = _TEMPORARY,
) -> list[str]:
    r"""Return the folders that may hold this OS user's locks, best first; all of the user's processes get the same ones.

    POSIX: `.local/state/omniprofile/locks` in the home from the user database (`home_of`), whatever `HOME`, `XDG_*` and the
    login session say; then `/tmp/omniprofile-UID`, for users without a writable home. Windows:
    `%LOCALAPPDATA%\omniprofile\locks`.
    """
    if platform == "win32":
        local = environ.get("LOCALAPPDATA")
        return [os.path.join(local, "omniprofile", "locks")] if local else []
    if uid is None:
        return []
    folders = [os.path.join(temporary, f"omniprofile-{uid}")]
    home = (home_of or home_in_database)(uid)
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
        raise _failed(problem, folder) from problem
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


def _acquire(path: str, timeout: float, *, shared: bool) -> int:
    """Return a descriptor of the lock file, holding the lock until it is closed. Raises as `lock` does."""
    end = monotonic() + timeout
    while True:
        descriptor = _open(path)
        try:
            while not _try(descriptor, path, shared=shared):
                if monotonic() >= end:
                    raise TimeoutError(f"`{path}` has been held by another process for more than {timeout:g} s")  # noqa: TRY301
                sleep(_POLL_SECONDS)
            if _is_still(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # removed or replaced while we waited: the next process would lock the new file
        if monotonic() >= end:
            raise LockFailed(None, f"`{path}` is removed by another program again and again", "stop that program")


def _open(path: str) -> int:
    flags = os.O_RDWR | NO_LINK
    try:
        make_private_folder(os.path.dirname(path))
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            descriptor = os.open(path, flags | os.O_CREAT, 0o600)
            give_to_owner_of_folder(descriptor, path)
        except OSError as problem:
            if problem.errno != errno.EROFS:
                raise
            descriptor = os.open(path, flags & ~os.O_RDWR | os.O_RDONLY)  # flock needs no write access
    except OSError as problem:
        raise _failed(problem, path) from problem
    status = os.fstat(descriptor)
    why = None
    if not stat.S_ISREG(status.st_mode):
        why = "it is not a regular file"
    elif sys.platform != "win32" and os.geteuid() != 0 and status.st_uid not in (0, os.geteuid()):
        why = "it belongs to another user"
    if why:
        os.close(descriptor)
        raise LockFailed(errno.EACCES, f"the lock `{path}` cannot be used: {why}", f"remove it: `{removal(path)}`")
    return descriptor


def _try(descriptor: int, path: str, *, shared: bool) -> bool:
    """Try to take the lock, and tell whether that worked. Raises LockFailed if the file cannot be locked."""
    try:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        else:
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError as problem:
        # Wine's C library reports error 0 for a lock that is held.
        if problem.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK, 0):
            return False
        raise _failed(problem, path) from problem
    return True


def _is_still(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except OSError:
        return False


def _failed(problem: OSError, path: str) -> LockFailed:
    if problem.errno in _NO_LOCKS:
        return LockFailed(
            problem.errno,
            f"the file system of `{path}` has no locks ({reason(problem)})",
            "mount it with locks, or set `OMNIPROFILE_STATE_DIR` to a folder on a local disk",
        )
    hint = owner_hint(problem, path)
    if (
        hint is None
        and problem.errno in (errno.EISDIR, errno.ELOOP, errno.EACCES, errno.EPERM)
        and os.path.lexists(path)
    ):
        hint = f"remove it: `{removal(path)}`"
    place = problem.filename or path
    return LockFailed(
        problem.errno,
        f"the lock `{path}` cannot be taken: {reason(problem)}",
        hint or f"make `{os.path.dirname(os.fspath(place))}` a folder that you can write",
    )
