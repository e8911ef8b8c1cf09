"""Locks between processes, with a time limit. The kernel keeps them: a killed holder leaves none.

Why no two processes send one refresh token: whoever refreshes holds two locks at once, in this order: one of the OS user's
(`user_lock`), and one beside the file that the session is stored in (for a keyring: beside its index). After both are
held, the store is read again; the answer is stored before they are freed. The one beside the store is found by the
folder's real place, so it is the same file for everybody who comes to that store by whatever path, session, environment or
mount. The user's own lies in the home that the user database has, which no login session and no variable changes, so it
also holds where one keyring is used with several state folders. A lock file is never removed by us; where somebody else
removes or replaces it, a waiter notices and takes the new one. A file system without locks is an error, never a lock less.
What this cannot cover is in the manual, under "Locks".
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
"""The errors that show that a folder cannot hold locks, now or later, as a full disk or table does not."""


class LockFailed(OSError):
    """The lock cannot be taken, whoever holds it. `str()` says why and names the file, `hint` says what to do."""

    def __init__(self, number: int | None, why: str, hint: str) -> None:
        super().__init__(number, why)
        self.hint = hint

    def __str__(self) -> str:
        return str(self.strerror)


class NotOurs(LockFailed):
    """The folder for locks could be somebody else's."""


@contextmanager
def lock(path: str, timeout: float, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock file `path` for the body; it is made with mode 0600, its folder with 0700, and left there.

    With `shared`, together with others who hold it so (on Windows alone all the same). Raises TimeoutError when other
    processes hold it for longer than `timeout` seconds, LockFailed when it cannot be taken at all.
    """
    descriptor, process = _acquire(path, timeout, shared=shared), os.getpid()
    try:
        yield
    finally:
        # Closing alone would leave the lock to a child that another thread forked meanwhile, for as long as that child lives,
        # since both have the same open file (flock(2)). Such a child itself frees nothing.
        if sys.platform != "win32" and os.getpid() == process:
            import fcntl

            with suppress(OSError):  # closing frees it as well; what was done under it is done
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


@contextmanager
def user_lock(
    folders: list[str], name: str, timeout: float, *, shared: bool = False, optional: bool = False
) -> Iterator[None]:
    """Hold the lock `name` of this OS user for the body, in the first of the `user_lock_folders` that can have locks.

    A folder that cannot is never tried again in another order, so all processes that see the same folders take the same
    lock. Raises as `lock` does; LockFailed is the first folder's, and not raised where the lock is `optional`, because
    another one keeps all others out.
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
    """Hold a `user_lock` for work of the user's. Raises OperationFailed: `busy` says who does it already; UnsafePermissions."""
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
    r"""Return the folders that may have the locks of this OS user, best first; the same ones in all of the user's processes.

    POSIX: `.local/state/omniprofile/locks` in the home that the user database has (`home_of`), whatever `HOME` and `XDG_*`
    say and whoever is logged in; then `/tmp/omniprofile-UID`, for users without a home that they can write. Windows:
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
    """Make `folder` if need be; raise LockFailed unless this user alone controls it.

    `lstat`: a link would say something about its target. Whoever controls a lock can stop or interleave its users.
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
    """Return a descriptor of the lock file, which holds the lock until it is closed. Raises as `lock` does."""
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
        os.close(descriptor)  # somebody removed or replaced it while we waited: the next one to come would take another
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
            descriptor = os.open(path, flags & ~os.O_RDWR | os.O_RDONLY)  # what is there can be locked all the same
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
    """Try to take the lock; tell whether it is ours. Raises LockFailed where there are no locks."""
    try:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        else:
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError as problem:
        # Wine's C library gives no number (0) for a lock that is held.
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
