"""Writing to stdout so that it arrives, or an error says why not. On the short path: imports what it needs on failure."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def write_out(stream: "TextIO | None", text: str) -> None:
    """Write `text` to `stream`, as UTF-8 whatever the locale, and see that it arrives.

    Bytes of the environment that are no UTF-8 pass through unchanged. Raises BrokenPipeError when the reader is gone,
    CheckFailed when the output cannot be written.
    """
    if stream is None:
        from omniprofile.errors import CheckFailed

        raise CheckFailed("the output cannot be written: stdout is closed")
    try:
        stream.flush()
        stream.buffer.write(text.encode("utf-8", "surrogateescape"))
        stream.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        from omniprofile.errors import CheckFailed
        from omniprofile.system.files import reason

        raise CheckFailed(f"the output cannot be written: {reason(problem)}") from problem
