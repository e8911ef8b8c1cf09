"""Editing a profile file. DOOR: tomlkit. Every byte outside the edit stays as it is; the file is old or new, never half.

The file is the user's: it may be a symbolic link (then its target is edited and the link stays), read-only (then nothing
is written and the change to make by hand is said), in CRLF, with a byte-order mark, or edited by somebody else just now.
"""

import os
import stat
from collections.abc import Callable, Mapping

from omniprofile.config.document import Document
from omniprofile.config.judge import check
from omniprofile.errors import CheckFailed, ConfigInvalid, ConfigUnreadable
from omniprofile.system.files import Unreadable, make_private_folder, open_regular, reason, write_atomic
from omniprofile.system.locking import locked

_LOCK_SECONDS = 10.0
_BOM = b"\xef\xbb\xbf"
_NEW_FILE_MODE = 0o600
_NEW_FILE = "version = 1\n"


def add_profile_to(path: str, name: str, values: Mapping[str, object], *, lock_folder: str) -> None:
    """Append the profile `name` with `values` (in TOML's types) to the file `path`, made if it is not there.

    Raises ConfigInvalid when the file is invalid, or would be, or cannot be written; then it is as it was.
    """
    add_profiles_to(path, {name: values}, lock_folder=lock_folder)


def add_profiles_to(
    path: str, profiles: Mapping[str, Mapping[str, object]], *, default: str | None = None, lock_folder: str
) -> None:
    """Append several profiles at once, and let `default` name one, all in one replacement of the file.

    `default` is for files of which none has one. Raises what `add_profile_to` raises.
    """
    block = "\n".join(_profile_block(name, values) for name, values in profiles.items())
    first = f'default = "{default}"\n' if default else ""

    def append(text: str) -> str:
        newline = "\r\n" if "\r\n" in text else "\n"
        text = text or _NEW_FILE
        if first:
            at = _after_version(text)
            text = text[:at] + first.replace("\n", newline) + text[at:]
        if not block:
            return text
        separator = "" if text.endswith("\n") else newline
        return text + separator + newline + block.replace("\n", newline)

    rewrite(path, append, by_hand=first + block, lock_folder=lock_folder)


def _profile_block(name: str, values: Mapping[str, object]) -> str:
    """`[profiles.NAME]` and its keys, as TOML."""
    import tomlkit

    table = tomlkit.table()
    for key, value in values.items():
        if isinstance(value, Mapping):
            inline = tomlkit.inline_table()
            inline.update(value)
            table[key] = inline
        else:
            table[key] = value
    profiles = tomlkit.table(is_super_table=True)
    profiles[name] = table
    return tomlkit.dumps({"profiles": profiles})


def _after_version(text: str) -> int:
    """Where a key of the top of the file can be put: below `version` where that is first, else below what heads the file.

    Not between a comment and the table that it belongs to.
    """
    end = place = 0
    for line in text.splitlines(keepends=True):
        words = line.strip()
        if not line.endswith("\n") or not (words == "" or words.startswith(("#", "version"))):
            break
        end += len(line)
        if words == "" or words.startswith(("#:", "version")):
            place = end
        if words.startswith("version"):
            break
    return place


def rewrite(
    path: str, change: Callable[[str], str], *, by_hand: str, lock_folder: str, require_valid: bool = True
) -> None:
    """Replace the text of `path` by `change(text)`, under a lock, atomically, keeping mode, owner and byte-order mark.

    The lock file lies in `lock_folder`, not beside the user's file: that folder may be a git repository, or read-only.
    `by_hand` is what to tell the user to write when the file cannot be written. Raises ConfigInvalid when the file is
    invalid or the result would be (unless that is not required: `lint --fix` mends invalid files), ConfigUnreadable,
    CheckFailed.
    """
    target = os.path.realpath(path)
    try:
        make_private_folder(os.path.dirname(target))
        with locked(_lock_path(target, lock_folder), _LOCK_SECONDS):
            before, status = _read(path)
            content = _changed(path, before, change, require_valid=require_valid)
            _replace(path, target, content, before, status)
    except TimeoutError as problem:
        raise CheckFailed(
            f"`{path}` is being edited by another omniprofile", hint="try again when it is done"
        ) from problem
    except OSError as problem:
        raise CheckFailed(
            f"`{path}` cannot be written: {reason(problem)}",
            hint="make the change by hand:\n" + by_hand.strip(),
        ) from problem


def _lock_path(target: str, lock_folder: str) -> str:
    import hashlib

    return os.path.join(lock_folder, f"edit-{hashlib.sha256(os.fsencode(target)).hexdigest()[:16]}.lock")


def _read(path: str) -> tuple[bytes | None, os.stat_result | None]:
    try:
        return open_regular(path)
    except FileNotFoundError:
        return None, None
    except Unreadable as problem:
        raise ConfigUnreadable(f"`{path}` cannot be read: {problem}") from problem


def _changed(path: str, before: bytes | None, change: Callable[[str], str], *, require_valid: bool) -> bytes:
    content = before or b""
    if require_valid:
        _require_valid(path, content, "the file is invalid already")
    mark = _BOM if content.startswith(_BOM) else b""
    after = mark + change(content.removeprefix(mark).decode("utf-8")).encode("utf-8")
    if require_valid:
        _require_valid(path, after, "the edit would make the file invalid")
    return after


def _require_valid(path: str, content: bytes, problem: str) -> None:
    document = Document.parse(path, content)
    findings = [*document.findings, *check(document)] if not document.findings else document.findings
    if findings:
        first = findings[0]
        raise ConfigInvalid(f"{first.place}: {first.message} ({problem}; nothing was written)", hint=first.suggestion)


def _replace(path: str, target: str, content: bytes, before: bytes | None, status: os.stat_result | None) -> None:
    if status is None:
        write_atomic(target, content, mode=_NEW_FILE_MODE)
        return
    if not os.access(target, os.W_OK):
        raise PermissionError(13, "it is read-only")
    # The lock keeps other omniprofiles out, not editors: look again, as late as can be.
    if _read(path)[0] != before:
        raise CheckFailed(
            f"`{path}` was changed by another program meanwhile", hint="nothing was written; run the command again"
        )
    write_atomic(target, content, mode=stat.S_IMODE(status.st_mode))
    if hasattr(os, "chown") and os.stat(target).st_uid != status.st_uid:
        os.chown(target, status.st_uid, status.st_gid)
