"""The package uses no name that Windows or macOS lacks without asking first which system it is on."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_every_name_is_there_on(platform: str) -> None:
    """The standard library's names: what a library of others gives is of any type, which halves the time."""
    options = ["--config-file=", "--no-site-packages", "--ignore-missing-imports", "--platform", platform]
    options += ["--cache-dir", f".mypy_cache/{platform}"]
    argv = [sys.executable, "-m", "mypy", *options, "omniprofile"]
    checked = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
