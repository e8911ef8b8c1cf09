"""Judging who else may read or change a file, and saying what to do about it.

On the fast path: imports only what a bare interpreter has loaded.
"""

import os
import stat
import sys


class ForeignAccess:
    """A file, link or folder that somebody else than this user (or root) may change, and `why`, in a few words."""

    __slots__ = ("path", "status", "why")

    def __init__(self, path: str, status: os.stat_result, why: str) -> None:
        self.path = path
        self.status = status
        self.why = why

    def refusal(self, risk: str) -> tuple[str, str]:
        """Return the sentence that says what is wrong, and the hint how to fix it; `risk` is what the others could do."""
        from omniprofile.model.names import printable_place, quoted_place

        shown, word = printable_place(self.path), quoted_place(self.path)
        if stat.S_IFMT(self.status.st_mode) not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            # Of a device nobody may be told to change the mode: the system needs `/dev/null` as it is.
            return f"anyone can write to `{shown}`, and so {risk}", "use a regular file of your own"
        is_link = stat.S_ISLNK(self.status.st_mode)
        kind = "the link " if is_link else "the folder " if stat.S_ISDIR(self.status.st_mode) else ""
        if others_can_write(self.status) and not is_link:
            message = f"anyone can write to {kind}`{shown}`, and so {risk}"
            mine = _user() in (0, self.status.st_uid)
            change = f"run `chmod o-w {word}`" if mine else f"let its owner run `chmod o-w {word}`"
            return message, _where_chmod_does_nothing(self.path) or change
        option = "-h " if is_link else ""
        return (
            f"{kind}`{shown}` {self.why}, who can {risk}",
            f"use one of your own, or run `chown {option}{_user()} {word}` as root if it is yours",
        )


def _user() -> int:
    """Return the number of this user. Windows gives all files the owner 0, and users no number: 0 there."""
    if sys.platform == "win32":
        return 0
    return os.geteuid()


def foreign_access(path: str, home: str, known: "set[str] | None" = None) -> "ForeignAccess | None":
    """Find who else may decide what `path` holds: the one rule for files that choose or hold credentials.

    Looks at every folder and link on the way to the file, as named and as resolved, and at the file, where it exists. Each
    must belong to this user or root, and not be writable by everybody; a sticky folder such as `/tmp`, where nobody
    replaces a file of another user, may. Root may use files of any owner. Folders above `home` are not checked: who controls
    those has the whole home. On a read-only file system modes say nothing, nor do the owners of folders. What a group may
    write passes; lint warns.

    `known` collects places that were checked, so that several files in one folder cost little. On Windows nothing is
    checked: there access is by lists which the standard library cannot read. Raises nothing.
    """
    if sys.platform == "win32":
        return None
    for place, status in steps_to(path):
        if known is not None and place in known:
            continue
        why = foreign_write_access(status)
        if why is not None and not is_above(place, home) and not _is_excused(place, status):
            return ForeignAccess(place, status, why)
        if known is not None:
            known.add(place)
    return None


def steps_to(path: str) -> "list[tuple[str, os.stat_result]]":
    """Return each folder, link and file that opening `path` goes through, from the root, with its status. Raises nothing."""
    steps = []
    current = os.sep
    links = 0
    # An absolute path does not ask for the working directory, which may be gone.
    names = (path if os.path.isabs(path) else os.path.join(os.getcwd(), path)).split(os.sep)[::-1]
    try:
        steps.append((current, os.lstat(current)))
        while names:
            name = names.pop()
            if name in ("", "."):
                continue
            if name == "..":
                current = os.path.dirname(current)
                continue
            place = os.path.join(current, name)
            status = os.lstat(place)
            steps.append((place, status))
            if not stat.S_ISLNK(status.st_mode):
                current = place
                continue
            links += 1
            if links > _MOST_LINKS:
                break
            target = os.readlink(place)
            names += target.split(os.sep)[::-1]
            if os.path.isabs(target):
                current = os.sep
    except (OSError, ValueError):
        pass  # it is missing from here on, or cannot be examined: whoever opens it finds out
    return steps


