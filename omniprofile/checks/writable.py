"""Who else may write the profile files: their modes and those of their folders. The files' own "everybody" is the loader's."""

import os
import stat

from omniprofile.config.loader import Files
from omniprofile.config.paths import DROP_IN_FOLDER
from omniprofile.model.finding import Code, Finding, Level

_RISK = "and so name hosts that get your credentials and commands that run as you"


def writable_by_others(files: Files) -> None:
    """Report files that a group may write, and folders in which others may replace or add files."""
    if os.name != "posix":
        return
    seen: set[str] = set()
    for file, status in files.statuses.items():
        if _group_can_write(status):
            _report(files, file, Code.GROUP_WRITABLE, f"the group {_group(status)} may write `{file}`", f"g-w {file}")
        for folder in dict.fromkeys((os.path.dirname(file) or ".", os.path.dirname(os.path.realpath(file)))):
            if (real := os.path.realpath(folder)) not in seen:
                seen.add(real)
                _check_folder(files, file, folder)


def _check_folder(files: Files, file: str, folder: str) -> None:
    try:
        status = os.stat(folder)
    except OSError:
        return  # gone since the file was read: who may write it says nothing any more
    # In a sticky folder (`/tmp`) nobody replaces a file of somebody else; but a file added to `profiles.d` is read as well.
    if status.st_mode & stat.S_ISVTX and os.path.basename(os.path.realpath(folder)) != DROP_IN_FOLDER:
        return
    if status.st_mode & stat.S_IWOTH:
        _report(files, file, Code.WRITABLE, f"everybody may write the folder `{folder}`", f"o-w {folder}")
    elif _group_can_write(status):
        message = f"the group {_group(status)} may write the folder `{folder}`"
        _report(files, file, Code.GROUP_WRITABLE, message, f"g-w {folder}")


def _report(files: Files, file: str, code: Code, message: str, change: str) -> None:
    level = Level.ERROR if code is Code.WRITABLE else Level.WARNING
    files.findings.append(Finding(file, 1, 1, code, level, f"{message}, {_RISK}", f"run `chmod {change}`"))


def _group_can_write(status: os.stat_result) -> bool:
    """Whether a group of several people may write. A user's own group, which many systems give each user, is none."""
    return bool(status.st_mode & stat.S_IWGRP) and not _is_private(status)


def _is_private(status: os.stat_result) -> bool:
    import grp
    import pwd

    if status.st_gid == status.st_uid:
        return True
    try:
        return grp.getgrgid(status.st_gid).gr_name == pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        return False


def _group(status: os.stat_result) -> str:
    import grp

    try:
        return f"`{grp.getgrgid(status.st_gid).gr_name}`"
    except KeyError:
        return str(status.st_gid)
