"""Which groups may write the profile files and their folders. What anyone can write to, the loader finds: it is refused."""

import os
import stat
import sys

from omniprofile.config.loader import RISK, Files
from omniprofile.model.finding import Code, Finding
from omniprofile.model.names import quoted_place
from omniprofile.system.access import is_above, others_can_write, steps_to


def writable_by_groups(files: Files) -> None:
    """Report files that a group may write, and folders in which it may replace or add files."""
    if sys.platform == "win32":
        return
    seen: set[str] = set()
    for file in files.statuses:
        for place, status in steps_to(file):
            if place in seen or stat.S_ISLNK(status.st_mode):
                continue
            seen.add(place)
            # In a sticky folder (`/tmp`) nobody replaces a file of somebody else; the system's own folders are root's matter.
            if others_can_write(status) or status.st_mode & stat.S_ISVTX or not _group_can_write(status):
                continue
            if place == file or not is_above(place, files.home):
                _report(files, file, place, status)


def _report(files: Files, file: str, path: str, status: os.stat_result) -> None:
    what = f"the folder `{path}`" if stat.S_ISDIR(status.st_mode) else f"`{path}`"
    message = f"the group {_group(status)} may write {what}, and so {RISK}"
    found = Finding(file, 1, 1, Code.GROUP_WRITABLE, message, f"run `chmod g-w {quoted_place(path)}`")
    files.findings.append(found)


def _group_can_write(status: os.stat_result) -> bool:
    """Whether a group of several people may write. A user's own group, which many systems give each user, is none."""
    return bool(status.st_mode & stat.S_IWGRP) and not _is_private(status)


def _is_private(status: os.stat_result) -> bool:
    if sys.platform == "win32" or status.st_gid == status.st_uid:
        return True
    import grp
    import pwd

    try:
        return grp.getgrgid(status.st_gid).gr_name == pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        return False


def _group(status: os.stat_result) -> str:
    if sys.platform == "win32":
        return str(status.st_gid)
    import grp

    try:
        return f"`{grp.getgrgid(status.st_gid).gr_name}`"
    except KeyError:
        return str(status.st_gid)
