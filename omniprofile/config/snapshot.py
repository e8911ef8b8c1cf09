"""The snapshot: the profile files compiled, to be read without TOML and schema while they are unchanged.

The cache has one file for each main profile file, in three sections: `QUICK`, what the everyday commands need of every profile;
`NAMES`, what a shell completes (profiles, tags); and `WHOLE`, all declarations with their places. It contains no secrets. A
snapshot is valid only if

- the folder and the file belong to this user and nobody else can write them, because data for `marshal` must come from a trusted
  source (Python's documentation of `marshal`);
- it was written by this version of omniprofile and this version of Python, for this home folder;
- its checksums match: that of the key, and that of the section that is read, which is in the key, so that neither another
  section nor one of another snapshot can replace it;
- it was made from the same profile files: the same paths, with the same real paths (where relative paths in them start), and for
  each the same size, times, inode, device, mode and owner; and nobody else can change them, or add one (`foreign_access`). A
  file that was changed just before it was read could change again with the same times (clocks tick slowly), so for such a file
  the content is compared too.

Anything else is a miss, and the files are read again. On the fast path: imports only what a bare interpreter has loaded.
"""

import marshal
import os
import stat
import sys
import time
from binascii import crc32

from omniprofile import __version__
from omniprofile.config.paths import DROP_IN_FOLDER
from omniprofile.system.files import NO_LINK, is_in_missing_home, make_private_folder
from omniprofile.system.foreign_access import foreign_access, foreign_entries, real_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from omniprofile.config.paths import Places

Seen = tuple[tuple[int, ...], int, int]
"""What is kept about a file that was read: its `stamp`, the time in ns before it was opened, and its content's checksum."""

QUICK, NAMES, WHOLE = 0, 1, 2

_HEADER = (
    f"omniprofile snapshot 4 {__version__} {sys.implementation.cache_tag} {marshal.version} {sys.platform}\n".encode()
)
"""The header. The key's length and checksum follow, in `_NUMBER` bytes each, then the key, then the sections."""
_NUMBER = 8
_SETTLED = 2_000_000_000
"""Nanoseconds after which a new change always changes a file's times: two seconds, the resolution of FAT."""
_MOST = 16
"""The most snapshots to keep, each for another main profile file."""


def stamp(status: os.stat_result) -> tuple[int, ...]:
    """Return the parts of a file's status that change when the file, or who can write it, changes."""
    return (
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        status.st_dev,
        status.st_mode,
        status.st_uid,
    )


def seen(content: bytes, status: os.stat_result, at: int) -> Seen:
    """Return what to keep about a file that was read: its content, its status, and the time `at`, in ns, before opening it."""
    return stamp(status), at, crc32(content)


