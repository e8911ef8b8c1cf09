"""Waiting for what another process or thread does, on a machine as slow as it may be.

No test asks how long something takes: a loaded machine stops any process for seconds. What must happen is waited for; what must
not be waited for takes for ever, so that only a test that fails runs into `PATIENCE`.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

PATIENCE = 120.0
"""Seconds after which a test gives up."""
FOR_EVER = 600.0
"""Seconds that what hangs takes."""

T = TypeVar("T")


def wait_until(happened: Callable[[], T], instead: Callable[[], str] = lambda: "it did not happen") -> T:
    """Return what `happened` returns, once that is true. Fails after `PATIENCE`, saying what there is `instead`."""
    end = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < end, instead()
        time.sleep(0.01)
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended. It may end, and be gone, at any moment of the question."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def has_open(pid: int, path: str) -> bool:
    """Whether a process has a file open, as one that waits for its lock has."""
    with suppress(OSError):  # the process, or one of its files, may be gone meanwhile
        return any(os.path.samefile(entry, path) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.exists())
    return False


@contextmanager
def without_waiting() -> Iterator[None]:
    """Fail if the block waits for something that takes for ever."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < PATIENCE
