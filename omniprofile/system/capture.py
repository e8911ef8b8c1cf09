"""What a program prints, bounded in time and size, with no shell. Knows no profile.

The program ends with its children (`groups`). Where it may ask the user, the terminal is handed to its process group and taken
back (POSIX, General Terminal Interface, 11.1.4), or else it has no terminal at all.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from subprocess import Popen

    from omniprofile.system.groups import Group

    if sys.platform != "win32":
        from omniprofile.system.terminal import Terminal

_POLL_SECONDS = 0.02
_running: "set[Group]" = set()
"""Programs whose output is read now, in whatever thread."""
_INTERRUPTED = 130
"""The status of a shell whose command was ended by SIGINT (128 + 2)."""


@dataclass(frozen=True, slots=True)
class Captured:
    """How a program ended. `status` is negative for a signal; `stdout` is what it printed, unless it did not end by itself."""

    how: Literal["exited", "interrupted", "too-slow", "too-much"]
    status: int
    stdout: bytes = b""


def find_program(name: str, environ: Mapping[str, str]) -> str | None:
    """The absolute path of program `name`, or None. Relative entries of `PATH` and the working directory are never searched.

    Windows runs files by their extension: a name without one is looked for with each of `PATHEXT`, and never as it stands.
    """
    if os.path.isabs(name):
        return name
    extensions = [""]
    if sys.platform == "win32":
        known = environ.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").upper().split(os.pathsep)
        extensions = [""] if name.upper().endswith(tuple(known)) else known
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        for extension in extensions if os.path.isabs(folder) else ():
            path = os.path.join(folder, name + extension)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    return None


def capture(argv: Sequence[str], environ: Mapping[str, str], *, timeout: float, limit: int, terminal: bool) -> Captured:
    """Run `argv`, whose first is an absolute path, with no standard input and with our standard error.

    `timeout` is in seconds; `limit` is how many bytes of output are too many to be read on. `terminal` lets it use the
    terminal that we are in the foreground of, if there is one. Ends soon after the program does, even where a child that it
    left behind holds the pipe open. Raises OSError or ValueError when the program cannot be started.
    """
    from subprocess import DEVNULL, PIPE

    from omniprofile.system.groups import Group, end_groups
    from omniprofile.system.threads import signals_deferred

    with _lent_terminal(terminal) as lent:
        process: Group | None = None
        ended = False
        try:
            with signals_deferred():  # a program that runs already and that nobody knows of would go on
                process = Group(argv, environ, terminal=lent is not None, stdin=DEVNULL, stdout=PIPE)
                _running.add(process)
            if lent is not None:
                lent.give(process.pid)
            result = _attend(process, monotonic() + timeout, limit)
            ended = result.how == "exited"
        finally:
            if process is not None:
                _running.discard(process)
                if ended:
                    process.release()
                else:
                    end_groups([process])
                if process.stdout and sys.platform != "win32":
                    process.stdout.close()
        if lent is not None and result.how == "exited" and _was_interrupted(result.status):
            return Captured("interrupted", result.status)
        return result


def _attend(process: "Popen[bytes]", deadline: float, limit: int) -> Captured:
    """Read what the process prints until it has ended, prints too much, or the deadline has come."""
    from subprocess import TimeoutExpired

    output = _output(process)
    read = b""
    open_ended = True
    while True:
        ended = process.poll() is not None  # looked at before reading, so that nothing printed before the end is missed
        while open_ended and len(read) <= limit and (part := next(output)) is not None:
            read += part
            open_ended = bool(part)
        if len(read) > limit:
            return Captured("too-much", 0)
        if ended:
            return Captured("exited", process.returncode, read)
        if monotonic() >= deadline:
            return Captured("too-slow", 0)
        if not open_ended:
            with suppress(TimeoutExpired):
                process.wait(_POLL_SECONDS)


def end_captures() -> None:
    """End every program that other threads `capture`, when nobody waits for those any more."""
    from omniprofile.system.groups import end_groups

    end_groups(list(_running))


if sys.platform == "win32":

    def _lent_terminal(wanted: bool) -> "AbstractContextManager[Any]":
        del wanted
        return nullcontext()

    def _output(process: "Popen[bytes]") -> Iterator[bytes | None]:
        """Yield what can be read now, as below, by a thread that ends with the pipe or with us: pipes cannot be polled."""
        from queue import Empty, Queue
        from threading import Thread

        pipe = process.stdout
        if pipe is None:
            raise AssertionError("it was started with a pipe")
        parts: Queue[bytes] = Queue()

        def read() -> None:
            while part := pipe.read(64 * 1024):
                parts.put(part)
            parts.put(b"")

        Thread(target=read, name="omniprofile-output", daemon=True).start()
        while True:
            try:
                yield parts.get(timeout=_POLL_SECONDS)
            except Empty:
                yield None

else:

    def _lent_terminal(wanted: bool) -> "AbstractContextManager[Terminal | None]":
        from omniprofile.system.terminal import own_terminal

        return own_terminal() if wanted else nullcontext()

    def _output(process: "Popen[bytes]") -> Iterator[bytes | None]:
        """Yield what can be read now, again and again: bytes, b"" at the end, None after a short wait without any."""
        import select

        if process.stdout is None:
            raise AssertionError("it was started with a pipe")
        descriptor = process.stdout.fileno()
        os.set_blocking(descriptor, False)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while True:
            try:
                yield os.read(descriptor, 64 * 1024)
            except BlockingIOError:
                poll.poll(_POLL_SECONDS * 1000)
                yield None


def _was_interrupted(status: int) -> bool:
    import signal

    return status in (-signal.SIGINT, _INTERRUPTED)
