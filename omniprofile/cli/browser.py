"""The browser that shows an instance: the profile's own, or the one that `BROWSER` and the desktop give."""

import os
import subprocess
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass

from omniprofile.errors import OperationFailed
from omniprofile.model.names import printable
from omniprofile.model.resolution import Resolution
from omniprofile.system.capture import find_program

_TEXT_BROWSERS = frozenset(("www-browser", "links", "elinks", "lynx", "w3m", "browsh"))
_SECONDS = 2.0
"""How long a browser of the profile's is watched: one that ends badly in that time did not open, one that runs on did."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser. `argv` is the profile's own, None for the one that `webbrowser` chooses.

    `shares_terminal`: it runs in the foreground, and may read what is typed.
    """

    shares_terminal: bool
    argv: tuple[str, ...] | None = None

    def __call__(self, address: str) -> bool:
        """Open an address; tell whether that worked, as far as the browser says. Raises OSError and ValueError."""
        if self.argv is None:
            try:
                return webbrowser.open(address)
            except webbrowser.Error:
                return False
        argv = [*self.argv, address]
        if self.shares_terminal:
            return subprocess.run(argv, check=False).returncode == 0
        nothing = subprocess.DEVNULL
        # In a session of its own it outlives this terminal.
        child = subprocess.Popen(argv, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
        try:
            return child.wait(_SECONDS) == 0
        except subprocess.TimeoutExpired:
            child.returncode = 0  # it runs on, and nobody waits for it: no warning at the end of this process
            return True


def find_browser(resolution: Resolution, environ: Mapping[str, str], *, on_terminal: bool) -> Browser | None:
    """Return the browser for a profile, or None where there is none: one that shows text does not count without a terminal.

    Raises OperationFailed where the profile's own is not there: another one would be logged in as somebody else.
    """
    if not resolution.browser:
        try:
            found = webbrowser.get()
        except webbrowser.Error:
            return None
        in_foreground = type(found) is webbrowser.GenericBrowser
        if in_foreground and not on_terminal and os.path.basename(getattr(found, "name", "")) in _TEXT_BROWSERS:
            return None
        return Browser(in_foreground and on_terminal)
    name, *arguments = resolution.browser
    # A path that begins at the working directory would be another program in a cloned repository: somebody else's.
    relative = bool(os.path.dirname(name)) and not os.path.isabs(name)
    program = None if relative else find_program(name, environ)
    if program is None or not os.path.exists(program):
        raise OperationFailed(
            f"the browser `{printable(name)}` of profile `{resolution.profile}` was not found",
            hint="correct `browser` in the profile file: it names a program of `PATH`, or its whole path, and its arguments",
        )
    is_text = os.path.basename(name) in _TEXT_BROWSERS
    return None if is_text and not on_terminal else Browser(is_text, (program, *arguments))
