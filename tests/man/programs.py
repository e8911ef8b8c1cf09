"""Programs that the tests of the manual need."""

import os
import shutil

import pytest


def needs(program: str) -> str:
    """Return the path of a program. Without it, skip the test, or fail if the test command should have installed it."""
    path = shutil.which(program)
    if path is None:
        if os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL") == "1":
            raise AssertionError(f"`{program}` must be installed")
        pytest.skip(f"`{program}` is not installed")
    return path
