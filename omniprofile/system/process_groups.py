"""Processes that can be ended together with their children. Knows no profile.

POSIX: each leads its own session or process group; a child that starts a new session (`setsid`) is not reached. Windows: each
is in a job object, which also ends it when this process ends, for whatever reason.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic, sleep
from typing import IO, Any

Takers = Mapping[IO[bytes] | None, Callable[[bytes], None]]
"""The function that receives the output of each pipe."""
_SUSPENDED = 0x4  # CREATE_SUSPENDED of winbase.h
_PART = 64 * 1024
_POLL_SECONDS = 0.02
_GRACE_SECONDS = 1.0
"""How long a program may clean up after being asked to end, before it and its children are killed."""


class Group(subprocess.Popen[bytes]):
    """A running process and its children; on Windows without `children`, the process alone.

    With `terminal`, it may use the terminal once its group is in the foreground. Otherwise it has none: a program that wants to
    ask fails at once instead of being stopped.
    """

    def __init__(
        self,
        argv: Sequence[str] | str,
        environ: Mapping[str, str],
        *,
        terminal: bool = False,
        children: bool = True,
        **pipes: Any,
    ) -> None:
        options: dict[str, Any] = {"process_group": 0} if terminal else {"start_new_session": True}
        if sys.platform == "win32":
            # Start it suspended: it runs once it is in its job, so the job catches every child.
            options = {"creationflags": _SUSPENDED | (subprocess.CREATE_NEW_PROCESS_GROUP if children else 0)}
        super().__init__(argv, bufsize=0, env=dict(environ), **options, **pipes)
        if sys.platform == "win32":
            from omniprofile.system.windows.jobs import Job

            try:
                self.job = Job(self.pid, children=children)
            except OSError:
                self.kill()
                raise

    def release(self) -> None:
        """Let the children that the process left behind outlive this process, as they do on POSIX anyway."""
        if sys.platform == "win32":
            self.job.release()


def end_groups(groups: Sequence[Group]) -> None:
    """End processes and their children: ask, then kill after a short grace period or at a second Ctrl-C. Windows cannot ask."""
    try:
        if sys.platform != "win32":
            for group in groups:
                for number in (signal.SIGTERM, signal.SIGCONT):  # a stopped process handles SIGTERM only once continued
                    with suppress(OSError):
                        os.killpg(group.pid, number)
            grace = monotonic() + _GRACE_SECONDS
            while monotonic() < grace and any(map(_lives, groups)):
                sleep(_POLL_SECONDS)
    finally:
        for group in groups:
            if sys.platform == "win32":
                group.job.end()
            else:
                with suppress(OSError):
                    os.killpg(group.pid, signal.SIGKILL)
    for group in groups:
        with suppress(subprocess.TimeoutExpired):  # SIGKILL does not end a process stuck in a system call
            group.wait(_GRACE_SECONDS)
        for pipe in (group.stdout, group.stderr):
            if pipe:
                pipe.close()


if sys.platform == "win32":

    def relay(group: Group, takers: Takers, deadline: float = inf) -> bool:
        """Like the POSIX version below, but with a thread per pipe that calls its taker: Windows cannot poll pipes."""
        from omniprofile.system.threads import start, wait

        def read(pipe: IO[bytes], take: Callable[[bytes], None]) -> None:
            while part := os.read(pipe.fileno(), _PART):
                take(part)

        readers = [start(partial(read, pipe, take)) for pipe, take in takers.items() if pipe]
        while group.poll() is None and monotonic() < deadline and not any(r.done() and r.exception() for r in readers):
            with suppress(subprocess.TimeoutExpired):
                group.wait(_POLL_SECONDS)
        for pipe, reader in zip(filter(None, takers), readers, strict=True):
            with suppress(TimeoutError):  # a child left behind holds the pipe open
                wait(reader, 0 if group.returncode is None else _GRACE_SECONDS)
                pipe.close()
        return group.returncode is not None

else:

    def relay(group: Group, takers: Takers, deadline: float = inf) -> bool:
        """Pass a process's piped output to the takers until it ends or `deadline` passes; tell whether it has ended.

        Output that its children write later is lost, since the pipes are closed. Re-raises what a taker raises.
        """
        import select

        reading = {pipe.fileno(): take for pipe, take in takers.items() if pipe}
        poll = select.poll()
        for descriptor in reading:
            poll.register(descriptor, select.POLLIN)
        try:
            while reading:
                ended = group.poll() is not None  # checked before reading, so that no output is missed
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
