"""Processes that can be ended together with what they start. Knows no profile.

POSIX: each leads a session or a process group of its own; a child that makes a session itself (`setsid`) is not reached.
Windows: each is in a job object, which also ends it when this process ends, whatever ended that.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

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
        with suppress(
            subprocess.TimeoutExpired
        ):  # one that not even SIGKILL ends, in a system call: nobody can do more
            group.wait(_GRACE_SECONDS)
