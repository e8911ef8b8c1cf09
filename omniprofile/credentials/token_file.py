"""The key that `--token-file` names: in a file, from a pipe, or on standard input."""

import os
import stat
from collections.abc import Callable
from threading import Event
from typing import BinaryIO

from omniprofile.credentials.key_check import LONGEST_INPUT, checked_bytes, source_failed
from omniprofile.credentials.key_file import read_key_file
from omniprofile.model.names import printable_place, quoted_place
from omniprofile.model.secret import Secret
from omniprofile.system.foreign_access import is_read_only, others_can_read
from omniprofile.system.threads import start, wait

_ENOUGH = LONGEST_INPUT + 1
"""The bytes of a stream to read: enough for any key, or to see that it is too large."""
WRITER_SECONDS = 30.0
"""Seconds to wait for a program to open a pipe for writing."""


def read_token_file(path: str, *, stdin: BinaryIO, tell: Callable[[str], None]) -> Secret:
    """Return the key in the file that `--token-file` names: `-` is `stdin`, and a pipe (`<(…)`) is accepted too.

    If others can read the file, `tell` gets a warning, but the file is used: the user named it for this one call, and containers
    get their secrets in such files. Waits at most 30 s for a program to open a pipe for writing. Raises KeySourceFailed.
    """
    if path == "-":
        return checked_bytes(stdin.read(_ENOUGH), "what came on standard input")
    label = f"file `{printable_place(path)}`"
    if _is_pipe(path):
        return checked_bytes(_pipe_content(path, label), label)
    content, status = read_key_file(path, label)
    if others_can_read(status) and not is_read_only(path):
        tell(f"others can read or write the token {label}: `chmod 600 {quoted_place(path)}` keeps it to you")
    return checked_bytes(content, label)


def _pipe_content(path: str, label: str) -> bytes:
    opened = Event()

    def content() -> bytes:
        with open(path, "rb") as pipe:
            opened.set()
            return pipe.read(_ENOUGH)

    reading = start(content)
    reading.add_done_callback(lambda _: opened.set())
    if not opened.wait(WRITER_SECONDS):
        raise source_failed(
            f"{label} is a pipe into which no program writes, for {WRITER_SECONDS:g} s now",
            "start the program that writes the key first, or pipe the key to `--token-file -`",
        )
    return wait(reading)


def _is_pipe(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False
