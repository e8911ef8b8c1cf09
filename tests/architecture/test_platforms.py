"""The package checks the platform before it uses a name that Windows or macOS lacks."""

import sys
from pathlib import Path

import pytest

from tests.programs import run_program

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_every_name_exists_on(platform: str) -> None:
    """Only names of the standard library: other libraries count as `Any`, which halves the time."""
    options = ["--config-file=", "--no-site-packages", "--ignore-missing-imports", "--platform", platform]
    options += ["--cache-dir", f".mypy_cache/{platform}"]
    argv = [sys.executable, "-m", "mypy", *options, "omniprofile"]
    run_program(argv, cwd=ROOT, check=True)
