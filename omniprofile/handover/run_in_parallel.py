"""Running many commands at once, each a child whose output is forwarded in whole lines. Knows no profile.

A command gets no standard input and no terminal. It is ended together with its children (`system.process_groups`), also if this
process dies for any reason.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from subprocess import DEVNULL, PIPE, Popen
from threading import Lock
from time import monotonic
from typing import Literal, NamedTuple, Self

from omniprofile.errors import OperationFailed
from omniprofile.handover.not_run import not_run
from omniprofile.system.os_errors import reported_as
from omniprofile.system.process_groups import Group, end_groups, relay

Stream = Literal["stdout", "stderr"]
STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")
LONGEST_LINE = 1024 * 1024
"""A longer line, in bytes, is forwarded in parts, so that an endless line cannot fill the memory."""


_WATCH = """import os, sys
running = set()
for line in sys.stdin:
    running ^= {abs(int(line))}
for group in running:
    try:
        os.killpg(group, 9)
    except OSError:
        pass
"""
"""What the watcher runs: it kills the commands and their children once this process has gone, for whatever reason.

A command could ask the kernel to be killed (prctl(2)), but only in code between fork and exec: then each start would copy this
process, and take as long as two more commands.
"""


class Ending(Exception):
    """No more commands may start."""


class Ended(NamedTuple):
    """How a command ended: its exit status (128 plus the signal number if a signal killed it) and its duration in seconds."""

    status: int
    seconds: float


class Commands:
    """The running commands, as a context manager. Any thread may run one; `end` ends all of them and prevents new ones."""

    def __init__(self) -> None:
        self._running: set[Group] = set()
        self._starting = Lock()
        self._ending = False
        self._watcher: Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the watcher of the commands. Windows needs none: there, the commands' jobs end with this process.

        Raises OperationFailed.
        """
        if sys.platform != "win32":
            watch = [sys.executable, "-I", "-S", "-c", _WATCH]
            hint = "raise the limits of this process: see `ulimit -a`"
            with reported_as(OperationFailed, "no process can be started", hint):
                self._watcher = Popen(watch, 0, None, PIPE, DEVNULL, DEVNULL, cwd="/", start_new_session=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the watcher: all commands have ended."""
        if self._watcher is not None:
            self._watcher.communicate()

    def _note(self, group: int) -> None:
        """Tell the watcher that a command has started (its process group) or ended (the negative of that number)."""
        if self._watcher is not None and self._watcher.stdin is not None:
            with suppress(BrokenPipeError, ValueError):  # the watcher was killed, or stopped because all has ended
                self._watcher.stdin.write(b"%d\n" % group)

    def run(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        emit: Callable[[Stream, bytes], None],
        started: Callable[[], None] = lambda: None,
    ) -> Ended:
        """Run `argv` until it ends. Passes its output to `emit` in whole lines, of which the last may lack its newline.

        `emit` is called in this thread (on Windows in two others, one for each stream); if it raises, the command is ended and
        that is raised here. Output that a child of the command prints after the command ends is lost. Raises CommandNotFound,
        CommandNotRunnable, and Ending.
        """
        begin = monotonic()
        try:
            child = self._start(argv, environ)
        except OSError as problem:
            raise not_run(argv[0], problem) from problem
        try:
            started()
            out, err = (_Lines(partial(emit, stream)) for stream in STREAMS)
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
            self._note(-child.pid)
        return Ended(status if status >= 0 else 128 - status, monotonic() - begin)

    def _start(self, argv: Sequence[str], environ: Mapping[str, str]) -> Group:
        line: Sequence[str] | str = argv
        if sys.platform == "win32":
            from omniprofile.handover.windows_command import windows_command

            line = windows_command(argv, environ)
        with self._starting:
            if self._ending:
                raise Ending
            child = Group(line, environ, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
            self._running.add(child)
            self._note(child.pid)
        return child

    def end(self) -> None:
        """End every command and its children: ask, then kill after a short grace period."""
        with self._starting:
            self._ending = True
        end_groups(list(self._running))


class _Lines:
    """Passes a stream of a command to `emit` in whole lines."""

    def __init__(self, emit: Callable[[bytes], None]) -> None:
        self._emit = emit
        self._held = bytearray()
        """An unfinished line."""

    def add(self, part: bytes) -> None:
        """Pass on the complete lines."""
        cut = part.rfind(b"\n") + 1
        if cut:
            self._emit(bytes(self._held) + part[:cut])
            self._held.clear()
        self._held += part[cut:]
        if len(self._held) >= LONGEST_LINE:
            self.end()

    def end(self) -> None:
        """Pass on what is held."""
        if self._held:
            self._emit(bytes(self._held))
            self._held.clear()
