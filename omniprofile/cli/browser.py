"""The browser for an instance: the profile's own, or the one selected by `BROWSER` or the desktop."""

import os
import subprocess
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from omniprofile.errors import OperationFailed
from omniprofile.model.names import printable
from omniprofile.model.resolution import Resolution
from omniprofile.system.programs import absolute_folders, find_program

_TEXT_BROWSERS = frozenset(("www-browser", "links", "elinks", "lynx", "w3m", "browsh"))
_SECONDS = 2.0
"""Seconds to watch the profile's browser. If it fails within them, it did not open; if it is still running, it did."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser. `argv` is the profile's own, or None for the one that `webbrowser` selects.

    `shares_terminal`: it runs in the foreground, and may read the terminal's input.
    """

    shares_terminal: bool
    argv: tuple[str, ...] | None = None

    def __call__(self, address: str) -> bool:
        """Open an address; return whether the browser reports success. Raises OSError and ValueError."""
        if self.argv is None:
            try:
                with _absolute_path():
                    return webbrowser.open(address)
            except webbrowser.Error:
                return False
        argv = [*self.argv, address]
        if self.shares_terminal:
            return subprocess.run(argv, check=False).returncode == 0
        nothing = subprocess.DEVNULL
        # In its own session it outlives this terminal.
        child = subprocess.Popen(argv, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
        try:
            return child.wait(_SECONDS) == 0
        except subprocess.TimeoutExpired:
            child.returncode = 0  # left running; a set returncode prevents a ResourceWarning at exit
            return True


@contextmanager
def _absolute_path() -> Iterator[None]:
    """Hide the relative entries of `PATH` from `webbrowser`, which would run programs of the working directory."""
    before = os.environ.get("PATH")
    if before:
        os.environ["PATH"] = os.pathsep.join(absolute_folders(os.environ)) or os.defpath
    try:
        yield
    finally:
        if before:
            os.environ["PATH"] = before


def find_browser(resolution: Resolution, environ: Mapping[str, str], *, on_terminal: bool) -> Browser | None:
    """Return the browser for a profile, or None. Without a terminal, a text browser does not count.

    Raises OperationFailed if the profile's own is not found: another one might be logged in as somebody else.
    """
    if not resolution.browser:
        try:
            with _absolute_path():
                found = webbrowser.get()
        except webbrowser.Error:
            return None
        in_foreground = type(found) is webbrowser.GenericBrowser
        if in_foreground and not on_terminal and os.path.basename(getattr(found, "name", "")) in _TEXT_BROWSERS:
            return None
        return Browser(in_foreground and on_terminal)
    name, *arguments = resolution.browser
    # A relative path would run a program of the working directory, perhaps a cloned repository.
    relative = bool(os.path.dirname(name)) and not os.path.isabs(name)
    program = None if relative else find_program(name, environ)
    if program is None or not os.path.exists(program):
        raise OperationFailed(
            f"the browser `{printable(name)}` of profile `{resolution.profile}` was not found",
            hint="correct `browser` in the profile file: it names a program of `PATH`, or its whole path, and its arguments",
        )
    is_text = os.path.basename(name) in _TEXT_BROWSERS
    return None if is_text and not on_terminal else Browser(is_text, (program, *arguments))
