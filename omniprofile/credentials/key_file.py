"""A key in a file: of a profile, or one that `--token-file` names, which may also be a pipe or standard input.

`key_in_file` is on the fast path: imports only what a bare interpreter has loaded.
"""

import os
import sys

from omniprofile.credentials.key_check import LONGEST_INPUT, checked_bytes, source_failed
from omniprofile.model.names import printable_place
from omniprofile.model.secret import Secret
from omniprofile.model.shell_words import quoted_place
from omniprofile.system.files import Unreadable, open_regular
from omniprofile.system.foreign_access import is_read_only, others_can_read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

_MORE = LONGEST_INPUT + 1  # enough to see that a stream's key is too large
WRITER_SECONDS = 30.0
"""Seconds to wait for a program to open a pipe for writing."""


def key_in_file(path: str, label: str, *, of_env: bool = False) -> Secret:
    """Return the key in a file that nobody else can read, or with `of_env` the secret of `env`. `label` names it in messages.

    Raises KeySourceFailed, and UnsafePermissions for a file that others can read.
    """
    content, status = _read(path, label)
    if sys.platform != "win32" and status.st_uid not in (0, os.geteuid()):
        wrong, fix = "belongs to another user", f"run `chown {os.geteuid()} {quoted_place(path)}` if its key is yours"
    # The user cannot change the mode of a file on a read-only mount, as clusters use for secrets.
    elif others_can_read(status) and not is_read_only(path):
        wrong, fix = "can be read or written by others", f"run `chmod 600 {quoted_place(path)}`"
    else:
        return checked_bytes(content, label, of_env=of_env)
    from omniprofile.errors import UnsafePermissions

    raise UnsafePermissions(f"{label} {wrong}", hint=fix)


def read_token_file(path: str, *, stdin: "BinaryIO", tell: "Callable[[str], None]") -> Secret:
    """Return the key in the file that `--token-file` names: `-` is `stdin`, and a pipe (`<(…)`) is accepted too.

    If others can read the file, `tell` gets a warning, but the file is used: the user named it for this one call, and containers
    get their secrets in such files. Waits at most 30 s for a program to open a pipe for writing. Raises KeySourceFailed.
    """
    if path == "-":
        return checked_bytes(stdin.read(_MORE), "what came on standard input")
    from pathlib import Path

    label = f"file `{printable_place(path)}`"
    if Path(path).is_fifo():
        return checked_bytes(_pipe_content(path, label), label)
    content, status = _read(path, label)
    if others_can_read(status) and not is_read_only(path):
        tell(f"others can read or write the token {label}: `chmod 600 {quoted_place(path)}` keeps it to you")
    return checked_bytes(content, label)


def _pipe_content(path: str, label: str) -> bytes:
    from threading import Event

    from omniprofile.system.threads import start, wait

    opened = Event()

    def content() -> bytes:
        with open(path, "rb") as pipe:
            opened.set()
            return pipe.read(_MORE)

    reading = start(content)
    reading.add_done_callback(lambda _: opened.set())
    if not opened.wait(WRITER_SECONDS):
        raise source_failed(
            f"{label} is a pipe into which no program writes, for {WRITER_SECONDS:g} s now",
            "start the program that writes the key first, or pipe the key to `--token-file -`",
        )
    return wait(reading)


def _read(path: str, label: str) -> tuple[bytes, os.stat_result]:
    """Return the content and status of a file. `label` names it in messages. Raises KeySourceFailed."""
    try:
        return open_regular(path, limit=LONGEST_INPUT)
    except FileNotFoundError as problem:
        raise source_failed(
            f"{label} cannot be read: the file does not exist", "create it, with the key as its only line"
        ) from problem
    except Unreadable as problem:
        hint = "name a file that you can read, with the key as its only line"
        raise problem.as_error(source_failed, label, hint) from problem
