"""Read standard input while something else may end the wait: from its descriptor, in a thread that can be left behind.

A thread that waits in a buffered stream would keep the interpreter from ending.
"""

import os
from collections.abc import Callable, Iterator
from typing import TextIO

from omniprofile.system.threads import start, wait

_LONGEST_LINE = 65536


def _parts(stream: TextIO) -> Iterator[bytes]:
    """Yield the bytes of `stream` as they come. A terminal that goes away ends them."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        yield stream.read().encode("utf-8", "surrogateescape")  # a stream in memory, which never waits
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
    """Pass each line of `stream` that says something to `put`, until it ends."""
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
    """Return all of `stream`, cut after `limit` bytes and one more. Raises TimeoutError when it has not ended in time."""

    def read() -> bytes:
        found = b""
        for part in _parts(stream):
            found += part
            if len(found) > limit:
                break
        return found[: limit + 1]

    return wait(start(read), seconds).decode("utf-8", "surrogateescape")


def is_at_its_end(stream: TextIO | None) -> bool:
    """Whether nothing can come from `stream`, as far as one can tell without reading: it is closed, or the null device."""
    if stream is None or stream.closed:
        return True
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(os.devnull))
    except (OSError, ValueError):
        return False
