"""Find the shell that called omniprofile, and so reads what it prints.

On the fast path: imports only what a bare interpreter has loaded.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PROCESSES = {
    **dict.fromkeys(("bash", "sh", "dash", "ash", "ksh", "mksh"), "bash"),
    "zsh": "zsh",
    "fish": "fish",
    "pwsh": "powershell",
    "powershell": "powershell",
    "cmd": "cmd",
}
"""Shells by process name. Every POSIX shell can read what is written for bash."""


def calling_shell(environ: "Mapping[str, str]", parent: str | None) -> str:
    """Return the shell to write for, bash if unknown. `parent` is the name of the parent process, if known.

    The hook's function that will evaluate the output decides. Otherwise, trust a shell named by a variable unless the parent is
    a different shell: then the variable was inherited from further up.
    """
    hook = environ.get("OMNIPROFILE_HOOK")
    if environ.get("OMNIPROFILE_EVAL") == "1" and hook and hook in _PROCESSES.values():
        return hook
    known = _PROCESSES.get((parent or "").lower().removesuffix(".exe").removeprefix("-"))
    for declared in (hook, environ.get("OMNIPROFILE_SHELL")):
        if declared and declared in _PROCESSES.values() and known in (None, declared):
            return declared
    return known or "bash"


def parent_command() -> str | None:
    """Return the name of the program that started this one, or None if the system does not tell."""
    if sys.platform == "win32":
        from omniprofile.system.windows.ancestors import ancestors

        # The `omniprofile.exe` that installers create starts Python and waits for it: skip both.
        return next((name for name in ancestors() if not name.lower().startswith(("omniprofile", "python"))), None)
    try:
        with open(f"/proc/{os.getppid()}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip() or None
    except OSError:
        return None
