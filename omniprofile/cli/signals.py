"""Ending by SIGTERM or SIGHUP as by Ctrl-C: what was begun is undone first, and the process ends by that very signal.

Without this a prompt would leave the terminal with its echo off, a key command would go on, and a half-written file would lie
beside the one that it was to replace.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("SIGTERM", "SIGHUP")


class Ended(BaseException):
    """Somebody told this process to end. No `except Exception` holds it up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def undone_on_signals() -> Iterator[None]:
    """Let the body be undone when such a signal comes, then end by it. A second one ends the process at once.

    What is ignored already (`nohup`) stays so.
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
    """Return a child's exit status, or end by the signal that ended it, which `status` has with a minus."""
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
