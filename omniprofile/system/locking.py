"""Locks between processes, with a time limit. DOOR: filelock. The kernel keeps the lock: a killed holder leaves none."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from omniprofile.system.files import make_private_folder


@contextmanager
def locked(path: str, timeout: float) -> Iterator[None]:
    """Hold the lock file `path` (made with mode 0600 in a private folder, and left there) for the body.

    Raises TimeoutError when another process holds it for longer than `timeout` seconds, OSError when the file cannot be made.
    """
    from filelock import FileLock, Timeout

    make_private_folder(os.path.dirname(path))
    lock = FileLock(path, mode=0o600, timeout=timeout, poll_interval=0.02, thread_local=False)
    try:
        lock.acquire()
    except Timeout as problem:
        raise TimeoutError(f"`{path}` is held by another process for more than {timeout:g} s") from problem
    try:
        yield
    finally:
        lock.release()
