"""Runs a command line in child processes, each killed some file operations later than the previous one, until one finishes.

`python -m tests.cli.sweep HOME STEP ARGUMENT…`: HOME/before is copied to HOME/now for each child. One JSON line for each
child has the operation it was killed at and the content of HOME/now. Then the same command is run again to completion.
"""

import itertools
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from tests import warm

CHANGING = ("os.rename", "os.remove", "os.mkdir", "os.chmod", "os.chown", "os.truncate", "fcntl.flock", "os.fsync")


def main() -> None:
    home, step, argv = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    now = home / "now"
    os.environ |= {
        "HOME": str(now),
        "XDG_CONFIG_HOME": str(now / ".config"),
        "XDG_STATE_HOME": str(now / ".local/state"),
        "XDG_CACHE_HOME": str(now / ".cache"),
        "OMNIPROFILE_SECRET_STORE": "file",
    }
    warm.import_all()  # so that the children need no imports
    for at in itertools.count(1, step):
        _fresh(home)
        killed, operation = _run(argv, at)
        left = _holds(now)
        status, _ = _run(argv, None) if killed < 0 else (0, "")
        print(json.dumps({"at": at, "operation": operation, "left": left, "again": status, "then": _holds(now)}))
        if killed >= 0:
            print(json.dumps({"ended": killed}))
            return


def _fresh(home: Path) -> None:
    shutil.rmtree(home / "now", ignore_errors=True)
    shutil.copytree(home / "before", home / "now", symlinks=True)


def _run(argv: list[str], at: int | None) -> tuple[int, str]:
    """Return a child's exit status, negative for a signal, and the operation before which it was killed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.chdir(Path(os.environ["HOME"]) / "work")
        status = 70
        try:
            if at is not None:
                sys.addaudithook(_killer(at, write))
            from omniprofile.cli.main import main
            from omniprofile.system.environment import Environment

            status = main(["-q", *argv], Environment.real())
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read) as pipe:
        operation = pipe.read()
    _, result = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(result), operation


def _killer(at: int, pipe: int) -> Any:
    """Return a hook that kills this process before its `at`-th operation that can change a file."""
    count = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        opens = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if not (opens or event in CHANGING):
            return
        count += 1
        if count == at:
            os.write(pipe, f"{event} {args[0]}".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def _holds(now: Path) -> dict[str, str]:
    return {
        str(path.relative_to(now)): path.read_text()
        for path in sorted(now.rglob("*"))
        if path.is_file() and path.suffix != ".lock" and ".cache" not in path.parts
    }


if __name__ == "__main__":
    main()
