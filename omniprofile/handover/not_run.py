"""The error for a command that the system did not run."""

import errno
import os

from omniprofile.errors import CommandNotFound, CommandNotRunnable, Error
from omniprofile.model.names import printable
from omniprofile.system.files import reason


def not_run(program: str, problem: OSError) -> Error:
    """Return a CommandNotFound, or a CommandNotRunnable for a command that is there (as env(1) tells them apart)."""
    name = printable(program)
    if not isinstance(problem, (FileNotFoundError, NotADirectoryError)):
        hint = "is it a program, and executable?" if problem.errno in (errno.EACCES, errno.ENOEXEC) else None
        if problem.errno == errno.E2BIG:
            hint = "pass less in its arguments and in the environment"
        return CommandNotRunnable(f"`{name}` cannot be run: {reason(problem)}", hint=hint)
    if os.path.exists(program) and os.sep in program:
        # The kernel found the script, but not the interpreter named in its first line.
        return CommandNotRunnable(f"`{name}` cannot be run: the interpreter in its first line is missing")
    if os.sep in program and not any(char.isspace() for char in program):
        hint = "check the path"
    else:
        hint = "check its spelling and `PATH`; a shell's builtin, an alias or a whole command line needs `sh -c`"
    return CommandNotFound(f"command `{name}` not found", hint=hint)
