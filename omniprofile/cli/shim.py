"""omniprofile's own `omni`: the shim in a child of `exec`, and the program that the hook's wrapper calls.

The shim starts with `python -I -S`, so it can only import the standard library and omniprofile. On the fast path: it imports only
modules that a bare interpreter has loaded, and others for errors.
"""

import os
import sys

from omniprofile.handover.omni import plan
from omniprofile.handover.omni_command_line import CommandLine
from omniprofile.model.variable_names import CHILD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def shim(words: "Sequence[str]") -> int:
    """Run `omni` in a child of `exec`; return the exit status. On POSIX the real `omni` replaces this process."""
    from omniprofile.handover.run_in_place import run_command

    try:
        given = plan(["omni", *words], os.environ, _tell)
        if not isinstance(given, str):
            return run_command(*given)
        from omniprofile.cli.stream import write_out

        write_out(sys.stdout, given)
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as problem:
        from omniprofile.cli.exit_statuses import BROKEN_PIPE, status_of
        from omniprofile.errors import Error

        if isinstance(problem, BrokenPipeError):
            return BROKEN_PIPE
        if not isinstance(problem, Error):
            raise
        _tell(f"error: {problem.lines}")
        return status_of(problem)


def wrapped(words: "Sequence[str]") -> list[str] | int:
    """Return the omniprofile command line for a wrapped `omni`, or the exit status if `omni` has already run.

    `-p` selects the profile for `exec`. In a child of `exec` without `-p`, the credential passed by that `exec` is used.
    """
    line = CommandLine(words)
    names = [name for name in line.given["--profile"] if name]
    if line.direct or (CHILD in os.environ and not names):
        return shim(words)
    checked = [word for flag in ("--base-url", "--token") for value in line.given[flag] for word in (flag, value)]
    return ["exec", *(word for name in names for word in ("-p", name)), "--", "omni", *checked, *line.rest]


def _tell(sentence: str) -> None:
    from omniprofile.model.names import legible
    from omniprofile.model.secret import without_keys

    try:
        os.write(2, f"omniprofile: {legible(without_keys(sentence))}\n".encode("utf-8", "replace"))
    except OSError:  # stderr is gone, and the exit status reports the error too
        return
