"""What is left in the state folder for a shell's prompt, which may start no process: which profiles are protected, and the
default. A prompt that is stale must be able to see that it is.

The file `prompt` names each profile file with its real path. Beside it, in `prompt.d`, lies for each an empty file that has
the profile file's own time of change: shells can compare times and identities, and nothing else. So what is in `prompt`
holds for a shell as long as every file is the same one and has the same time of change, and those that were not there still
are not. Everything else is unknown to it, and shown so.
"""

import os
from collections.abc import Callable, Iterable
from zlib import crc32

from omniprofile.config.paths import DROP_IN_FOLDER, Places, drop_ins
from omniprofile.model.declaration import Config
from omniprofile.system.files import make_private_folder, write_atomic

FILE = "prompt"
FOLDER = "prompt.d"

Watched = tuple[str, str | None, int]
"""A path, its real path, and when it changed, in ns; None and 0 for what is not there."""


def watch(places: Places) -> list[Watched]:
    """The files and the folder that decide, as they are now. Taken before and after reading, they tell a change between."""
    folder = os.path.join(places.config_folder, DROP_IN_FOLDER)
    try:
        files = drop_ins(folder)
    except OSError:
        files = []
    return [_watched(path) for path in (places.config_file, folder, *files)]


def leave(places: Places, watched: Iterable[Watched], config: Config, is_protected: Callable[[str], bool]) -> None:
    """Write for the prompt what `config`, read from the `watched` files, says. Raises OSError.

    Nothing is written where a path has a line break or a tab: the prompt then knows nothing of the files.
    """
    watched = list(watched)
    if any(char in path for each in watched for path in each[:2] if path for char in "\n\r\t"):
        return
    stamp = f"{crc32(repr(watched).encode('utf-8', 'surrogatepass')):08x}"
    there = [each for each in watched if each[1] is not None]
    lines = ["omniprofile prompt 1", f"config {places.config_file}", f"stamp {stamp}"]
    lines += [f"is {path}\t{real}" for path, real, _ in there]
    lines += [f"not {path}" for path, real, _ in watched if real is None]
    if (default := _default(config)) is not None:
        lines.append(f"default {default}")
    if protected := " ".join(name for name in config.profiles if is_protected(name)):
        lines.append(f"protected {protected}")
    folder = os.path.join(places.state_folder, FOLDER)
    make_private_folder(places.state_folder)
    make_private_folder(folder)
    for at, (_, _, changed) in enumerate(there):
        witness = os.path.join(folder, f"{stamp}-{at}")
        write_atomic(witness, b"")
        os.utime(witness, ns=(changed, changed))
    # Last: until it is there, the one before holds, or none does.
    write_atomic(os.path.join(places.state_folder, FILE), os.fsencode("\n".join([*lines, "end"]) + "\n"))
    for name in os.listdir(folder):
        if not name.startswith(f"{stamp}-"):
            os.unlink(os.path.join(folder, name))


def _watched(path: str) -> Watched:
    try:
        return path, os.path.realpath(path), os.stat(path).st_mtime_ns
    except OSError:
        return path, None, 0


def _default(config: Config) -> str | None:
    """The profile that is used where nothing chooses one."""
    if config.default is not None:
        return config.default.value
    return next(iter(config.profiles)) if len(config.profiles) == 1 else None
