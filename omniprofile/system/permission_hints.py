"""Say what to do about a file or folder whose owner or mode is wrong. The fast path imports it only when one is."""

import os
import stat
import sys

from omniprofile.model.names import quoted_place
from omniprofile.system.foreign_access import is_read_only, owner_of, steps_to

_WITHOUT_MODES = frozenset(
    "9p drvfs vfat msdos exfat ntfs ntfs3 fuseblk cifs smb3 vboxsf fuse.sshfs hfsplus".split()  # noqa: SIM905 - one line
)


def owner_hint(problem: BaseException, path: str) -> str | None:
    """Return the hint for a PermissionError caused by a root-owned file or folder, as `sudo` leaves behind; else None."""
    if sys.platform == "win32" or getattr(problem, "errno", None) not in (1, 13) or os.geteuid() == 0:
        return None
    for place, status in reversed(steps_to(path)):
        if status.st_uid != 0 or stat.S_ISLNK(status.st_mode) or place == os.sep:
            return None
        if owner_of(os.path.dirname(place)) == os.geteuid():
            return f"it belongs to root: run `sudo chown -R {os.geteuid()} {quoted_place(place)}`"
    return None


def instead_of_chmod(path: str) -> str | None:
    """Return what to do instead of `chmod` on a file system that ignores modes; None if `chmod` works."""
    kind = _mounted_as(path)
    if kind in ("9p", "drvfs") and os.path.exists("/proc/sys/fs/binfmt_misc/WSLInterop"):
        return (
            '`chmod` does nothing on this drive: move the file into your Linux home, or set `options = "metadata,umask=022"` '
            "under `[automount]` in `/etc/wsl.conf` and run `wsl.exe --shutdown`"
        )
    if kind in _WITHOUT_MODES:
        return f"`chmod` does nothing on a `{kind}` mount: mount it with `umask=022`, or move the file to another file system"
    if is_read_only(path):
        return "the file system is read-only: change the mode where the files come from"
    return None


def _mounted_as(path: str) -> str:
    """Return the Linux type of the file system that `path` is on; empty if unknown."""
    if sys.platform != "linux":
        return ""
    try:
        device = os.stat(path).st_dev
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
            for line in mounts:
                fields, _, source = line.partition(" - ")
                if fields.split()[2] == f"{os.major(device)}:{os.minor(device)}":
                    return source.split()[0]
    except (OSError, IndexError):
        pass
    return ""
