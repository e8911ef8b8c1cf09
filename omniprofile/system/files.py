"""Reading files that others may have prepared, and writing files that must never be half there.

On the fast path: imports only what a bare interpreter has loaded.
"""

import os
import stat

LARGEST = 16 * 1024 * 1024
"""No file that omniprofile reads is larger than this, in bytes; a larger one is refused before it is read."""
_READERS_SECONDS = 2.0
"""How long a file waits to be replaced, on Windows, while other processes read it."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some editors begin a file in UTF-8 with. It is no part of the text, and stays where it is."""


class Unreadable(Exception):
    """A file that cannot be read, for a reason that the user can act on. `str()` is the reason, without the path.

    `hint` says what to do where the reason is the file's owner.
    """

    def __init__(self, why: str, hint: "str | None" = None) -> None:
        super().__init__(why)
        self.hint = hint


def read_regular(path: str, limit: int = LARGEST) -> bytes:
    """The bytes of a regular file (symbolic links followed). Never blocks on a FIFO or device.

    Raises FileNotFoundError when nothing is there (a dangling link included), Unreadable in every other case.
    """
    return open_regular(path, limit)[0]


def open_regular(path: str, limit: int = LARGEST) -> tuple[bytes, os.stat_result]:
    """Like `read_regular`, with the status of the very file that was read: no time between look and use."""
    try:
        # O_BINARY: Windows would otherwise turn every CRLF into LF, and an edit would write that back.
        flags = os.O_RDONLY
        for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
            flags |= getattr(os, name, 0)
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as problem:  # ValueError: a NUL in the path
        raise Unreadable(reason(problem), owner_hint(problem, path)) from problem
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"it is {_kind(status.st_mode)}, not a regular file")
        if status.st_size > limit:
            raise Unreadable(f"it is larger than {limit // 1024} KiB")
        parts = []
        while part := os.read(descriptor, 1024 * 1024):
            parts.append(part)
            if sum(map(len, parts)) > limit:
                raise Unreadable(f"it is larger than {limit // 1024} KiB")
        return b"".join(parts), status
    except OSError as problem:
        raise Unreadable(reason(problem)) from problem
    finally:
        os.close(descriptor)


def write_atomic(path: str, content: bytes, mode: int = 0o600, *, durable: bool = True) -> None:
    """Replace `path` by a file with `content`: at any moment, after any kill, the old file or the new one is there.

    A symbolic link is replaced itself: to edit what it points to, pass its target. The folder must exist. Raises OSError;
    then the old file is untouched and nothing is left beside it. What is not `durable` is not waited for until it is on
    the disk: after a power cut, and only then, the file may be damaged.
    """
    put_in_place(stage(path, content, mode, durable=durable), path, durable=durable)


def stage(path: str, content: bytes, mode: int, *, like: os.stat_result | None = None, durable: bool = True) -> str:
    """Write `content` to a file beside `path` that can take its place; that file's path.

    With `like`, the status of the file that it is to replace, it also gets that one's owner, group and extended attributes
    (access lists among them). Raises OSError, also where the owner cannot be kept; then nothing is left.
    """
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.urandom(8).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if like is not None and hasattr(os, "fchown"):
                own = os.fstat(file.fileno())
                if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid):
                    os.fchown(file.fileno(), like.st_uid, like.st_gid)
            else:
                give_to_owner_of_folder(file.fileno(), path)
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
            if like is not None:
                _copy_attributes(path, file.fileno())
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        return temporary
    except BaseException:
        discard(temporary)
        raise


def put_in_place(temporary: str, path: str, *, durable: bool = True) -> None:
    """Let a file that `stage` made take the place of `path`. Raises OSError; then the temporary file is gone."""
    try:
        _replace(temporary, path)
    except BaseException:
        discard(temporary)
        raise
    if durable:
        _sync_folder(os.path.dirname(path) or ".")


