"""Starts real shells, with a program `omniprofile` on their PATH, in a folder with a space in its name."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests import warm
from tests.programs import run_program

START = {
    "bash": ["bash", "--norc", "--noprofile"],
    "zsh": ["zsh", "-f"],
    "fish": ["fish", "--no-config"],
}
HARDENED = {
    "bash": "set -euo pipefail; set -o posix; set -o noclobber; IFS=osp",
    "zsh": "setopt no_unset err_exit ksh_arrays sh_word_split no_clobber ksh_glob; IFS=osp",
    "fish": "set -g IFS osp",
}
LOAD = {
    "bash": 'eval "$(omniprofile hook bash{})"',
    "zsh": 'eval "$(omniprofile hook zsh{})"',
    "fish": "omniprofile hook fish{} | source",
}


def install_program(folder: Path, *, terminal: bool = True) -> Path:
    """Make a program `omniprofile` that runs this tree; return its folder, for `PATH`.

    Without a `terminal` it is forked (`tests/warm.py`), and then not a child of its shell.
    """
    programs = folder / "with space"
    programs.mkdir(exist_ok=True)
    program = programs / "omniprofile"
    if not terminal:
        warm.install(program)
        return programs
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m omniprofile "$@"\n')
    program.chmod(0o755)
    return programs


def run_script(
    shell: str, script: str, programs: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `script` in `shell`, with no terminal; fail after a minute."""
    environ = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", **(env or {})}
    return run_program([*START[shell], "-c", script], env=environ, cwd=cwd)
