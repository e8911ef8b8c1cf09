"""Running a command in place of this process.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def run_command(argv: "Sequence[str]", environ: "Mapping[str, str]") -> int:
    """Replace this process by `argv` with `environ`, so that exit status and signals are the command's own.

    Windows cannot replace a process: there, run it as a child and return its exit status. The program is looked up in
    `environ`'s `PATH`. Raises CommandNotFound and CommandNotRunnable.
    """
    if sys.platform == "win32":
        from omniprofile.handover.run_as_child import run_child

        return run_child(argv, environ)
    # `signal` wraps this module in enums, which costs a third as much as starting the interpreter.
    import _signal  # type: ignore[import-not-found]  # no stubs for the inner module

    # Reset the signals that Python ignores, which the command would inherit. If it cannot be run, ignore them again: this
    # process must still report why, perhaps to a reader that has gone.
    numbers = [getattr(_signal, name) for name in ("SIGPIPE", "SIGXFSZ") if hasattr(_signal, name)]
    before = [_signal.signal(number, _signal.SIG_DFL) for number in numbers]
    try:
        os.execvpe(argv[0], list(argv), dict(environ))  # noqa: S606 - no shell is the point
    except OSError as problem:
        from omniprofile.handover.not_run import not_run

        raise not_run(argv[0], problem) from problem
    finally:
        for number, handler in zip(numbers, before, strict=True):
            _signal.signal(number, handler)
