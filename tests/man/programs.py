"""Programs that the tests of the manual need."""

import os
import shutil

import pytest


def needs(program: str) -> str:
    """The path of a program. Without it the test is skipped, or fails where the test command has installed everything."""
    path = shutil.which(program)
    if path is None:
        if os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL") == "1":
            raise AssertionError(f"`{program}` must be installed")
        pytest.skip(f"`{program}` is not installed")
    return path
