"""Refusing profile files that other users may write, replace or add."""

import os
from collections.abc import Iterable

from omniprofile.config.paths import DROP_IN_FOLDER
from omniprofile.errors import UnsafePermissions
from omniprofile.system.foreign_access import ForeignAccess, foreign_access, foreign_entries, real_path

RISK = "name hosts that get your credentials and commands that run as you"
"""What someone who can write a profile file can do with it."""


def unsafe(path: str, home: str, checked: set[str]) -> tuple[str, str] | None:
    """Return what is wrong, and a hint, if others may write or replace a profile file, or create it if it is missing.

    `checked` has the folders that are known to be safe, and gets those of this file.
    """
    found = foreign_access(path, home, checked) or _foreign_drop_ins(path)
    return found.refusal(RISK) if found else None


def _foreign_drop_ins(path: str) -> ForeignAccess | None:
    """Return who else may add files to the `profiles.d` of a profile file, by the folder's own name or its real one."""
    folder = os.path.dirname(path)
    names = (os.path.basename(folder), os.path.basename(real_path(folder)))
    return foreign_entries(folder) if DROP_IN_FOLDER in names else None


def refuse_unsafe(paths: Iterable[str], *, home: str) -> None:
    """Raise UnsafePermissions for the first file that is unsafe."""
    checked: set[str] = set()
    for path in paths:
        if found := unsafe(path, home, checked):
            message, hint = found
            raise UnsafePermissions(message, hint=hint)
