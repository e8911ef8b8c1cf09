"""Running work in a daemon thread, and waiting for it with a time limit or, despite signals, to its end.

The threads are daemons so that abandoned work does not keep the process alive.
"""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future
    from queue import SimpleQueue

S = TypeVar("S")
T = TypeVar("T")

SLICE_SECONDS = 0.5
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

    _launch(run)
    return future


class _Failed(NamedTuple):
    problem: BaseException


def concurrently(work: Callable[[S], T], items: Iterable[S], at_once: int) -> "Iterator[T]":
    """Yield the result of `work` for each item as it ends, with `at_once` running at a time, each in a daemon thread.

    An exception of `work` is raised at once. After that, or once the caller stops, no more work starts; what runs is not waited
    for.
    """
    from queue import SimpleQueue  # a Future would import `logging`

    ended: SimpleQueue[T | _Failed] = SimpleQueue()

    def run(item: S) -> None:
        try:
            ended.put(work(item))
        except BaseException as problem:  # noqa: BLE001 - raised again below
            ended.put(_Failed(problem))

    waiting, running = iter(items), 0
    while True:
        for item in islice(waiting, at_once - running):
            _launch(partial(run, item))
            running += 1
        if not running:
            return
        found = next_of(ended)
        if isinstance(found, _Failed):
            raise found.problem
        running -= 1
        yield found


def _launch(work: Callable[[], None]) -> None:
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
        yield min(left, SLICE_SECONDS)
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
