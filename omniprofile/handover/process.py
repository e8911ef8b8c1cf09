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
        from omniprofile.system.process_groups import Group

        child = Group(windows_command(argv, environ), environ, children=False)
        started()
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                # Ctrl-C goes to the whole console group: the child got it too, and decides what it means.
                continue


def windows_command(argv: "Sequence[str]", environ: "Mapping[str, str]") -> "str | list[str]":
    """Return the command line with which Windows runs `argv`: the program found by `PATHEXT`, a batch file through `cmd`.

    `cmd` parses a batch file's command line by its own rules; arguments are escaped for them, so that none can run a command
    (CVE-2024-24576). Raises FileNotFoundError and OSError.
    """
    from shutil import which

    from omniprofile.system.capture import find_program

    # Use a path as given. Never look for a bare name in the working directory, as Windows would: that may be someone else's
    # repository.
    program = which(argv[0]) if os.path.dirname(argv[0]) else find_program(argv[0], environ)
    if program is None:
        raise FileNotFoundError(2, "No such file or directory", argv[0])
    if not program.lower().endswith((".bat", ".cmd")):
        return [program, *argv[1:]]
    if any(character in word for word in argv for character in "\r\n\0"):
        raise OSError(22, "a line break cannot be passed to a batch file", argv[0])
    line = " ".join(_batch_argument(word) for word in (program, *argv[1:]))
    shell = environ.get("COMSPEC") or "cmd.exe"
    return f'"{shell}" /d /e:on /v:off /c "{line}"'


def _batch_argument(word: str) -> str:
    """Quote one argument of a batch file, unless it needs no quotes: a batch file sees them.

    Within quotes only `%` is special to `cmd`: `%%cd:~,%` expands to a `%` that begins no variable. Quotes are doubled, and so
    are backslashes before them, as expected by the C runtime of the program that the batch file calls.
    """
    if word and all(character.isalnum() or character in "#$*+-./:?@\\_" for character in word):
        return word
    quoted = []
    backslashes = 0
    for character in word:
        if character == '"':
            quoted.append("\\" * backslashes + '""')
        else:
            quoted.append("%%cd:~,%" if character == "%" else character)
        backslashes = backslashes + 1 if character == "\\" else 0
    return '"' + "".join(quoted) + "\\" * backslashes + '"'


def parent_command() -> str | None:
    """Return the name of the program that started this one, or None if the system does not tell."""
    if sys.platform == "win32":
        from omniprofile.system.windows import ancestors

        # The `omniprofile.exe` that installers create starts Python and waits for it: skip both.
        return next((name for name in ancestors() if not name.lower().startswith(("omniprofile", "python"))), None)
    try:
        with open(f"/proc/{os.getppid()}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip() or None
    except OSError:
        return None
