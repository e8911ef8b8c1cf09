"""Running a command as a child, on Windows or because this process must serve it, while looking like the command itself.

Exit status, signals and job control are the command's. It stays in this process's group, so it receives the terminal's Ctrl-C,
Ctrl-Z and hang-up directly; signals sent only to this process are forwarded. If this process dies for any reason, Linux kills
the command.
"""

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def run_child(argv: "Sequence[str]", environ: "Mapping[str, str]", started: "Callable[[], None]" = lambda: None) -> int:
    """Run `argv` with `environ` until it ends, and call `started` once it is running.

    Return its exit status, or minus the signal that killed it. Raises CommandNotFound and CommandNotRunnable.
    """
    try:
        return _run(argv, environ, started)
    except OSError as problem:
        from omniprofile.handover.not_run import not_run

        raise not_run(argv[0], problem) from problem


if sys.platform == "win32":

    def _run(argv: "Sequence[str]", environ: "Mapping[str, str]", started: "Callable[[], None]") -> int:
        """Run `argv` on Windows. Killing this process also kills the command, as if it had replaced this process."""
        from omniprofile.handover.windows_command import windows_command
        from omniprofile.system.process_groups import Group

        # Ctrl-C goes to all of the console: the command decides what it means, from its first moment. It does not inherit this.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            child = Group(windows_command(argv, environ), environ, children=False)
            started()
            return child.wait()
        finally:
            signal.signal(signal.SIGINT, before)

else:
    import subprocess

    from omniprofile.system.terminal import foreground_terminal

    _OWN = frozenset(
        getattr(signal, name)
        for name in (
            "SIGKILL", "SIGSTOP", "SIGTTIN", "SIGTTOU",  # cannot be blocked, or concern this process's own output
            "SIGPIPE", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS", "SIGXCPU", "SIGXFSZ",  # its own faults
        )
        if hasattr(signal, name)
    )  # fmt: skip
    """Signals that concern this process and are not forwarded."""
    _JOB_CONTROL = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)

    def _run(argv: "Sequence[str]", environ: "Mapping[str, str]", started: "Callable[[], None]") -> int:
        # Ignored signals (`nohup`) stay ignored, here and in the command.
        numbers: set[int] = {
            number for number in signal.valid_signals() - _OWN if signal.getsignal(number) is not signal.SIG_IGN
        }
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if ignored, the child's exit status would be lost
        numbers.add(signal.SIGCHLD)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        try:
            child = subprocess.Popen(argv, env=dict(environ), close_fds=False, preexec_fn=_in_child(before))  # noqa: PLW1509 - no thread runs yet
            started()
            while child.returncode is None:
                _take(child, *_next_signal(numbers))
            return child.returncode
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _in_child(mask: "set[int]") -> "Callable[[], None]":
        """Return what the child runs before it executes the command."""
        parent = os.getpid()
        control: Callable[[int, int], int] | None = None
        if sys.platform == "linux":
            import ctypes

            control = ctypes.CDLL(None).prctl

        def prepare() -> None:
            if control is not None:
                control(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
                if os.getppid() != parent:
                    os._exit(1)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

        return prepare

    def _next_signal(numbers: "set[int]") -> tuple[int, bool]:
        """Wait for a signal; return it, and whether the terminal has also sent it to the child."""
        if hasattr(signal, "sigwaitinfo"):
            came = signal.sigwaitinfo(numbers)
            return came.si_signo, came.si_code > 0  # from the kernel, not from a process
        number = signal.sigwait(numbers)
        with foreground_terminal() as terminal:
            by_terminal = number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH)
            return number, by_terminal and terminal is not None

    def _take(child: "subprocess.Popen[bytes]", number: int, sent_to_group: bool) -> None:
        """Handle a signal: check on the child, or forward the signal to it."""
        if number != signal.SIGCHLD:
            if not sent_to_group:
                os.kill(child.pid, number)
            return
        pid, status = os.waitpid(child.pid, os.WNOHANG | os.WUNTRACED)
        if pid == 0:
            return
        if os.WIFSTOPPED(status):
            if os.WSTOPSIG(status) in _JOB_CONTROL:
                os.kill(os.getpid(), signal.SIGSTOP)  # the waiting shell then sees a stopped job
            return
        child.returncode = os.waitstatus_to_exitcode(status)
