"""Find who else can read or change a file, through its mode or a folder or link on the way to it, and say how to fix that.

On the fast path: imports only what a bare interpreter has loaded.
"""

import os
import stat
import sys


class ForeignAccess:
    """A file, link or folder that someone other than this user or root can change; `why` says how, in a few words."""

    __slots__ = ("path", "status", "why")

    def __init__(self, path: str, status: os.stat_result, why: str) -> None:
        self.path, self.status, self.why = path, status, why

    def refusal(self, risk: str) -> tuple[str, str]:
        """Return the error message and a hint on how to fix it; `risk` is what the others could do."""
        from omniprofile.model.names import printable_place
        from omniprofile.model.shell_words import quoted_place
        from omniprofile.system.mounts import instead_of_chmod

        shown, word = printable_place(self.path), quoted_place(self.path)
        if stat.S_IFMT(self.status.st_mode) not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            # Never suggest changing the mode of a device: the system needs `/dev/null` as it is.
            return f"anyone can write to `{shown}`, and so {risk}", "use a regular file of your own"
        is_link = stat.S_ISLNK(self.status.st_mode)
        kind = "the link " if is_link else "the folder " if stat.S_ISDIR(self.status.st_mode) else ""
        if others_can_write(self.status) and not is_link:
            message = f"anyone can write to {kind}`{shown}`, and so {risk}"
            mine = _user() in (0, self.status.st_uid)
            change = f"run `chmod o-w {word}`" if mine else f"let its owner run `chmod o-w {word}`"
            if is_read_only(self.path):
                change = "the file system is read-only: change the mode where the files come from"
            return message, instead_of_chmod(self.path) or change
        option = "-h " if is_link else ""
        return (
            f"{kind}`{shown}` {self.why}, who can {risk}",
            f"use one of your own, or run `chown {option}{_user()} {word}` as root if it is yours",
        )


def _user() -> int:
    """Return this user's id; 0 on Windows, which has no user ids and reports 0 as the owner of every file."""
    if sys.platform == "win32":
        return 0
    return os.geteuid()


def foreign_access(path: str, home: str, known: "set[str] | None" = None) -> "ForeignAccess | None":
    """Find who else can decide what `path` holds. This rule applies to every file that chooses or holds credentials.

    Every folder, link and file in `steps_to(path)` must belong to this user or root and not be world-writable. Exceptions: a
    sticky folder such as `/tmp` may be world-writable, since nobody there can replace another user's file; root may use files
    of any owner; whoever controls folders above `home` controls the whole home; on a read-only file system, modes and folder
    owners do not matter. Group-writable files pass; lint warns about them.

    `known` collects the places already checked, so that several files in one folder cost little. Windows is not checked: it
    uses access lists, which the standard library cannot read. Raises nothing.
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


def foreign_entries(folder: str) -> "ForeignAccess | None":
    """Find who else can add files to a folder whose files are all read: a sticky one protects only those that exist."""
    try:
        status = os.stat(folder)
    except OSError:
        return None  # then nothing in it is read
    if others_can_write(status) and not is_read_only(folder):
        return ForeignAccess(real_path(folder), status, "can be written by anyone")
    return None


def steps_to(path: str) -> "list[tuple[str, os.stat_result]]":
    """Return every folder, link and file that opening `path` passes through, from the root, with its status. Raises nothing."""
    steps = []
    current = os.sep
    links = 0
    # Only a relative path needs the working directory, which may have been deleted.
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
        pass  # the rest is missing or unreadable: whoever opens it will see the error
    return steps


_MOST_LINKS = 40
"""The limit that Linux also uses."""


def real_path(path: str) -> str:
    """Return `path` as an absolute path with its links resolved, as far as they can be read. Raises only for a path with a NUL.

    Before Python 3.13, `os.path.realpath` raises for a link that exists but cannot be read, such as `/proc/1/root`: anyone able
    to put such a link into a folder could break every command run there.
    """
    try:
        return os.path.realpath(path)  # noqa: TID251 - the one place
    except OSError:
        folder, name = os.path.split(os.path.abspath(path))
        return os.path.join(real_path(folder), name) if name else folder


def is_above(folder: str, home: str) -> bool:
    """Whether `folder` contains `home` and is not `home` itself."""
    start = folder.rstrip(os.sep) + os.sep
    return bool(home) and any(place.startswith(start) and place != folder for place in (home, real_path(home)))


def _is_excused(place: str, status: os.stat_result) -> bool:
    """Whether a read-only file system, such as clusters mount, makes what `foreign_write_access` found harmless."""
    if stat.S_ISLNK(status.st_mode) or not is_read_only(place):
        return False
    return stat.S_ISDIR(status.st_mode) or _user() in (0, status.st_uid) or status.st_uid == 0


def foreign_write_access(status: os.stat_result) -> "str | None":
    """Return, in a few words, how someone else can change a file, link or folder; None if nobody else can."""
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
    """Raise UnsafePermissions for the first place on the way to `path` that someone else can change."""
    found = foreign_access(path, home)
    if found is not None:
        from omniprofile.errors import UnsafePermissions

        message, hint = found.refusal(risk)
        raise UnsafePermissions(message, hint=hint)


def is_read_only(path: str) -> bool:
    """Whether `path` is on a file system mounted read-only, at least for this process."""
    if sys.platform == "win32":
        return False
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def owner_hint(problem: BaseException, path: str) -> "str | None":
    """Return the hint for a PermissionError caused by a root-owned file or folder, as `sudo` leaves behind; else None."""
    if sys.platform == "win32" or getattr(problem, "errno", None) not in (1, 13) or os.geteuid() == 0:
        return None
    for place, status in reversed(steps_to(path)):
        if status.st_uid != 0 or stat.S_ISLNK(status.st_mode) or place == os.sep:
            return None
        if owner_of(os.path.dirname(place)) == os.geteuid():
            from omniprofile.model.shell_words import quoted_place

            return f"it belongs to root: run `sudo chown -R {os.geteuid()} {quoted_place(place)}`"
    return None


def owner_of(path: str) -> "int | None":
    """Return the user id of the file's owner, following links; None if the file cannot be examined."""
    try:
        return os.stat(path).st_uid
    except OSError:
        return None


def others_can_write(status: os.stat_result) -> bool:
    """Whether anyone can write to the file. Group-writable does not count: on many systems each user has a private group."""
    return sys.platform != "win32" and bool(status.st_mode & stat.S_IWOTH)


def others_can_read(status: os.stat_result) -> bool:
    """Whether anyone but the owner can read, write or execute the file."""
    return sys.platform != "win32" and bool(status.st_mode & (stat.S_IRWXG | stat.S_IRWXO))
