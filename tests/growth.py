"""How the time of some work grows with its input: what is linear stays so on any machine, however loaded.

Nothing here compares with a clock. An input is made longer until the work can be measured at all, then eight times longer:
linear work takes about eight times the processor time then, quadratic work 64 times. What else the machine does makes a try
longer, never shorter: the shortest of several counts.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import thread_time
from types import FrameType

TIMES = 8
MOST = 24
"""Eight times the input may take so many times the time: three times as much as linear, far from quadratic."""
_MEASURABLE = 0.0005
_TRIES = 12


class Endless(Exception):
    """Work on a small input did not end in the time that it was given."""


def growth(work: Callable[[int], object], start: int, longest: int, patience: float = 10.0) -> float:
    """How many times longer `work(TIMES * size)` takes than `work(size)`, by its best tries.

    `size` grows from `start` until that can be measured; where not even `longest` can be, the answer is 1. Infinite where an
    input of at most `TIMES * longest` takes more than `patience` seconds of processor time.
    """
    try:
        with _at_most(patience):
            size = start
            while _time(work, size) < _MEASURABLE:
                if size >= longest:
                    return 1.0
                size *= 4
            ratio = _ratio(work, size)
            return ratio if ratio <= MOST else _ratio(work, 4 * size)  # what is not linear is so at any size
    except Endless:
        return float("inf")


def _ratio(work: Callable[[int], object], size: int) -> float:
    short = long = ratio = float("inf")
    for _ in range(_TRIES):
        short, long = min(short, _time(work, size)), min(long, _time(work, TIMES * size))
        ratio = long / max(short, 1e-6)
        if ratio <= MOST:
            break
    return ratio


def _time(work: Callable[[int], object], size: int) -> float:
    prepared = work(size)
    assert callable(prepared), "`work` makes the input, and gives what is to be measured"
    start = thread_time()
    prepared()
    return thread_time() - start


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise Endless after so many seconds of processor time. Regular expressions let signals through while they match."""

    def end(_: int, __: FrameType | None) -> None:
        raise Endless

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