def _replace(temporary: str, path: str) -> None:
    """Rename `temporary` to `path`. Windows refuses while another process has the file open, so wait for readers there."""
    if os.name == "posix":
        os.replace(temporary, path)
        return
    from time import monotonic, sleep

    end = monotonic() + _READERS_SECONDS
    while True:
        try:
            os.replace(temporary, path)
        except PermissionError:
            if monotonic() >= end:
                raise
            sleep(0.01)
        else:
            return


def discard(temporary: str) -> None:
    """Remove a file that `stage` made and that is not wanted any more."""
    from contextlib import suppress

    with suppress(OSError):
        os.unlink(temporary)


def sweep(path: str) -> None:
    """Remove what a killed writer left beside `path`, which may hold a secret. Call it with the lock of its writers held."""
    from contextlib import suppress

    folder, name = os.path.split(path)
    with suppress(OSError):  # the write that follows says what is wrong with the folder
        for entry in os.listdir(folder or "."):
            middle = entry[len(name) + 2 : -4]
            if entry == f".{name}.{middle}.tmp" and len(middle) == 16 and set(middle) <= set("0123456789abcdef"):
                os.unlink(os.path.join(folder, entry))


def _copy_attributes(path: str, descriptor: int) -> None:
    """Copy extended attributes, as far as this user may and the file system can."""
    from contextlib import suppress

    if not hasattr(os, "listxattr"):
        return
    with suppress(OSError):
        for name in os.listxattr(path):
            with suppress(OSError):
                os.setxattr(descriptor, name, os.getxattr(path, name))


def make_private_folder(path: str) -> None:
    """Make `path` and its missing parents, each with mode 0700 (XDG Base Directory, 'Referencing this specification').

    Where root works in the folders of a user, they are that user's.
    """
    parent = os.path.dirname(path)
    if parent and parent != path and not os.path.isdir(parent):
        make_private_folder(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    if os.name == "posix" and os.geteuid() == 0:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            give_to_owner_of_folder(descriptor, path)
        finally:
            os.close(descriptor)


def give_to_owner_of_folder(descriptor: int, path: str) -> None:
    """Let a file or folder that root has just made at `path` belong to the user whose folder it is in (`sudo -E`).

    Does nothing for any other user. Raises OSError.
    """
    if os.name == "posix" and os.geteuid() == 0:
        folder = os.stat(os.path.dirname(path) or ".")
        if folder.st_uid != 0:
            os.fchown(descriptor, folder.st_uid, folder.st_gid)


def reason(problem: BaseException) -> str:
    """An operating system's error as a few lower-case words, without the path."""
    text = getattr(problem, "strerror", None) or str(problem)
    return text[:1].lower() + text[1:]


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
        kind = (
            "the folder "
            if stat.S_ISDIR(self.status.st_mode)
            else "the link "
            if stat.S_ISLNK(self.status.st_mode)
            else ""
        )
        if others_can_write(self.status) and not stat.S_ISLNK(self.status.st_mode):
            message = f"everybody may write {kind}`{shown}`, and so {risk}"
            mine = os.geteuid() in (0, self.status.st_uid)
            change = f"run `chmod o-w {word}`" if mine else f"let its owner run `chmod o-w {word}`"
            return message, _where_chmod_does_nothing(self.path) or change
        option = "-h " if stat.S_ISLNK(self.status.st_mode) else ""
        return (
            f"{kind}`{shown}` {self.why}, who can {risk}",
            f"use one of your own, or run `chown {option}{os.geteuid()} {word}` as root if it is yours",
        )


def foreign_access(path: str, home: str, known: "set[str] | None" = None) -> "ForeignAccess | None":
    """Find who else may decide what `path` holds: the one rule for files that choose or hold credentials.

    Looks at every folder and link on the way to the file, as named and as resolved, and at the file, where it exists. Each
    must belong to this user or root, and not be writable by everybody; a sticky folder such as `/tmp`, where nobody
    replaces a file of another user, may. Root may use files of any owner. Folders above `home` are not judged: who controls
    those has the whole home. On a read-only file system modes say nothing, nor do the owners of folders. What a group may
    write passes; lint warns.

    `known` collects places that were judged, so that several files in one folder cost little. On Windows nothing is
    checked: there access is by lists which the standard library cannot read. Raises nothing.
    """
    if os.name != "posix":
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
    names = os.path.join(os.getcwd(), path).split(os.sep)[::-1] if not os.path.isabs(path) else path.split(os.sep)[::-1]
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
        pass  # it is missing from here on, or cannot be looked at: whoever opens it finds out
    return steps


_MOST_LINKS = 40
"""So many links Linux follows, too."""


def is_above(folder: str, home: str) -> bool:
    """Whether `home` lies in `folder`, and is not that folder itself."""
    start = folder.rstrip(os.sep) + os.sep
    return bool(home) and any(place.startswith(start) and place != folder for place in (home, os.path.realpath(home)))


def _is_excused(place: str, status: os.stat_result) -> bool:
    """Whether what `foreign_write_access` found does not count, because nobody can write there: what clusters mount."""
    if stat.S_ISLNK(status.st_mode) or not is_read_only(place):
        return False
    return stat.S_ISDIR(status.st_mode) or os.geteuid() in (0, status.st_uid) or status.st_uid == 0


def foreign_write_access(status: os.stat_result) -> "str | None":
    """Return why a file, link or folder is somebody else's to change, in a few words; None where it is not."""
    if os.name != "posix":
        return None
    if status.st_uid not in (0, os.geteuid()) and os.geteuid() != 0:
        return "belongs to another user"
    if stat.S_ISLNK(status.st_mode):
        return None  # a link has no mode of its own
    if others_can_write(status) and not (stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX):
        return "can be written by everybody"
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
    (
        "9p",
        "drvfs",
        "vfat",
        "msdos",
        "exfat",
        "ntfs",
        "ntfs3",
        "fuseblk",
        "cifs",
        "smb3",
        "vboxsf",
        "fuse.sshfs",
        "hfsplus",
    )
)


