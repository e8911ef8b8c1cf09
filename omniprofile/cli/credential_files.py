"""Writes credentials to files: to one that only the user can read, or to the one from which GitHub Actions reads variables."""

import errno
import os
import stat

from omniprofile.app import App
from omniprofile.errors import OperationFailed, Refused
from omniprofile.model.names import printable_place
from omniprofile.system.atomic_write import sweep, write_atomic
from omniprofile.system.files import NO_LINK, reason
from omniprofile.system.os_errors import reported_as


def replace_file(app: App, output: str, text: str) -> None:
    """Replace `output` with a file of mode 0600. Raises Refused for a link, pipe or device, and OperationFailed."""
    path = os.path.join(app.environment.cwd or os.sep, output)
    shown = f"`{printable_place(output)}`"
    hint = "name a file in a folder that exists, and that you can write to"
    with reported_as(OperationFailed, f"{shown} cannot be written", hint):
        if os.path.lexists(path) and not stat.S_ISDIR(mode := os.lstat(path).st_mode) and not stat.S_ISREG(mode):
            raise _elsewhere(shown, "name a file; `-` is standard output")
        with app.exclusive():  # so that it can remove secrets that a killed command left here
            sweep(path)
            write_atomic(path, text.encode("utf-8", "surrogateescape"), mode=0o600)


def append_to_github_env(app: App, path: str, lines: str) -> None:
    """Append to the runner's file, or to a new one with mode 0600. Raises Refused for a link or pipe, and OperationFailed."""
    refused = _elsewhere("the file of `GITHUB_ENV`", "set `GITHUB_ENV` to a file, or leave it as the runner set it")
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | NO_LINK
    try:
        with open(os.open(os.path.join(app.environment.cwd or os.sep, path), flags, 0o600), "ab") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise refused
            os.lseek(file.fileno(), max(status.st_size - 1, 0), os.SEEK_SET)
            if os.read(file.fileno(), 1) not in (b"", b"\n"):  # else an unfinished line would swallow our first one
                file.write(b"\n")
            file.write(lines.encode("utf-8", "surrogateescape"))
    except OSError as problem:
        if problem.errno in (errno.ELOOP, errno.ENXIO):  # a link, or a pipe without a reader
            raise refused from problem
        raise OperationFailed(f"the file of `GITHUB_ENV` cannot be written: {reason(problem)}") from problem


def _elsewhere(what: str, hint: str) -> Refused:
    """Return the refusal to write to a link or pipe, which would pass the credential to another file or program."""
    return Refused(f"{what} is not a regular file, so the credential would go somewhere else", hint=hint)
