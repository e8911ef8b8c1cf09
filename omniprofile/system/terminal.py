"""Lending the terminal to another program and taking it back (POSIX, General Terminal Interface, 11.1.4). Not on Windows."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

assert sys.platform != "win32"  # noqa: S101 - mypy then checks nothing below for Windows
import termios  # noqa: E402


class Terminal:
    """The controlling terminal, while we are in its foreground."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._modes = termios.tcgetattr(descriptor)

    def give(self, group: int) -> None:
        """Make `group` the foreground group and continue it, in case it was already stopped for using the terminal."""
        self._set_foreground(group)
        with suppress(OSError):
            os.killpg(group, signal.SIGCONT)

    def take_back(self) -> None:
        """Return to the foreground and restore the terminal's modes: a killed prompt leaves echo off."""
        self._set_foreground(os.getpgrp())
        with suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._modes)

    def _set_foreground(self, group: int) -> None:
        # In the background, this call would stop us with SIGTTOU, unless that signal is blocked.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        try:
            with suppress(OSError):  # the group may have ended, or the terminal may be gone
                os.tcsetpgrp(self._descriptor, group)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
def own_terminal() -> Iterator[Terminal | None]:
    """Yield the controlling terminal if we are in its foreground, else None; take it back at the end."""
    with foreground_terminal() as descriptor:
        if descriptor is None:
            yield None
            return
        terminal = Terminal(descriptor)
        try:
            yield terminal
        finally:
            terminal.take_back()
