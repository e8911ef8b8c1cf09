"""Find the vendor's `omni` on `PATH`, and tell it from our shim.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

import os
import sys

from omniprofile.system.programs import programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENTERED = "OMNIPROFILE_ENTERED"
"""The scripts already run as the real `omni`."""
_OURS = b"omniprofile's shim of omni:"


def is_omni(program: str) -> bool:
    """Return, from its name, whether a command to be run is `omni`."""
    name = os.path.basename(program)
    return name == "omni" or (sys.platform == "win32" and name.lower() in ("omni", "omni.exe", "omni.cmd", "omni.bat"))


def is_ours(path: str) -> bool:
    """Return whether the program at `path` is our shim, or a copy of it."""
    return _OURS in _head(path)


def command_of_real_omni(
    program: str, words: "Sequence[str]", environ: "Mapping[str, str]"
) -> tuple[list[str], dict[str, str]]:
    """Return the command and environment that run the real `omni`: `program` if that is its path, else the next on `PATH`.

    Enters a script only once: one that calls `omniprofile exec` again would loop for ever. Raises CommandNotFound.
    """
    entered = environ.get(ENTERED, "")
    by_path = [program] if os.path.dirname(program) and not is_ours(program) else ()
    for path in by_path or programs("omni", environ):
        head = _head(path)
        script = head[:2] == b"#!"
        if by_path or not (_OURS in head or (script and path in entered.split(os.pathsep))):
            mark = {ENTERED: os.pathsep.join(filter(None, [entered, path]))} if script else {}
            return [path, *words], {**environ, **mark}
    from omniprofile.errors import CommandNotFound

    raise CommandNotFound(
        "the real `omni` is not on `PATH`", hint="install the vendor's CLI, or put its folder on `PATH`"
    )


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(100)
    except OSError:  # a program may be executable but not readable
        return b""


def unreached(environ: "Mapping[str, str]", shim: str) -> tuple[str, str] | None:
    """Return why `omni` in a child of `exec` would not run the shim in the folder `shim`, and what to do; None if it would.

    If not, the real one still uses the credential handed over, because it has no config.
    """
    ours = os.path.join(shim, "omni.cmd" if sys.platform == "win32" else "omni")
    if os.pathsep in shim:
        return f"`{shim}` cannot stand on `PATH`", f"install omniprofile in a folder without `{os.pathsep}` in its name"
    if not os.access(ours, os.X_OK):
        lost = os.path.exists(ours) and not os.stat(ours).st_mode & 0o111
        remedy = (
            f"run `chmod +x {ours}`" if lost else "install omniprofile on a file system that programs may be run from"
        )
        return f"`{ours}` cannot be run" + ("" if lost else ", as on a file system mounted noexec"), remedy
    path = next(programs("omni", environ), None)
    if path and not is_ours(path):
        return f"`{path}` comes first on `PATH`", f"put `{shim}` first, as `exec` did"
    return None
