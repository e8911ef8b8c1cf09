"""Run work in a daemon thread and wait for it: with a time limit, or to its end whatever signal comes.

The threads are daemons, so that work that was given up keeps no process alive.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future
    from queue import SimpleQueue

T = TypeVar("T")

_SLICE_SECONDS = 0.5
"""How long one wait lasts: on Windows a longer one does not see Ctrl-C."""


def start(work: Callable[[], T]) -> "Future[T]":
    """Start `work` in a daemon thread of its own, and return the future of its result."""
    from concurrent.futures import Future
    from threading import Thread

    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as problem:  # noqa: BLE001 - raised again where the result is asked for
            future.set_exception(problem)

    Thread(target=run, name="omniprofile-work", daemon=True).start()
    return future


def left_running() -> bool:
    """Tell whether work still runs in a daemon thread, such as work that was given up."""
    threading = sys.modules.get("threading")
    return threading is not None and any(each.daemon for each in threading.enumerate())


def wait(future: "Future[T]", seconds: float = float("inf")) -> T:
    """Return the future's result, or raise its exception. Raises TimeoutError after `seconds`."""
    slices = _slices(seconds)
    while not future.done():
        left = next(slices)
        with suppress(TimeoutError):
            future.exception(timeout=left)
    return future.result()


def next_of(queue: "SimpleQueue[T]", seconds: float = float("inf")) -> T:
    """Return what comes next from a queue. Raises TimeoutError after `seconds`."""
    from queue import Empty

    for left in _slices(seconds):
        with suppress(Empty):
            return queue.get(timeout=left)
    raise AssertionError("the slices do not end")


def _slices(seconds: float) -> Iterator[float]:
    """Yield how long to wait next. Raises TimeoutError once `seconds` are over."""
    from time import monotonic

    end = monotonic() + seconds
    while (left := end - monotonic()) > 0:
        yield min(left, _SLICE_SECONDS)
    raise TimeoutError


def critical_section(work: Callable[[], T], *, on_interrupt: Callable[[], None]) -> T:
    """Do `work` to its end, though the user presses Ctrl-C or the process is told to stop. `work` must be bounded in time.

    The first Ctrl-C calls `on_interrupt`, and is raised when the work has ended; a second one is raised at once. SIGTERM and
    SIGHUP wait for the end too. Where this is not the process's main thread, no signal comes here anyway. Raises what `work`
    raises.
    """
    with signals_deferred(on_interrupt):
        return wait(start(work))


@contextmanager
def signals_deferred(on_interrupt: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold back the signals that would end the process until the body has ended. One that is ignored stays ignored."""
    from threading import current_thread, main_thread

    if current_thread() is not main_thread():
        yield
        return
    came: list[int] = []

    def hold_back(number: int, frame: object) -> None:
        del frame
        came.append(number)
        if number == signal.SIGINT:
            if came.count(number) > 1:
                raise KeyboardInterrupt
            on_interrupt()

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    held = [number for number in numbers if before[number] not in (None, signal.SIG_IGN)]
    try:
        for number in held:
            signal.signal(number, hold_back)
        yield
    finally:
        for number in held:
            signal.signal(number, before[number])
    for number in came:
        signal.raise_signal(number)
