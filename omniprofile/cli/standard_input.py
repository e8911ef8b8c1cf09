"""Reads standard input from its descriptor, in a thread that the caller can stop waiting for.

A thread that blocks in a buffered stream would keep the interpreter from exiting.
"""

import os
from collections.abc import Callable, Iterator
from typing import TextIO

from omniprofile.system.threads import start, wait

_LONGEST_LINE = 65536


def _parts(stream: TextIO) -> Iterator[bytes]:
    """Yield the bytes of `stream` as they arrive. They end if the terminal goes away."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        yield stream.read().encode("utf-8", "surrogateescape")  # a stream in memory, which never blocks
        return
    while True:
        try:
            part = os.read(descriptor, 4096)
        except OSError:
            return
        if not part:
            return
        yield part


def read_lines(stream: TextIO, put: Callable[[str], None]) -> None:
    """Pass each non-blank line of `stream` to `put`, until it ends or a line is too long."""
    rest = b""
    for part in _parts(stream):
        *lines, rest = (rest + part).split(b"\n")
        for line in filter(bytes.strip, lines):
            put(line.decode("utf-8", "replace"))
        if len(rest) > _LONGEST_LINE:
            return
    if rest.strip():
        put(rest.decode("utf-8", "replace"))


def read_all(stream: TextIO, *, limit: int, seconds: float) -> str:
    """Return all of `stream`, up to `limit` + 1 bytes. Raises TimeoutError if it does not end within `seconds`."""

    def read() -> bytes:
        found = b""
        for part in _parts(stream):
            found += part
            if len(found) > limit:
                break
        return found[: limit + 1]

    return wait(start(read), seconds).decode("utf-8", "surrogateescape")


def is_at_its_end(stream: TextIO | None) -> bool:
    """Whether `stream` has no input, as far as is known without reading: it is closed, or the null device."""
    if stream is None or stream.closed:
        return True
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(os.devnull))
    except (OSError, ValueError):
        return False
