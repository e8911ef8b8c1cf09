"""Lending the terminal to another program and taking it back (POSIX, General Terminal Interface, 11.1.4). Not on Windows."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

assert sys.platform != "win32"  # noqa: S101 - mypy then checks nothing below for Windows
import termios  # noqa: E402


@contextmanager
def foreground_terminal() -> Iterator[int | None]:
    """Yield a descriptor of the controlling terminal if we are in its foreground, else None."""
    descriptor = -1
    is_ours = False
    with suppress(OSError):  # no terminal, or it has been hung up
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        is_ours = os.tcgetpgrp(descriptor) == os.getpgrp()
    try:
        yield descriptor if is_ours else None
    finally:
        if descriptor >= 0:
            os.close(descriptor)


@contextmanager
def own_terminal() -> Iterator[Callable[[int], None] | None]:
    """Yield a function that lends the terminal to a process group, or None if we are not in the foreground.

    At the end we are in the foreground again, with the terminal's modes as before: a killed prompt leaves echo off.
    """
    with foreground_terminal() as descriptor:
        if descriptor is None:
            yield None
            return
        modes = termios.tcgetattr(descriptor)

        def lend(group: int) -> None:
            _set_foreground(descriptor, group)
            with suppress(OSError):
                os.killpg(group, signal.SIGCONT)  # in case it was already stopped for using the terminal

        try:
            yield lend
        finally:
            _set_foreground(descriptor, os.getpgrp())
            with suppress(termios.error):
                termios.tcsetattr(descriptor, termios.TCSADRAIN, modes)


def _set_foreground(descriptor: int, group: int) -> None:
    # In the background, this call would stop us with SIGTTOU, unless that signal is blocked.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        with suppress(OSError):  # the group may have ended, or the terminal may be gone
            os.tcsetpgrp(descriptor, group)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
