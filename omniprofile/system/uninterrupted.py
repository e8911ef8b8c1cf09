"""Work that must come to its end once it has begun, though the user presses Ctrl-C or the process is told to stop."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def uninterrupted(work: Callable[[], T], *, on_interrupt: Callable[[], None]) -> T:
    """Do `work` in a thread, where no Ctrl-C reaches it, and wait for its end. `work` must be bounded in time.

    The first Ctrl-C calls `on_interrupt` and is raised when the work has ended; a second one is raised at once. SIGTERM and
    SIGHUP wait for the end too, where this is the process's main thread. Raises what `work` raises.
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

    interrupted: KeyboardInterrupt | None = None
    with _terminations_deferred():
        Thread(target=run, name="omniprofile-uninterrupted", daemon=True).start()
        while not done.is_set():
            try:
                done.wait(0.5)  # in slices: on Windows a wait without end does not see Ctrl-C
            except KeyboardInterrupt as problem:
                if interrupted is not None:
                    raise
                interrupted = problem
                on_interrupt()
    if interrupted is not None:
        raise interrupted
    if failures:
        raise failures[0]
    return results[0]


@contextmanager
def _terminations_deferred() -> Iterator[None]:
    """Block SIGTERM and SIGHUP for this thread and those it starts; a blocked one is delivered afterwards."""
    if os.name != "posix":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
