"""The audit log: one JSON line in `audit.jsonl` of the state folder for each credential handed out.

Logging never makes a command fail or wait: if the folder, file or disk has a problem, the line is not written. Each line is a
single append (open(2), O_APPEND), so lines stay whole however many processes write at once.

On the fast path: imports only what a bare interpreter has loaded.
"""

import os
import stat
import sys
import time

from omniprofile.model.secret import masked
from omniprofile.system.files import NO_LINK, give_to_owner_of_folder, is_in_missing_home, make_private_folder
from omniprofile.system.foreign_access import foreign_access

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    How = Literal["exec", "env", "token", "library", "gateway", "export"]

FILE, OLDER_FILE = "audit.jsonl", "audit.1.jsonl"
LARGEST = 1024 * 1024
"""The size limit of each of the two files, in bytes."""
_FULL = LARGEST - 128 * 1024
"""The size, in bytes, at which the file is rotated. The margin leaves room for processes that write at that moment."""
_KEYS = ("time", "profile", "base_url", "how", "command", "layer", "requests", "refused")
_LONGEST = 1000
"""How many characters of a text are kept."""


def record(
    folder: str,
    home: str,
    how: "How",
    *,
    profile: str | None,
    base_url: str,
    layer: str,
    command: str | None = None,
    requests: "Mapping[str, Mapping[str, int]] | None" = None,
    refused: "Mapping[str, str] | None" = None,
) -> None:
    """Append one line to the log in the state folder `folder`, if that works at once. Raises nothing.

    `layer` is the one that chose the profile. `profile` is None if URL and token came from the environment. Only the base name
    of `command` is kept. `requests` counts a gateway's requests, as `{"GET": {"200": 3}}`; `refused` has the `method` and
    `path` of a request that the gateway refused, and is logged without its query. Folders above `home`, the user's home, are
    not checked.
    """
    seconds = time.time()
    moment = time.gmtime(seconds)
    line = _line(
        {
            "time": "{}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z".format(*moment[:6], int(seconds % 1 * 1000)),
            "profile": profile,
            "base_url": base_url,
            "how": how,
            "command": None if command is None else _shown(os.path.basename(command)),
            "layer": layer,
            "requests": requests,
            "refused": refused
            and {"method": _shown(refused["method"]), "path": _shown(refused["path"].partition("?")[0])},
        }
    )
    try:
        _append(folder, home, line.encode("ascii") + b"\n")
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return  # a command must work without its log


def _append(folder: str, home: str, line: bytes) -> None:
    path = os.path.join(folder, FILE)
    if not os.path.isdir(folder):
        if is_in_missing_home(folder, home):
            return
        make_private_folder(folder)
    if foreign_access(folder, home) is not None:
        return
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | NO_LINK, 0o600)
    try:
        status = os.fstat(descriptor)
        if not _is_ours(status):
            return
        if sys.platform != "win32" and status.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
        too_long = status.st_size + len(line) > LARGEST  # it was put there, or could not be rotated when it was full
        if status.st_size == 0:
            give_to_owner_of_folder(descriptor, path)
        elif not too_long:
            os.lseek(descriptor, -1, os.SEEK_END)
            if os.read(descriptor, 1) != b"\n":  # a full disk cut off the previous line: keep it from spoiling this one
                line = b"\n" + line
        if not too_long:
            os.write(descriptor, line)
    finally:
        os.close(descriptor)
    if status.st_size + len(line) > _FULL:
        from omniprofile.system.locking import lock

        with lock(f"{path}.lock", 0):  # unless another process rotates it
            if os.stat(path).st_size > _FULL:
                os.replace(path, os.path.join(folder, OLDER_FILE))
    if too_long:
        _append(folder, home, line)


def _is_ours(status: os.stat_result) -> bool:
    """Whether it is a regular file of this user with no other hard link; root may write to a file of any owner."""
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        return False
    return sys.platform == "win32" or os.geteuid() in (0, status.st_uid)


def _shown(text: str) -> str:
    return masked(text)[:_LONGEST]


def _line(entry: "dict[str, object]") -> str:
    """Return an entry as ASCII JSON, hardly ever importing `json`, which costs half as much as starting the interpreter."""
    if all(value is None or _is_plain(value) for value in entry.values()):
        texts = ("null" if value is None else f'"{value}"' for value in entry.values())
        return "{" + ", ".join(f'"{key}": {text}' for key, text in zip(entry, texts, strict=True)) + "}"
    import json

    return json.dumps(entry)


def _is_plain(value: object) -> bool:
    """Whether `value` is text that JSON writes as it is."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and not {'"', "\\"} & {*value}


def entries(folder: str) -> "tuple[list[dict[str, Any]], int]":
    """Return the log's entries, oldest first, and the number of damaged lines, which are skipped. Raises Unreadable."""
    from omniprofile.system.files import read_regular

    found: list[dict[str, Any]] = []
    damaged = 0
    for name in (OLDER_FILE, FILE):
        try:
            content = read_regular(os.path.join(folder, name))
        except FileNotFoundError:
            continue
        for line in content.split(b"\n"):
            if (entry := _entry(line)) is not None:
                found.append(entry)
            elif line.strip():
                damaged += 1
    return sorted(found, key=lambda entry: str(entry["time"])), damaged


def _entry(line: bytes) -> "dict[str, Any] | None":
    import json

    from omniprofile.model.times import parse_time

    try:
        entry = json.loads(line)
        parse_time(entry["time"])
        counts = [count for counts in (entry["requests"] or {}).values() for count in counts.values()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    match entry:
        case {
            "profile": str() | None,
            "base_url": str(),
            "how": str(),
            "command": str() | None,
            "layer": str(),
            "refused": {"method": str(), "path": str()} | None,
        } if all(isinstance(count, int) for count in counts):
            return {key: entry[key] for key in _KEYS}
    return None
