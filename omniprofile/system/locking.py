"""A lock file that one process holds at a time, with a time limit. The kernel frees it when its holder is killed.

We never remove a lock file; if someone else removes or replaces it, a waiter notices and takes the new one. A file system
without locks is an error; we never carry on without a lock. The manual, under "Locks", says what this cannot cover.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

from omniprofile.model.shell_words import removal
from omniprofile.system.files import NO_LINK, give_to_owner_of_folder, make_private_folder, reason
from omniprofile.system.foreign_access import owner_hint

_POLL_SECONDS = 0.02
NO_LOCKS = frozenset((errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL, errno.EBADF))


class LockFailed(OSError):
    """The lock cannot be taken, even if nobody holds it. `str()` says why and names the file; `hint` says what to do."""

    def __init__(self, number: int | None, why: str, hint: str) -> None:
        super().__init__(number, why)
        self.hint = hint

    def __str__(self) -> str:
        return str(self.strerror)


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
        _close(descriptor)


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
            _close(descriptor)
            raise
        _close(descriptor)  # removed or replaced while we waited: the next process would lock the new file
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
        status = os.fstat(descriptor)
    except OSError as problem:
        raise failed(problem, path) from problem
    why = None
    if not stat.S_ISREG(status.st_mode):
        why = "it is not a regular file"
    elif sys.platform != "win32" and os.geteuid() != 0 and status.st_uid not in (0, os.geteuid()):
        why = "it belongs to another user"
    if why:
        _close(descriptor)
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
        raise failed(problem, path) from problem
    return True


def _close(descriptor: int) -> None:
    with suppress(OSError):  # a file system that has died under us; the descriptor is closed all the same
        os.close(descriptor)


def _is_still(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except OSError:
        return False


def failed(problem: OSError, path: str) -> LockFailed:
    """Return the error for a lock that cannot be taken at `path`."""
    if problem.errno in NO_LOCKS:
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
