"""Mounted file systems that ignore modes. The fast path imports it only when a mode is wrong."""

import os
import sys

_WITHOUT_MODES = frozenset(
    "9p drvfs vfat msdos exfat ntfs ntfs3 fuseblk cifs smb3 vboxsf fuse.sshfs hfsplus".split()  # noqa: SIM905 - one line
)


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
