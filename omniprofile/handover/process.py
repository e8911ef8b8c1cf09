"""Becoming another program (POSIX), or running it and returning its exit status (Windows).

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import NoReturn

    from omniprofile.errors import Error


def run_command(argv: "Sequence[str]", environ: "Mapping[str, str]") -> int:
    """Replace this process by `argv` with `environ`, so that exit status and signals are the command's own.

    Windows cannot replace a process: there, run it as a child and return its exit status. The program is looked up in
    `environ`'s `PATH`. Raises CommandNotFound and CommandNotRunnable, which exit with 127 and 126 like env(1) and the shells.
    """
    try:
        if sys.platform == "win32":
            return run_waiting(argv, environ)
        _become(argv, environ)
    except OSError as problem:
        raise not_run(argv[0], problem) from problem


def not_run(program: str, problem: OSError) -> "Error":
    """Return the error for a command that the system did not run."""
    from omniprofile.errors import CommandNotFound, CommandNotRunnable
    from omniprofile.model.names import printable

    name = printable(program)
    if not isinstance(problem, (FileNotFoundError, NotADirectoryError)):
        why = (problem.strerror or "unknown error").lower()
        return CommandNotRunnable(f"`{name}` cannot be run: {why}", hint="is it a program, and executable?")
    if os.path.exists(program) and os.sep in program:
        # The kernel found the script, but not the interpreter named in its first line.
        return CommandNotRunnable(f"`{name}` cannot be run: the interpreter in its first line is missing")
    if os.sep in program and not any(char.isspace() for char in program):
        hint = "check the path"
    else:
        hint = "check its spelling and `PATH`; a shell's builtin, an alias or a whole command line needs `sh -c`"
    return CommandNotFound(f"command `{name}` not found", hint=hint)


def _become(argv: "Sequence[str]", environ: "Mapping[str, str]") -> "NoReturn":
    """Reset the signals that Python ignores, which the next program would otherwise inherit, and become that program.

    If this fails, ignore them again: this process must still report why, perhaps to a reader that has gone.
    """
    # `signal` wraps this module in enums, which costs half as much as starting the interpreter.
    import _signal  # type: ignore[import-not-found]  # no stubs for the inner module

    numbers = [getattr(_signal, name) for name in ("SIGPIPE", "SIGXFSZ") if hasattr(_signal, name)]
    before = [_signal.signal(number, _signal.SIG_DFL) for number in numbers]
    try:
        os.execvpe(argv[0], list(argv), dict(environ))  # noqa: S606 - no shell is the point
    finally:
        for number, handler in zip(numbers, before, strict=True):
            _signal.signal(number, handler)


if sys.platform == "win32":

    def run_waiting(
        argv: "Sequence[str]", environ: "Mapping[str, str]", started: "Callable[[], None]" = lambda: None
    ) -> int:
        """Run `argv` on Windows, call `started` once it is running, and return its exit status. Raises OSError.

        Killing this process also kills the command, as if it had replaced this process.
        """
        import _signal  # type: ignore[import-not-found]  # no stubs for the inner module

        from omniprofile.handover.windows_command import windows_command
        from omniprofile.system.process_groups import Group

        # Ctrl-C goes to all of the console: the command decides what it means, from its first moment. It does not inherit this.
        before = _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
        try:
            child = Group(windows_command(argv, environ), environ, children=False)
            started()
            return child.wait()
        finally:
            _signal.signal(_signal.SIGINT, before)
