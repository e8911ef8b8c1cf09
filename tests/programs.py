"""Runs other programs to completion, and omniprofile with a patch applied."""

import subprocess
import sys
from collections.abc import Sequence
from os import PathLike
from typing import Any


def changed(code: str) -> list[str]:
    """Return the command that runs `omniprofile` after `code`, which can change internals such as a time limit."""
    return [sys.executable, "-c", f"import sys\nfrom omniprofile.cli.main import run\n{code}\nsys.exit(run())"]


def run_program(
    argv: Sequence[str | PathLike[str]], *, check: bool = False, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Run a program with no standard input unless there is `input`, and return its output as text.

    With `check`, its exit status must be 0. `options` are those of `subprocess.run`.
    """
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    ran = subprocess.run(argv, **{"capture_output": True, "text": True, "timeout": 300, **options})
    assert not check or ran.returncode == 0, f"exit {ran.returncode} of {argv}\n{ran.stdout}{ran.stderr}"
    return ran
