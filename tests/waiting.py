"""Waiting for what another process or thread does, on a machine as slow as it may be.

No test asks how long something takes: a loaded machine stops any process for seconds. What must happen is waited for; what must
not be waited for takes for ever, so that only a test that fails runs into `PATIENCE`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def without_waiting() -> Iterator[None]:
    """Fail if the block waits for something that takes for ever."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < PATIENCE
