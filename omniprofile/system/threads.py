"""Running work in a daemon thread, and waiting for it with a time limit or, despite signals, to its end.

The threads are daemons so that abandoned work does not keep the process alive.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future
    from queue import SimpleQueue

T = TypeVar("T")

_SLICE_SECONDS = 0.5
"""The longest single wait: during a longer one, Windows does not notice Ctrl-C."""


def start(work: Callable[[], T]) -> "Future[T]":
    """Start `work` in a new daemon thread and return the future of its result."""
    from concurrent.futures import Future  # it imports `logging`

    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as problem:  # noqa: BLE001 - raised again where the result is read
            future.set_exception(problem)

    launch(run)
    return future


def launch(work: Callable[[], None]) -> None:
    """Start `work`, which must not raise, in a new daemon thread."""
    from threading import Thread

    Thread(target=work, name="omniprofile-work", daemon=True).start()


def wait(future: "Future[T]", seconds: float = float("inf")) -> T:
    """Return the future's result, or raise its exception. Raises TimeoutError after `seconds`."""
    slices = _slices(seconds)
    while not future.done():
        left = next(slices)
        with suppress(TimeoutError):
            future.exception(timeout=left)
    return future.result()


def next_of(queue: "SimpleQueue[T]", seconds: float = float("inf")) -> T:
    """Return the next item from a queue. Raises TimeoutError after `seconds`."""
    from queue import Empty

    for left in _slices(seconds):
        with suppress(Empty):
            return queue.get(timeout=left)
    raise AssertionError("the slices do not end")


def _slices(seconds: float) -> Iterator[float]:
    """Yield the next wait in seconds. Raises TimeoutError once `seconds` have passed."""
    from time import monotonic

    end = monotonic() + seconds
    while (left := end - monotonic()) > 0:
        yield min(left, _SLICE_SECONDS)
    raise TimeoutError


def critical_section(work: Callable[[], T], *, on_interrupt: Callable[[], None]) -> T:
    """Finish `work` despite Ctrl-C or a request to terminate. `work` must be bounded in time.

    The first Ctrl-C calls `on_interrupt` and is raised after the work has ended; a second is raised at once. SIGTERM and SIGHUP
    also wait for the end. Outside the main thread no signal arrives, so nothing is held back. Raises what `work` raises.
    """
    with signals_deferred(on_interrupt):
        return wait(start(work))


@contextmanager
def signals_deferred(on_interrupt: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Defer SIGTERM, SIGHUP and SIGINT until the body has ended. An ignored signal stays ignored."""
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
