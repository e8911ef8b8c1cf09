"""The file `prompt` in the state folder: what a shell's prompt, which starts no process, can know about the profile files.

It has the profiles' names, which of them are protected or limited in their `access`, the default, and each profile file with its
real path. For each profile file, the folder `prompt.d` has an empty file with the same modification time, since a shell can only
compare times and identities. To a shell, the file `prompt` is valid while every profile file is the same file with the same
modification time, and those that did not exist still do not. Otherwise the prompt knows nothing, and shows `?`.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from zlib import crc32

from omniprofile.config.paths import DROP_IN_FOLDER, Places, drop_ins
from omniprofile.model.declaration import Config
from omniprofile.model.effective import effective
from omniprofile.system.atomic_write import write_atomic
from omniprofile.system.files import Unreadable, make_private_folder, open_regular
from omniprofile.system.foreign_access import real_path

FILE = "prompt"
FOLDER = "prompt.d"
_HEAD = "omniprofile prompt 3"
_LARGEST = 400_000
"""The most bytes that a prompt reads."""
_OLD_SECONDS = 60.0
"""A file in `prompt.d` with another stamp that is older than this is not one that a process is still writing."""

Watched = tuple[str, str | None, int]
"""A path, its real path, and its modification time in ns; None and 0 if it does not exist."""


def watch(places: Places) -> list[Watched]:
    """Return the current state of the profile files and of their folder.

    Comparing it from before and after reading detects a change in between.
    """
    folder = os.path.join(places.config_folder, DROP_IN_FOLDER)
    try:
        files = drop_ins(folder)
    except OSError:
        files = []
    return [_watched(path) for path in (places.config_file, folder, *files)]


def is_stale(places: Places) -> bool:
    """Return whether the prompt's file exists and was written for these profile files, but in another state."""
    try:
        content, _ = open_regular(os.path.join(places.state_folder, FILE), limit=_LARGEST)
    except (OSError, Unreadable):
        return False
    head = f"{_HEAD}\nconfig {places.config_file}\n"
    return content.startswith(os.fsencode(head)) and not content.startswith(
        os.fsencode(f"{head}stamp {_stamp(watch(places))}\n")
    )


def write(places: Places, watched: Iterable[Watched], config: Config) -> None:
    """Write the prompt's file for `config`, which was read from the `watched` files. Raises OSError.

    Writes nothing if a path has a line break or a tab: the prompt then knows nothing about the files.
    """
    watched = list(watched)
    if any(char in path for each in watched for path in each[:2] if path for char in "\n\r\t"):
        return
    stamp = _stamp(watched)
    there = [each for each in watched if each[1] is not None]
    lines = [_HEAD, f"config {places.config_file}", f"stamp {stamp}"]
    lines += [f"is {path}\t{real}" for path, real, _ in there]
    lines += [f"not {path}" for path, real, _ in watched if real is None]
    if config.default or len(config.profiles) == 1:  # the profile used if nothing else selects one
        lines.append(f"default {config.default.value if config.default else next(iter(config.profiles))}")
    lines.append(f"names {' '.join(config.profiles)}")
    marked: dict[str, list[str]] = {"protected": [], "gateway": [], "read-only": []}
    for name in config.profiles:
        found = effective(config, name)
        if found.protected.value:
            marked["protected"].append(name)
        if found.access.value != "full":
            marked[found.access.value].append(name)
    lines += [f"{mark} {' '.join(names)}" for mark, names in marked.items()]
    folder = os.path.join(places.state_folder, FOLDER)
    make_private_folder(places.state_folder)
    make_private_folder(folder)
    for at, (_, _, changed) in enumerate(there):
        witness = os.path.join(folder, f"{stamp}-{at}")
        write_atomic(witness, b"")
        os.utime(witness, ns=(changed, changed))
    # Write this last: until then, the previous file is valid, or none is.
    path = os.path.join(places.state_folder, FILE)
    write_atomic(path, os.fsencode("\n".join([*lines, "end"]) + "\n"))
    _remove_old(folder, stamp, os.stat(path).st_ctime - _OLD_SECONDS)


def _remove_old(folder: str, stamp: str, before: float) -> None:
    """Remove the files of earlier processes from `folder`. Another process may still be writing younger ones."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        with suppress(FileNotFoundError):  # another process may remove the same file
            if not name.startswith(f"{stamp}-") and os.lstat(path).st_ctime < before:
                os.unlink(path)


def _stamp(watched: list[Watched]) -> str:
    return f"{crc32(repr(watched).encode('utf-8', 'surrogatepass')):08x}"


def _watched(path: str) -> Watched:
    try:
        return path, real_path(path), os.stat(path).st_mtime_ns
    except OSError:
        return path, None, 0
