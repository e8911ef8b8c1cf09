"""Captured output of a program, limited in time and size, without a shell. Knows no profile.

A program that may ask the user gets the terminal until it ends (`terminal`); otherwise it has no terminal at all.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from signal import SIGINT
from time import monotonic
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from omniprofile.system.process_groups import Group

_running: "set[Group]" = set()
"""Programs whose output is being captured, in any thread."""
_INTERRUPTED = 130
"""The exit status of a shell whose command was killed by SIGINT (128 + 2)."""


class Captured(NamedTuple):
    """How a program ended. `status` is negative for a signal; `stdout` is empty unless the program exited by itself."""

    how: Literal["exited", "interrupted", "too-slow", "too-much"]
    status: int
    stdout: bytes = b""


def capture(argv: Sequence[str], environ: Mapping[str, str], *, timeout: float, limit: int, terminal: bool) -> Captured:
    """Run `argv`, whose first item is an absolute path, without standard input and with our standard error.

    `timeout` is in seconds, `limit` the most output in bytes. With `terminal`, the program may use the terminal if we are in
    its foreground. Returns soon after the program exits, even if a child that it left running holds the pipe open. Raises
    OSError or ValueError if the program cannot be started.
    """
    from subprocess import DEVNULL, PIPE

    from omniprofile.system.process_groups import Group, end_groups, relay
    from omniprofile.system.threads import signals_deferred

    read = bytearray()

    def take(part: bytes) -> None:
        read.extend(part)
        if len(read) > limit:
            raise _TooMuch

    lending: AbstractContextManager[Callable[[int], None] | None] = nullcontext()
    if terminal and sys.platform != "win32":
        from omniprofile.system.terminal import own_terminal

        lending = own_terminal()
    with lending as lend:
        process: Group | None = None
        ended = False
        try:
            with signals_deferred():  # a signal here would leave a program running that is not yet in `_running`
                process = Group(argv, environ, terminal=lend is not None, stdin=DEVNULL, stdout=PIPE)
                _running.add(process)
            if lend is not None:
                lend(process.pid)
            ended = relay(process, {process.stdout: take}, monotonic() + timeout)
        except _TooMuch:
            return Captured("too-much", 0)
        finally:
            if process is not None:
                _running.discard(process)
                if ended:
                    process.release()
                else:
                    end_groups([process])
        if not ended:
            return Captured("too-slow", 0)
        if lend is not None and process.returncode in (-SIGINT, _INTERRUPTED):
            return Captured("interrupted", process.returncode)
        return Captured("exited", process.returncode, bytes(read))


class _TooMuch(Exception):
    """The program printed more than its limit."""


def end_captures() -> None:
    """End every program that other threads are capturing, once nobody needs the results."""
    from omniprofile.system.process_groups import end_groups

    end_groups(list(_running))
