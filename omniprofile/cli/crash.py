"""The crash report, which users can send as it is: frames and types, and nothing that the user typed.

The text of a foreign exception, a frame's variables and the command line may hold secrets, so none of them is written.
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
from omniprofile.system.atomic_write import write_atomic
from omniprofile.system.files import make_private_folder

_NAME = "crash-report.txt"


def write_report(problem: BaseException, argv: Sequence[str], app: App) -> str | None:
    """Write the report of `problem` to the state folder, replacing the last one; return its path, or None on failure."""
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
    """Yield the report line by line."""
    yield f"omniprofile {omniprofile.__version__}, Python {platform.python_version()}, {sys.platform}, {time}"
    yield f"command: omniprofile {' '.join(_redacted(argv))}"
    yield from trace(problem)


def trace(problem: BaseException) -> Iterator[str]:
    """Yield the frames and types of an exception and its causes, with the messages of omniprofile's own errors only."""
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
    """Yield the command and option names, which are omniprofile's own words, and `…` for the user's words."""
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
