"""The user's editor: which one it is, and running it on a file."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from omniprofile.cli.arguments import split_words
from omniprofile.errors import OperationFailed, UsageError
from omniprofile.model.names import printable
from omniprofile.system.exit_words import exit_words
from omniprofile.system.os_errors import reported_as
from omniprofile.system.programs import find_program

_USUAL = ("notepad",) if sys.platform == "win32" else ("editor", "nano", "vim", "vi")
_WAITS_IF_ASKED = frozenset(("code", "code-insiders", "codium", "cursor", "mate", "subl", "windsurf", "zed"))
"""Editors with a window of their own, whose command ends at once without the option `--wait` or `-w`."""


def find_editor(environ: Mapping[str, str], *, terminal: bool) -> list[str]:
    """Return the command line of the user's editor. The usual ones need a `terminal`.

    Raises UsageError if there is none, or if its command would end before the user saves anything.
    """
    for variable in ("VISUAL", "EDITOR"):
        if words := split_words(environ.get(variable, ""), f"`{variable}`"):
            name = os.path.splitext(os.path.basename(words[0]))[0]
            if name in _WAITS_IF_ASKED and not any(
                re.fullmatch("--wait|-[a-vx-z]*w[a-z]*", word) for word in words[1:]
            ):
                hint = f"set `{variable}` to `{printable(environ[variable].strip())} --wait`"
                raise UsageError(f"the editor `{name}` would end before you save anything", hint=hint)
            return words
    if not terminal:  # the usual editors would wait for keys forever
        raise UsageError("no editor is set, and the usual ones need a terminal", hint="set `EDITOR`")
    found = next((editor for editor in _USUAL if find_program(editor, environ)), None)
    if found is None:
        raise UsageError("no editor is known", hint="set `EDITOR`")
    return [found]


def run_editor(editor: list[str], path: str, environ: Mapping[str, str]) -> None:
    """Have the user edit the file `path`. Raises OperationFailed, and KeyboardInterrupt if Ctrl-C ended the editor."""
    program = editor[0] if os.path.dirname(editor[0]) else find_program(editor[0], environ)
    if program is None:
        message = f"the editor `{editor[0]}` cannot be run: it is not found on `PATH`"
        raise OperationFailed(message, hint="set `VISUAL` or `EDITOR`")
    cannot = reported_as(OperationFailed, f"the editor `{editor[0]}` cannot be run", "set `VISUAL` or `EDITOR`")
    with cannot, _keys_are_the_editors():
        status = subprocess.run([program, *editor[1:], path], env=dict(environ), check=False).returncode
    if status == -signal.SIGINT:
        raise KeyboardInterrupt
    if status:
        raise OperationFailed(f"the editor `{editor[0]}` {exit_words(status)}", hint="nothing was saved")


@contextmanager
def _keys_are_the_editors() -> Iterator[None]:
    """Ignore SIGINT and SIGQUIT while the editor runs, as git does: the terminal sends them to both processes."""
    names = [name for name in ("SIGINT", "SIGQUIT") if hasattr(signal, name)]
    # Unlike SIG_IGN, a handler is not inherited by the editor.
    before = {name: signal.signal(getattr(signal, name), lambda *_: None) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
