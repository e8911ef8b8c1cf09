"""Writes to stdout and reports failures. On the fast path: the imports for errors are local."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def write_out(stream: "TextIO | None", text: str) -> None:
    """Write `text` to `stream` as UTF-8, whatever the locale, and flush it.

    Bytes from the environment that are not UTF-8 pass unchanged. Raises BrokenPipeError when the reader is gone, OperationFailed
    when the output cannot be written.
    """
    if stream is None and not text:
        return  # a closed stdout is an error only for a command that has something to print
    if stream is None:
        from omniprofile.errors import OperationFailed

        raise OperationFailed("the output cannot be written: stdout is closed")
    try:
        stream.flush()
        _write_all(stream, text.encode("utf-8", "surrogateescape"))
    except BrokenPipeError:
        raise
    except OSError as problem:
        from omniprofile.errors import OperationFailed
        from omniprofile.system.files import reason

        raise OperationFailed(f"the output cannot be written: {reason(problem)}") from problem


def flush(stream: "TextIO | None") -> None:
    """Flush `stream`, and discard what cannot be written: it was reported, or no one is left to report it to."""
    try:
        if stream is not None:
            stream.flush()
    except OSError:
        silence(stream)
    except ValueError:  # already closed
        return


def silence(stream: "TextIO | None") -> None:
    """Redirect `stream` to the null device, so that nothing is left to flush into a broken pipe."""
    if stream is not None:
        import os

        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, stream.fileno())
        os.close(sink)


def _write_all(stream: "TextIO", content: bytes) -> None:
    """Write and flush, waiting for the reader if the stream is non-blocking (O_NONBLOCK) and its pipe is full."""
    out = stream.buffer
    while True:
        try:
            # With PYTHONUNBUFFERED this is a raw file, whose `write` may write only part, or nothing and return None.
            content = content[out.write(content) or 0 :]
            if not content:
                out.flush()
                return
        except BlockingIOError as full:
            content = content[full.characters_written :]
        from select import select

        select([], [stream], [])
