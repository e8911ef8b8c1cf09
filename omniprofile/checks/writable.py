"""Which groups may write the profile files and their folders. What anyone can write to, the loader finds: it is refused."""

import stat
import sys
from contextlib import suppress

from omniprofile.config.loader import RISK, Files
from omniprofile.model.finding import Code, Finding
from omniprofile.model.names import quoted_place
from omniprofile.system.access import is_above, others_can_write, steps_to


def writable_by_groups(files: Files) -> None:
    """Report files that a group may write, and folders in which it may replace or add files.

    A user's own group, which many systems give each user, is no group of several people.
    """
    if sys.platform == "win32":
        return
    import grp
    import pwd

    seen: set[str] = set()
    for file in files.statuses:
        for place, status in steps_to(file):
            if place in seen or stat.S_ISLNK(status.st_mode):
                continue
            seen.add(place)
            # In a sticky folder (`/tmp`) nobody replaces a file of somebody else; the system's own folders are root's matter.
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
