"""What is left of a bug: a report that a person can send as it is. It holds frames and types, and nothing that a user typed.

A foreign exception's text, a frame's variables and the words of the command line may hold a secret, so none of them is written.
"""

import os
import platform
import sys
from collections.abc import Iterator, Sequence

import omniprofile
from omniprofile.app import App
from omniprofile.cli.registry import BY_NAME
from omniprofile.errors import Error
from omniprofile.model.secret import masked
from omniprofile.system.files import make_private_folder, write_atomic

_NAME = "crash-report.txt"


def write_report(problem: BaseException, argv: Sequence[str], app: App) -> str | None:
    """Write the report of `problem` to the state folder, in place of the last one; its path, or None if that cannot be done."""
    try:
        folder = app.places.state_folder
        make_private_folder(folder)
        path = os.path.join(folder, _NAME)
        write_atomic(
            path, masked("\n".join(report_lines(problem, argv, app.environment.now().isoformat()))).encode() + b"\n"
        )
    except (OSError, Error):
        return None
    return path


def report_lines(problem: BaseException, argv: Sequence[str], time: str) -> Iterator[str]:
    """Yield the report, line by line."""
    yield f"omniprofile {omniprofile.__version__}, Python {platform.python_version()}, {sys.platform}, {time}"
    yield f"command: omniprofile {' '.join(_redacted(argv))}"
    yield from trace(problem)


def trace(problem: BaseException) -> Iterator[str]:
    """Yield the frames and types of an exception and its causes; of their texts only those of omniprofile's own errors."""
    import traceback

    link: BaseException | None = problem
    while link is not None:
        for frame in traceback.extract_tb(link.__traceback__):
            yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        yield f"{type(link).__name__}{f': {link.message}' if isinstance(link, Error) else ''}"
        following = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        if following is not None:
            yield "caused by:" if link.__cause__ else "while handling:"
        link = following


def _redacted(argv: Sequence[str]) -> Iterator[str]:
    """Yield the command and the names of its options: they are the program's own words, everything else is the user's."""
    known = True
    for word in argv:
        if word == "--":
            known = False
        if known and word in BY_NAME:
            yield word
        elif known and word.startswith("-") and word.lstrip("-").partition("=")[0].replace("-", "").isalpha():
            yield word.partition("=")[0] + ("=…" if "=" in word else "")
        else:
            yield "--" if word == "--" else "…"