def _mounted_as(path: str) -> str:
    """Return the type of the file system that `path` is on, as Linux has it; empty where that is not known."""
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
    if os.name != "posix" or getattr(problem, "errno", None) not in (1, 13) or os.geteuid() == 0:
        return None
    for place, status in reversed(steps_to(path)):
        if status.st_uid == os.geteuid():
            return None
        if status.st_uid != 0 or stat.S_ISLNK(status.st_mode):
            break
        if place == os.sep or owner_of(os.path.dirname(place)) == os.geteuid():
            from omniprofile.model.names import quoted_place

            if place == os.sep:
                break
            return f"it belongs to root: run `sudo chown -R {os.geteuid()} {quoted_place(place)}`"
    return None


def owner_of(path: str) -> "int | None":
    """Return the user number of a file's owner, links followed; None where it cannot be looked at."""
    try:
        return os.stat(path).st_uid
    except OSError:
        return None


def others_can_write(status: os.stat_result) -> bool:
    """Whether everybody may write the file. (Group-writable is normal where each user has a group of their own.)"""
    return os.name == "posix" and bool(status.st_mode & stat.S_IWOTH)


def others_can_read(status: os.stat_result) -> bool:
    """Whether anybody but the owner may read or write the file."""
    return os.name == "posix" and bool(status.st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a FIFO"
    return "a device or socket"


def _sync_folder(folder: str) -> None:
    # After a power cut the rename itself must be there, not only the content (fsync(2)). Not possible on Windows.
    if os.name != "posix":
        return
    from contextlib import suppress

    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def home_in_database(uid: int | None) -> str | None:
    """Return the home folder that the user database has for a user; None for one that it does not know."""
    if uid is None:
        return None
    import pwd

    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return None
