"""Measures how processor time grows with the input: linear code is linear on any machine, however loaded.

No wall-clock time is used. The input grows until the work is long enough to measure, then by a factor of eight: linear work
then takes about eight times the processor time, quadratic work 64 times. Load makes a measurement longer, never shorter, so
the shortest of several counts.
"""

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import thread_time
from types import FrameType

TIMES = 8
MOST = 24
"""The most that eight times the input may multiply the time: three times linear growth, far below quadratic."""
_MEASURABLE = 0.0005
_TRIES = 12


class Endless(Exception):
    """Work on a small input exceeded its time limit."""


def growth(work: Callable[[int], object], start: int, longest: int, patience: float = 10.0) -> float:
    """Return how many times longer `work(TIMES * size)` takes than `work(size)`, comparing the best of several runs.

    `size` grows from `start` until the time can be measured; if even `longest` is too fast, the result is 1. It is infinite if
    an input of at most `TIMES * longest` takes more than `patience` seconds of processor time.
    """
    try:
        with _at_most(patience):
            size = start
            while _time(work, size) < _MEASURABLE:
                if size >= longest:
                    return 1.0
                size *= 4
            ratio = _ratio(work, size)
            return ratio if ratio <= MOST else _ratio(work, 4 * size)  # nonlinear growth shows at any size
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
    return seconds(prepared)


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time that `work` takes, without collections of garbage, which look at all that the tests hold."""
    gc.disable()
    start = thread_time()
    try:
        work()
        return thread_time() - start
    finally:
        gc.enable()


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise Endless after a number of seconds of processor time. Regular expressions let signals through while they match."""

    def end(_: int, __: FrameType | None) -> None:
        raise Endless

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