_MOST_LINKS = 40
"""So many links Linux follows, too."""


def real_path(path: str) -> str:
    """Return `path` as an absolute one without links, as far as they can be read. Raises nothing for a path that has no NUL.

    Before Python 3.13 `os.path.realpath` raises for a link that is there and may not be read, such as `/proc/1/root`: whoever
    may put a link into a folder could stop every command there.
    """
    try:
        return os.path.realpath(path)  # noqa: TID251 - the one place
    except OSError:
        folder, name = os.path.split(os.path.abspath(path))
        return os.path.join(real_path(folder), name) if name else folder


def is_above(folder: str, home: str) -> bool:
    """Whether `home` lies in `folder`, and is not that folder itself."""
    start = folder.rstrip(os.sep) + os.sep
    return bool(home) and any(place.startswith(start) and place != folder for place in (home, real_path(home)))


def _is_excused(place: str, status: os.stat_result) -> bool:
    """Whether what `foreign_write_access` found does not count, because nobody can write there: what clusters mount."""
    if stat.S_ISLNK(status.st_mode) or not is_read_only(place):
        return False
    return stat.S_ISDIR(status.st_mode) or _user() in (0, status.st_uid) or status.st_uid == 0


def foreign_write_access(status: os.stat_result) -> "str | None":
    """Return why a file, link or folder is somebody else's to change, in a few words; None where it is not."""
    if sys.platform == "win32":
        return None
    if status.st_uid not in (0, os.geteuid()) and os.geteuid() != 0:
        return "belongs to another user"
    if stat.S_ISLNK(status.st_mode):
        return None  # a link has no mode of its own
    if others_can_write(status) and not (stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX):
        return "can be written by anyone"
    return None


def refuse_foreign(path: str, home: str, risk: str) -> None:
    """Raise UnsafePermissions for the first place on the way to `path` that `foreign_access` finds."""
    found = foreign_access(path, home)
    if found is not None:
        from omniprofile.errors import UnsafePermissions

        message, hint = found.refusal(risk)
        raise UnsafePermissions(message, hint=hint)


def is_read_only(path: str) -> bool:
    """Whether the file system there is mounted read-only, for this process at least."""
    if sys.platform == "win32":
        return False
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _where_chmod_does_nothing(path: str) -> "str | None":
    """Return what to do instead of `chmod` where the file system keeps no modes; None where it does."""
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


_WITHOUT_MODES = frozenset(
    "9p drvfs vfat msdos exfat ntfs ntfs3 fuseblk cifs smb3 vboxsf fuse.sshfs hfsplus".split()  # noqa: SIM905 - one line
)


def _mounted_as(path: str) -> str:
    """Return the type of the file system that `path` is on, as Linux has it; empty where that is not known."""
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


def owner_hint(problem: BaseException, path: str) -> "str | None":
    """Return the hint for a PermissionError that a file or folder of another owner causes, as `sudo` leaves them; else None."""
    if sys.platform == "win32" or getattr(problem, "errno", None) not in (1, 13) or os.geteuid() == 0:
        return None
    for place, status in reversed(steps_to(path)):
        if status.st_uid != 0 or stat.S_ISLNK(status.st_mode) or place == os.sep:
            return None
        if owner_of(os.path.dirname(place)) == os.geteuid():
            from omniprofile.model.names import quoted_place

            return f"it belongs to root: run `sudo chown -R {os.geteuid()} {quoted_place(place)}`"
    return None


def owner_of(path: str) -> "int | None":
    """Return the user number of a file's owner, links followed; None where it cannot be looked at."""
    try:
        return os.stat(path).st_uid
    except OSError:
        return None


def others_can_write(status: os.stat_result) -> bool:
    """Whether anyone can write to the file. (Group-writable is normal where each user has a group of their own.)"""
    return sys.platform != "win32" and bool(status.st_mode & stat.S_IWOTH)


def others_can_read(status: os.stat_result) -> bool:
    """Whether anybody but the owner may read or write the file."""
    return sys.platform != "win32" and bool(status.st_mode & (stat.S_IRWXG | stat.S_IRWXO))
