"""Running many commands at once, each a child whose output is passed on in whole lines. Knows no profile.

A command gets no standard input, no terminal, and a session of its own, so that it and its children can be ended together,
but for a child that makes a session itself. When this process dies of whatever, Linux kills the commands, but not what they
started.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event, Lock
from time import monotonic
from typing import IO, Literal

from omniprofile.handover.child import dying_with_parent
from omniprofile.handover.process import not_run, windows_command
from omniprofile.system import threads
from omniprofile.system.capture import end_groups

Stream = Literal["stdout", "stderr"]
LONGEST_LINE = 1024 * 1024
"""A line of more bytes is passed on in parts, each as a line: no command fills the memory with one that does not end."""
_PART = 64 * 1024
_LOOK_MILLISECONDS = 100


class Ending(Exception):
    """No command is started any more."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit status (of one that a signal ended, 128 and its number), and after how many seconds."""

    status: int
    seconds: float


class Commands:
    """The commands that run now. Every thread may run one; `end` ends all, and lets no other one start."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._starting = Lock()
        self._ending = False
        self._in_child = dying_with_parent()

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

        `emit` is called in two threads, one for each stream, and must not raise. What a child that the command leaves behind
        prints after its end is lost. Raises CommandNotFound and CommandNotRunnable, and Ending.
        """
        begin = monotonic()
        try:
            line = windows_command(argv, environ) if sys.platform == "win32" else argv
            with self._starting:
                if self._ending:
                    raise Ending
                child = subprocess.Popen(
                    line,
                    env=dict(environ),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                    start_new_session=True,
                    preexec_fn=self._in_child,  # noqa: PLW1509 - it takes no lock, and imports nothing
                    creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # Windows alone
                )
                self._running.add(child)
        except OSError as problem:
            raise not_run(argv[0], problem) from problem
        try:
            started()
            ended = Event()
            readers = [
                threads.start(partial(_pass_on, pipe, ended, partial(emit, stream), whole=whole))
                for stream, pipe in _pipes(child)
            ]
            status = child.wait()
            ended.set()
            for reader in readers:
                threads.wait(reader)
        except BaseException:  # no thread is to be had
            end_groups([child], environ)
            raise
        finally:
            self._running.discard(child)
        return Ended(status if status >= 0 else 128 - status, monotonic() - begin)

    def end(self, environ: Mapping[str, str]) -> None:
        """End every command and its children: asked first, killed after a short grace."""
        with self._starting:
            self._ending = True
        end_groups(list(self._running), environ)


def _pipes(child: "subprocess.Popen[bytes]") -> Iterator[tuple[Stream, IO[bytes]]]:
    if child.stdout is None or child.stderr is None:
        raise AssertionError("it was started with pipes")
    yield "stdout", child.stdout
    yield "stderr", child.stderr


def _pass_on(pipe: IO[bytes], ended: Event, emit: Callable[[bytes], None], *, whole: bool) -> None:
    """Read a pipe until its end, or until its command has ended and nothing is left in it; then close it."""
    with pipe:
        held = bytearray()  # a line that has not ended yet
        for part in _parts(pipe, ended):
            cut = len(part) if whole else part.rfind(b"\n") + 1
            if cut:
                emit(bytes(held) + part[:cut])
                held.clear()
            held += part[cut:]
            if len(held) >= LONGEST_LINE:
                emit(bytes(held) + b"\n")
                held.clear()
        if held:
            emit(bytes(held) + b"\n")


def _parts(pipe: IO[bytes], ended: Event) -> Iterator[bytes]:
    """Yield what the pipe holds. On Windows, where a pipe cannot be looked into, until all that have it have ended."""
    descriptor = pipe.fileno()
    if sys.platform == "win32":
        while part := os.read(descriptor, _PART):
            yield part
        return
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        over = ended.is_set()  # looked at before, so that nothing printed before the end is missed
        if not poll.poll(0 if over else _LOOK_MILLISECONDS):
            if over:
                return
            continue
        part = os.read(descriptor, _PART)
        if not part:
            return
        yield part
