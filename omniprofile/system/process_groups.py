"""Processes that can be ended together with what they start. Knows no profile.

POSIX: each leads a session or a process group of its own; a child that makes a session itself (`setsid`) is not reached.
Windows: each is in a job object, which also ends it when this process ends, whatever ended that.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic, sleep
from typing import IO, Any

Takers = Mapping[IO[bytes] | None, Callable[[bytes], None]]
"""What takes the output of each pipe."""
_PART = 64 * 1024
_POLL_SECONDS = 0.02
_GRACE_SECONDS = 1.0
"""What a program that is told to end gets for tidying up, before it and its children are killed."""

if sys.platform == "win32":

    class Group(subprocess.Popen[bytes]):
        """A running process and what it has started; without `children` the process alone."""

        def __init__(
            self,
            argv: Sequence[str] | str,
            environ: Mapping[str, str],
            *,
            terminal: bool = False,
            children: bool = True,
            stdin: int | None = None,
            stdout: int | None = None,
            stderr: int | None = None,
        ) -> None:
            from omniprofile.system.windows import Job

            del terminal
            # It runs once it is in its job, so that nothing which it starts is missed.
            flags = 0x4 | (subprocess.CREATE_NEW_PROCESS_GROUP if children else 0)  # CREATE_SUSPENDED
            super().__init__(argv, 0, None, stdin, stdout, stderr, env=dict(environ), creationflags=flags)
            try:
                self._job = Job(self.pid, children=children)
            except OSError:
                self.kill()
                raise

        def end(self) -> None:
            """End it with all that it has started. Windows has no way to ask."""
            self._job.end()

        def release(self) -> None:
            """Let what the process has left behind live on after this one."""
            self._job.release()

    def end_groups(groups: Sequence[Group]) -> None:
        """End processes with all that they have started."""
        for group in groups:
            group.end()
        _reap(groups)

    def relay(group: Group, takers: Takers, deadline: float = inf) -> bool:
        """Do as below, by threads that end with the pipes or with us, and call the takers: pipes cannot be polled."""
        from omniprofile.system.threads import start, wait

        def read(pipe: IO[bytes], take: Callable[[bytes], None]) -> None:
            while part := os.read(pipe.fileno(), _PART):
                take(part)

        readers = [start(partial(read, pipe, take)) for pipe, take in takers.items() if pipe]
        while group.poll() is None and monotonic() < deadline and not any(r.done() and r.exception() for r in readers):
            with suppress(subprocess.TimeoutExpired):
                group.wait(_POLL_SECONDS)
        for pipe, reader in zip(filter(None, takers), readers, strict=True):
            with suppress(TimeoutError):  # a child that was left behind has the pipe
                wait(reader, 0 if group.returncode is None else _GRACE_SECONDS)
                pipe.close()
        return group.returncode is not None

else:

    class Group(subprocess.Popen[bytes]):
        """A running process and what it has started. With `terminal` it may use that, once its group is in the foreground."""

        def __init__(
            self,
            argv: Sequence[str],
            environ: Mapping[str, str],
            *,
            terminal: bool = False,
            stdin: int | None = None,
            stdout: int | None = None,
            stderr: int | None = None,
        ) -> None:
            # A session of its own has no terminal: a program that wants to ask finds out at once, and is not stopped.
            own: dict[str, Any] = {"process_group": 0} if terminal else {"start_new_session": True}
            super().__init__(argv, 0, None, stdin, stdout, stderr, env=dict(environ), **own)

        def release(self) -> None:
            """Let what the process has left behind live on, as it does."""

    def end_groups(groups: Sequence[Group]) -> None:
        """End processes with all that they have started: asked first, killed after a short grace, also at a second Ctrl-C."""
        import signal

        try:
            for group in groups:
                for number in (signal.SIGTERM, signal.SIGCONT):  # a stopped process acts on SIGTERM once it goes on
                    with suppress(OSError):
                        os.killpg(group.pid, number)
            grace = monotonic() + _GRACE_SECONDS
            while monotonic() < grace and any(map(_lives, groups)):
                sleep(_POLL_SECONDS)
        finally:
            for group in groups:
                with suppress(OSError):
                    os.killpg(group.pid, signal.SIGKILL)
        _reap(groups)

    def relay(group: Group, takers: Takers, deadline: float = inf) -> bool:
        """Hand on what a process prints, by pipe, until it has ended; tell whether it has, at `deadline` at the latest.

        What a child that it leaves behind prints after that is lost: the pipes are closed. What a taker raises is raised.
        """
        import select

        reading = {pipe.fileno(): take for pipe, take in takers.items() if pipe}
        poll = select.poll()
        for descriptor in reading:
            poll.register(descriptor, select.POLLIN)
        try:
            while reading:
                ended = group.poll() is not None  # looked at before, so that nothing printed before the end is missed
                ready = poll.poll(0 if ended else _POLL_SECONDS * 1000)
                if ended and not ready:
                    return True
                for descriptor, _ in ready:
                    if part := os.read(descriptor, _PART):
                        reading[descriptor](part)
                    else:
                        poll.unregister(descriptor)
                        del reading[descriptor]
                if not ended and monotonic() >= deadline:
                    return False
            with suppress(subprocess.TimeoutExpired):
                group.wait(None if deadline == inf else max(0, deadline - monotonic()))
            return group.returncode is not None
        finally:
            for pipe in filter(None, takers):
                pipe.close()

    def _lives(group: Group) -> bool:
        group.poll()
        try:
            os.killpg(group.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # macOS: only zombies are left
            return group.returncode is None
        return True


def _reap(groups: Sequence[Group]) -> None:
    for group in groups:
        with suppress(subprocess.TimeoutExpired):  # not even SIGKILL ends one in a system call: nobody can do more
            group.wait(_GRACE_SECONDS)
        for pipe in (group.stdout, group.stderr):
            if pipe:
                pipe.close()
