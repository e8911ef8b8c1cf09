"""The check for group-writable profile files and folders. The loader itself refuses what anyone can write to."""

import stat
import sys
from contextlib import suppress

from omniprofile.config.loader import Files
from omniprofile.config.permissions import RISK
from omniprofile.model.finding import Finding
from omniprofile.model.rule_codes import Code
from omniprofile.model.shell_words import quoted_place
from omniprofile.system.foreign_access import is_above, others_can_write, steps_to


def writable_by_groups(files: Files) -> None:
    """Report files that a group may write, and folders in which a group may replace or add files.

    A user's private group, which many systems create for each user, does not count.
    """
    if sys.platform == "win32":
        return
    import grp
    import pwd

    seen: set[str] = set()
    for file in files.reads:
        for place, status in steps_to(file):
            if place in seen or stat.S_ISLNK(status.st_mode):
                continue
            seen.add(place)
            # In a sticky folder (`/tmp`) users cannot replace each other's files. The system's own folders are root's
            # responsibility.
            if others_can_write(status) or status.st_mode & stat.S_ISVTX or not status.st_mode & stat.S_IWGRP:
                continue
            if place != file and is_above(place, files.home):
                continue
            group, own = str(status.st_gid), status.st_gid == status.st_uid
            with suppress(KeyError):
                name = grp.getgrgid(status.st_gid).gr_name
                group = f"`{name}`"
                own = own or name == pwd.getpwuid(status.st_uid).pw_name
            if not own:
                what = f"the folder `{place}`" if stat.S_ISDIR(status.st_mode) else f"`{place}`"
                message = f"the group {group} may write {what}, and so {RISK}"
                hint = f"run `chmod g-w {quoted_place(place)}`"
                files.findings.append(Finding(file, 1, 1, Code.GROUP_WRITABLE, message, hint))
