"""Becoming another program (POSIX), or running it and passing on how it ended (Windows).

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
    """Replace this process by `argv` with `environ`: exit status and signals are then the command's own.

    On Windows, which has no such thing, run it as a child and return its exit status. The program is looked up in `environ`'s
    `PATH`. Raises CommandNotFound and CommandNotRunnable, which end with 127 and 126 as env(1) and the shells do.
    """
    try:
        if sys.platform == "win32":
            return run_waiting(argv, environ)
        _become(argv, environ)
    except OSError as problem:
        raise not_run(argv[0], problem) from problem


def not_run(program: str, problem: OSError) -> "Error":
    """Return the error for a command that the system does not run."""
    from omniprofile.errors import CommandNotFound, CommandNotRunnable
    from omniprofile.model.names import printable

    name = printable(program)
    if not isinstance(problem, (FileNotFoundError, NotADirectoryError)):
        why = (problem.strerror or "unknown error").lower()
        return CommandNotRunnable(f"`{name}` cannot be run: {why}", hint="is it a program, and executable?")
    if os.path.exists(program) and os.sep in program:
        # The kernel found the script, and not the interpreter that its first line names.
        return CommandNotRunnable(f"`{name}` cannot be run: the interpreter in its first line is missing")
    if os.sep in program and not any(char.isspace() for char in program):
        hint = "check the path"
    else:
        hint = "check its spelling and `PATH`; a shell's builtin, an alias or a whole command line needs `sh -c`"
    return CommandNotFound(f"command `{name}` not found", hint=hint)


def _become(argv: "Sequence[str]", environ: "Mapping[str, str]") -> "NoReturn":
    """Give back what Python took at its start, for signals that are ignored stay so in the next program; then be it.

    Where that fails this process goes on, and has to tell why as before: to a reader that may be gone.
    """
    # The module `signal` is this one with enums around it, and costs as much as half of the interpreter's start.
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
        """Run `argv` on Windows, call `started` once it runs, and return its exit status. Raises OSError.

        It ends when this process is ended, as it would if it had replaced it.
        """
        from omniprofile.system.process_groups import Group

        child = Group(windows_command(argv, environ), environ, children=False)
        started()
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                # Ctrl-C goes to the whole console group: the child has it already, and decides what it means.
                continue


def windows_command(argv: "Sequence[str]", environ: "Mapping[str, str]") -> "str | list[str]":
    """Return what Windows must be given to run `argv`: the program as `PATHEXT` finds it, a batch file by `cmd`.

    Windows hands a batch file to `cmd`, which reads its command line by rules of its own; arguments are escaped for those,
    so that none of them can run a command (CVE-2024-24576). Raises FileNotFoundError and OSError.
    """
    from shutil import which

    from omniprofile.system.capture import find_program

    # A path is taken as it stands. A bare name is never looked for in the working directory, as Windows would: that may be a
    # repository of somebody else's.
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
    """Quote one argument of a batch file, unless it is plain: a batch file sees the quotes.

    Within quotes only `%` is special to `cmd`: `%%cd:~,%` expands to a `%` that begins no variable. A quote is doubled, and
    backslashes before one too, as the C runtime of the program that the batch file calls reads them.
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
    """Return the name of the program that started this one, or None where the system does not tell."""
    if sys.platform == "win32":
        from omniprofile.system.windows import ancestors

        # The `omniprofile.exe` that installers write starts Python, and waits for it.
        return next((name for name in ancestors() if not name.lower().startswith(("omniprofile", "python"))), None)
    try:
        with open(f"/proc/{os.getppid()}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip() or None
    except OSError:
        return None
