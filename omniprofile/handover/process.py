"""Becoming another program (POSIX), or running it and passing on how it ended (Windows)."""

import os
import sys
from collections.abc import Mapping, Sequence

from omniprofile.errors import CommandNotFound, CommandNotRunnable
from omniprofile.model.names import printable


def run_command(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Replace this process by `argv` with `environ`: exit status and signals are then the command's own.

    On Windows, which has no such thing, run it as a child and return its exit status. The program is looked up in `environ`'s
    `PATH`. Raises CommandNotFound and CommandNotRunnable, which end with 127 and 126 as env(1) and the shells do.
    """
    try:
        if sys.platform == "win32":
            return _run(argv, environ)
        _restore_signals()
        os.execvpe(argv[0], list(argv), dict(environ))  # noqa: S606 - no shell is the point
    except (FileNotFoundError, NotADirectoryError) as problem:
        name = printable(argv[0])
        if os.path.exists(argv[0]) and os.sep in argv[0]:
            # The kernel found the script, and not the interpreter that its first line names.
            raise CommandNotRunnable(
                f"`{name}` cannot be run: the interpreter in its first line is missing"
            ) from problem
        raise CommandNotFound(f"there is no command `{name}`", hint="is it on `PATH`, and spelt right?") from problem
    except OSError as problem:
        raise CommandNotRunnable(
            f"`{printable(argv[0])}` cannot be run: {(problem.strerror or 'unknown error').lower()}",
            hint="is it a program, and executable?",
        ) from problem


def _restore_signals() -> None:
    """Give back what Python took at its start: ignored signals stay ignored in the program that replaces this one."""
    import signal

    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


def _run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    import subprocess

    child = subprocess.Popen(list(argv), env=dict(environ))
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            # Ctrl-C goes to the whole console group: the child has it already, and decides what it means.
            continue


def parent_command() -> str | None:
    """The name of the process that started this one, or None where `/proc` does not tell."""
    try:
        with open(f"/proc/{os.getppid()}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip() or None
    except OSError:
        return None
