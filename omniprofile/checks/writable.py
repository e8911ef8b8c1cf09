"""Which groups may write the profile files and their folders. What everybody may write, the loader finds: it is refused."""

import os
import stat

from omniprofile.config.loader import RISK, Files
from omniprofile.model.finding import Code, Finding, Level
from omniprofile.system.files import others_can_write


def writable_by_groups(files: Files) -> None:
    """Report files that a group may write, and folders in which it may replace or add files."""
    if os.name != "posix":
        return
    seen: set[str] = set()
    for file, status in files.statuses.items():
        if _group_can_write(status):
            _report(files, file, file, status)
        for folder in dict.fromkeys((os.path.dirname(file) or ".", os.path.dirname(os.path.realpath(file)))):
            if (real := os.path.realpath(folder)) in seen or folder not in files.folders:
                continue
            seen.add(real)
            place = files.folders[folder]
            # In a sticky folder (`/tmp`) nobody replaces a file of somebody else.
            if not others_can_write(place) and not place.st_mode & stat.S_ISVTX and _group_can_write(place):
                _report(files, file, folder, place)


def _report(files: Files, file: str, path: str, status: os.stat_result) -> None:
    what = f"the folder `{path}`" if stat.S_ISDIR(status.st_mode) else f"`{path}`"
    message = f"the group {_group(status)} may write {what}, and so {RISK}"
    found = Finding(file, 1, 1, Code.GROUP_WRITABLE, Level.WARNING, message, f"run `chmod g-w {path}`")
    files.findings.append(found)


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
