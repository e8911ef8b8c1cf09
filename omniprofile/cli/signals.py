"""Cleanup on SIGTERM and SIGHUP as on Ctrl-C. Afterwards the process ends by the same signal.

Without it a prompt would leave the terminal's echo off, a key command would keep running, and a temporary file would remain.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("SIGTERM", "SIGHUP")


class Ended(BaseException):
    """A signal asked this process to end. Not an Exception, so that no `except Exception` catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def undone_on_signals() -> Iterator[None]:
    """Raise Ended in the body on SIGTERM or SIGHUP, then end by that signal. A second one ends the process at once.

    Signals that are already ignored (`nohup`) stay ignored.
    """
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    taken = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _end)
    try:
        yield
    except Ended as ended:
        os.kill(os.getpid(), ended.number)
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def end_as(status: int) -> int:
    """Return a child's exit status, or end by the signal that ended it (a negative `status`)."""
    if status >= 0 or sys.platform == "win32":
        return status
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the memory of this process holds secrets
    if -status not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-status, signal.SIG_DFL)
    raise Ended(-status)


def _end(number: int, frame: object) -> None:
    del frame
    signal.signal(number, signal.SIG_DFL)
    raise Ended(number)
