"""Finding programs on `PATH`, never in the working directory, which may be someone else's repository.

On the fast path: imports only what a bare interpreter has loaded.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def absolute_folders(environ: "Mapping[str, str]") -> list[str]:
    """Return the folders on `PATH`, without its relative entries."""
    return [folder for folder in (environ.get("PATH") or os.defpath).split(os.pathsep) if os.path.isabs(folder)]


def programs(name: str, environ: "Mapping[str, str]") -> "Iterator[str]":
    """Yield the absolute path of each program `name` in the order of `PATH`, whose relative entries are skipped.

    Windows runs files by their extension: a name without one is tried with each extension in `PATHEXT`, and never on its own.
    """
    extensions = [""]
    if sys.platform == "win32":
        known = environ.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").upper().split(os.pathsep)
        extensions = [""] if name.upper().endswith(tuple(known)) else known
    for folder in absolute_folders(environ):
        for extension in extensions:
            path = os.path.join(folder, name + extension)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                yield path


def find_program(name: str, environ: "Mapping[str, str]") -> str | None:
    """Return the absolute path of program `name`: `name` itself if it is one, else the first on `PATH`, or None."""
    return name if os.path.isabs(name) else next(programs(name, environ), None)