def read(places: "Places", files: "Sequence[str]", section: int = QUICK) -> "Any":
    """Return one section of the snapshot of these files, as given to `write`; None on a miss. Never raises."""
    try:
        if not _is_own_folder(places):
            return None
        descriptor = os.open(_path(places), os.O_RDONLY | NO_LINK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or not _is_ours(status, 0o077):
                return None
            if os.read(descriptor, len(_HEADER)) != _HEADER:
                return None
            size, checksum = (int.from_bytes(os.read(descriptor, _NUMBER), "little") for _ in range(2))
            facts, parts = _load(descriptor, size, checksum, status)
            if not _is_fresh(facts, files, places.home):
                return None
            os.lseek(descriptor, sum(size for size, _ in parts[:section]), os.SEEK_CUR)
            size, checksum = parts[section]
            return _load(descriptor, size, checksum, status)
        finally:
            os.close(descriptor)
    except (OSError, ValueError, EOFError, TypeError):
        return None


def write(places: "Places", reads: "Mapping[str, Seen]", sections: "tuple[Any, Any, Any]") -> None:
    """Write the sections for the files in `reads`, which has the result of `seen` for each, in reading order.

    Never raises: if the cache cannot be written, there is no snapshot.
    """
    from omniprofile.system.atomic_write import write_atomic

    if is_in_missing_home(places.cache_folder, places.home):
        return
    kept = {file: (mark, checksum if _is_new(mark, at) else None) for file, (mark, at, checksum) in reads.items()}
    taken = min((at for _, at, _ in reads.values()), default=0)
    facts = (places.home, kept, taken, _real_paths(reads))
    try:
        make_private_folder(places.cache_folder)
        if _is_own_folder(places):
            write_atomic(_path(places), _content(facts, sections), durable=False)
            _forget_oldest(places.cache_folder)
    except OSError:
        return


def _content(facts: "Any", sections: "tuple[Any, Any, Any]") -> bytes:
    """Return the content of the whole snapshot file."""
    parts = [marshal.dumps(section) for section in sections]
    key = marshal.dumps((facts, [(len(part), crc32(part)) for part in parts]))
    numbers = (number.to_bytes(_NUMBER, "little") for number in (len(key), crc32(key)))
    return b"".join((_HEADER, *numbers, key, *parts))


def _real_paths(files: "Collection[str]") -> tuple[str, ...]:
    """Return the real paths of the files' folders and links. Relative paths start there, and a changed link changes them."""
    folders = {os.path.dirname(file) for file in files}
    links = [file for file in files if os.path.islink(file)]
    return tuple(real_path(path) for path in [*sorted(folders), *links])


def _is_fresh(facts: "Any", files: "Sequence[str]", home: str) -> bool:
    kept_home, kept, taken, real = facts
    now = time.time_ns()
    # Before `taken`, the clock was set back, so times may repeat.
    if kept_home != home or list(kept) != list(files) or now < taken or real != _real_paths(files):
        return False
    folders = {*map(os.path.dirname, files), *real}
    if any(foreign_entries(folder) for folder in folders if os.path.basename(folder) == DROP_IN_FOLDER):
        return False
    checked: set[str] = set()
    new = []
    for file in files:
        mark, checksum = kept[file]
        if foreign_access(file, home, checked) is not None or stamp(os.stat(file)) != mark:
            return False
        if checksum is not None:
            new.append(_is_new(mark, now))
            with open(file, "rb", buffering=0) as content:
                if crc32(content.read()) != checksum:
                    return False
    return not new or any(new)  # once all are settled, read them once more; after that, their stamps are enough


def _is_new(mark: tuple[int, ...], at: int) -> bool:
    """Whether a file may have changed after the time `at` without another stamp."""
    return max(mark[1], mark[2]) > at - _SETTLED


def _is_own_folder(places: "Places") -> bool:
    """Whether nobody else, not even a group, can put a snapshot there: `marshal` may only read this user's own."""
    folder = places.cache_folder
    return _is_ours(os.stat(folder), 0o022) and foreign_access(folder, places.home) is None


def _is_ours(status: os.stat_result, forbidden: int) -> bool:
    return sys.platform == "win32" or (status.st_uid == os.geteuid() and not status.st_mode & forbidden)


def _path(places: "Places") -> str:
    name = crc32(places.config_file.encode("utf-8", "surrogateescape"))
    return os.path.join(places.cache_folder, f"profiles-{name:08x}.snapshot")


def _load(descriptor: int, size: int, checksum: int, status: os.stat_result) -> "Any":
    """Load the next `size` bytes with `marshal`. Raises ValueError for a damaged file.

    The checksum is a CRC, which protects against accidents, not attacks.
    """
    content = os.read(descriptor, min(size, status.st_size))
    if len(content) != size or crc32(content) != checksum:
        raise ValueError("it is damaged")
    return marshal.loads(content)  # noqa: S302 - this user's own file, checked by `read`


def _forget_oldest(cache_folder: str) -> None:
    names = [name for name in os.listdir(cache_folder) if name.startswith("profiles-") and name.endswith(".snapshot")]
    if len(names) > _MOST:
        paths = [os.path.join(cache_folder, name) for name in names]
        for path in sorted(paths, key=lambda path: os.stat(path).st_mtime_ns)[:-_MOST]:
            os.unlink(path)
