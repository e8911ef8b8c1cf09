"""Locks between processes, with a time limit. DOOR: filelock. The kernel keeps the lock: a killed holder leaves none."""

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic, sleep

from omniprofile.errors import CheckFailed
from omniprofile.system.files import make_private_folder, reason

_POLL_SECONDS = 0.02
_RUNTIME = "/run/user"
_TEMPORARY = "/tmp"  # noqa: S108 - the folder made there is checked: see `_own_folder`


class NotOurs(OSError):
    """The folder for locks could be somebody else's. `str()` says which one and why."""


@contextmanager
def locked(path: str, timeout: float) -> Iterator[None]:
    """Hold the lock file `path` (made with mode 0600 in a private folder, and left there) for the body.

    Raises TimeoutError when another process holds it for longer than `timeout` seconds, OSError when the file cannot be made.
    """
    from filelock import FileLock, Timeout

    folder = os.path.dirname(path)
    make_private_folder(folder)
    if not os.path.isdir(folder):  # filelock would say that the file exists
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
    lock = FileLock(path, mode=0o600, timeout=timeout, poll_interval=_POLL_SECONDS, thread_local=False)
    try:
        lock.acquire()
    except Timeout as problem:
        raise TimeoutError(f"`{path}` is held by another process for more than {timeout:g} s") from problem
    try:
        yield
    finally:
        with suppress(OSError):  # the kernel frees it with the process at the latest; what was done under it is done
            lock.release()


@contextmanager
def alone(path: str, timeout: float, *, busy: str) -> Iterator[None]:
    """Hold the lock file `path`, as `locked`, for work of the user's. Raises CheckFailed: `busy` says who does it already."""
    with ExitStack() as held:
        try:
            held.enter_context(locked(path, timeout))
        except TimeoutError as problem:
            raise CheckFailed(busy, hint="try again when it is done") from problem
        except OSError as problem:
            raise CheckFailed(
                f"the lock `{path}` cannot be taken: {reason(problem)}", hint="fix or remove it"
            ) from problem
        yield


@contextmanager
def locked_shared(path: str, timeout: float) -> Iterator[None]:
    """Hold the lock file `path` together with others who hold it so, and with nobody who holds it by `locked`.

    It is the same flock(2) that filelock takes, without the cost of importing that. On Windows, where there is no such
    lock, it is `locked`. Raises what `locked` raises.
    """
    if os.name != "posix":
        with locked(path, timeout):
            yield
        return
    import fcntl

    make_private_folder(os.path.dirname(path))
    end = monotonic() + timeout
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                break
            except BlockingIOError as problem:
                if monotonic() >= end:
                    raise TimeoutError(f"`{path}` is held by another process for more than {timeout:g} s") from problem
                sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)  # which also frees the lock


def user_lock_folder(
    platform: str, environ: Mapping[str, str], uid: int | None, *, runtime: str = _RUNTIME, temporary: str = _TEMPORARY
) -> str:
    r"""The folder for locks that all processes of one OS user share, whatever `HOME` and `XDG_*` say in each of them.

    POSIX: `/run/user/UID/omniprofile` where systemd made `/run/user/UID` for this user, else `/tmp/omniprofile-UID`, made
    with mode 0700. Windows: `%LOCALAPPDATA%\omniprofile\locks`. Raises OSError, whose text says why; NotOurs when the
    folder could be somebody else's: whoever controls a lock can stop or interleave its users.
    """
    if platform == "win32":
        local = environ.get("LOCALAPPDATA")
        if not local:
            raise OSError("`LOCALAPPDATA` is not set")
        return os.path.join(local, "omniprofile", "locks")
    if uid is None:
        raise OSError("this process's user is not known")
    session = os.path.join(runtime, str(uid))
    if _is_private(session, uid):
        return os.path.join(session, "omniprofile")
    return _own_folder(os.path.join(temporary, f"omniprofile-{uid}"), uid)


def _is_private(path: str, uid: int) -> bool:
    try:
        return _objection(path, uid) is None
    except OSError:
        return False


def _own_folder(path: str, uid: int) -> str:
    make_private_folder(path)
    if objection := _objection(path, uid):
        raise NotOurs(f"`{path}` {objection}")
    return path


def _objection(path: str, uid: int) -> str | None:
    """Why `path` is not a folder that `uid` alone controls. `lstat`: a link would say something about its target."""
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(status.st_mode):
        return "is not a folder"
    if status.st_uid != uid:
        return "belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "can be written by others"
    return None
