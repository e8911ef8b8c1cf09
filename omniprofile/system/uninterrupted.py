"""Work that must come to its end once it has begun, though the user presses Ctrl-C or the process is told to stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def uninterrupted(work: Callable[[], T], *, on_interrupt: Callable[[], None]) -> T:
    """Do `work` in a thread, and wait for its end. `work` must be bounded in time.

    The first Ctrl-C calls `on_interrupt`, and counts when the work has ended; a second one is raised at once. SIGTERM and
    SIGHUP wait for the end too. Where this is not the process's main thread, no signal comes here anyway. Raises what `work`
    raises.
    """
    from threading import Event, Thread

    results: list[T] = []
    failures: list[BaseException] = []
    done = Event()

    def run() -> None:
        try:
            results.append(work())
        except BaseException as problem:  # noqa: BLE001 - carried to the caller's thread and raised there
            failures.append(problem)
        finally:
            done.set()

    with _signals_deferred(on_interrupt):
        Thread(target=run, name="omniprofile-uninterrupted", daemon=True).start()
        while not done.wait(0.5):  # in slices: on Windows a wait without end does not see Ctrl-C
            pass
    if failures:
        raise failures[0]
    return results[0]


@contextmanager
def _signals_deferred(on_interrupt: Callable[[], None]) -> Iterator[None]:
    """Hold back what would end the process, and let it happen after the body. What is ignored already stays so."""
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
