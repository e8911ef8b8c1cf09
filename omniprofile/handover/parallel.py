"""Running many commands at once, each a child whose output is passed on in whole lines. Knows no profile.

A command gets no standard input and no terminal. It is ended with its children (`system.process_groups`), also when this
process dies of whatever.
"""

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from subprocess import DEVNULL, PIPE
from threading import Lock
from time import monotonic
from typing import Literal, NoReturn, Self

from omniprofile.handover.process import not_run, windows_command
from omniprofile.system.process_groups import Group, end_groups, relay

Stream = Literal["stdout", "stderr"]
STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")
LONGEST_LINE = 1024 * 1024
"""A line of more bytes is passed on in parts, each as a line: no command fills the memory with one that does not end."""


class Ending(Exception):
    """No command is started any more."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit status (of one that a signal ended, 128 and its number), and after how many seconds."""

    status: int
    seconds: float


class Commands:
    """The commands that run now, as a context manager. Every thread may run one; `end` ends all, and lets no other one start."""

    def __init__(self) -> None:
        self._running: set[Group] = set()
        self._starting = Lock()
        self._ending = False

    def __enter__(self) -> Self:
        """Have somebody watch over the commands."""
        self._watch = _Watch()
        return self

    def __exit__(self, *_: object) -> None:
        """End the watch, for all commands have ended."""
        self._watch.close()

    def run(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        emit: Callable[[Stream, bytes], None],
        *,
        whole: bool = False,
        started: Callable[[], None] = lambda: None,
    ) -> Ended:
        """Run `argv` to its end. `emit` gets its output, lines that end in a newline, or with `whole` as it comes.

        `emit` is called in this thread, on Windows in two others, one for each stream, and must not raise. What a child that
        the command leaves behind prints after its end is lost. Raises CommandNotFound and CommandNotRunnable, and Ending.
        """
        begin = monotonic()
        try:
            line = windows_command(argv, environ) if sys.platform == "win32" else argv
            with self._starting:
                if self._ending:
                    raise Ending
                child = Group(line, environ, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
                self._running.add(child)
                self._watch.note(child.pid)
        except OSError as problem:
            raise not_run(argv[0], problem) from problem
        try:
            started()
            out, err = (_Lines(partial(emit, stream), whole=whole) for stream in STREAMS)
            try:
                relay(child, {child.stdout: out.add, child.stderr: err.add})
            finally:
                out.end()
                err.end()
            status = child.wait()
            child.release()
        except BaseException:
            end_groups([child])
            raise
        finally:
            self._running.discard(child)
            self._watch.note(-child.pid)
        return Ended(status if status >= 0 else 128 - status, monotonic() - begin)

    def end(self) -> None:
        """End every command and its children: asked first, killed after a short grace."""
        with self._starting:
            self._ending = True
        end_groups(list(self._running))


class _Lines:
    """What passes a stream of a command on to `emit`: in lines that end in a newline, or with `whole` as it comes."""

    def __init__(self, emit: Callable[[bytes], None], *, whole: bool) -> None:
        self._emit = emit
        self._whole = whole
        self._held = bytearray()
        """A line that has not ended yet."""

    def add(self, part: bytes) -> None:
        """Pass on what has come."""
        cut = len(part) if self._whole else part.rfind(b"\n") + 1
        if cut:
            self._emit(bytes(self._held) + part[:cut])
            self._held.clear()
        self._held += part[cut:]
        if len(self._held) >= LONGEST_LINE:
            self.end()

    def end(self) -> None:
        """Pass on what is held as a line."""
        if self._held:
            self._emit(bytes(self._held) + b"\n")
            self._held.clear()


if sys.platform == "win32":

    class _Watch:
        """Nobody need watch over the commands here: their jobs end with this process."""

        def note(self, group: int) -> None:
            """Take no note of a command."""

        def close(self) -> None:
            """End nothing."""

else:

    class _Watch:
        """A process that kills the commands with their children once this one is gone, whatever ended it.

        A command could ask to be killed itself (prctl(2)), but by code that runs between fork and exec: each start would copy
        this process, and take as long as two more commands.
        """

        def __init__(self) -> None:
            notes, end = os.pipe()
            with warnings.catch_warnings():
                # It is warned of in a process with threads: what they have locked, the child below does not ask for.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._process = os.fork()
            if not self._process:
                _watch(notes, end)
            os.close(notes)
            self._notes = open(end, "wb", buffering=0)  # noqa: SIM115 - `close` closes it

        def note(self, group: int) -> None:
            """Take note that a command has started, by its process group, or has ended, by that number's negative."""
            with suppress(BrokenPipeError, ValueError):  # it was killed by somebody, or closed: all has ended
                self._notes.write(b"%d\n" % group)

        def close(self) -> None:
            """End it."""
            self._notes.close()
            os.waitpid(self._process, 0)

    def _watch(notes: int, end: int) -> NoReturn:
        """Do what the watching process does, until nobody is left who could write to `end`."""
        import signal

        try:
            os.setsid()
            for descriptor in {end, 0, 1, 2} - {notes}:
                with suppress(OSError):
                    os.close(descriptor)
            running: set[int] = set()
            with open(notes, "rb") as lines:
                for line in lines:
                    running ^= {abs(int(line))}
            for group in running:
                with suppress(OSError):
                    os.killpg(group, signal.SIGKILL)
        finally:
            os._exit(0)
