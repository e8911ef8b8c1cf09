"""Fixtures for tests on Windows: a temporary home with a space and non-ASCII letters, and the installed command."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from windows_home import Home, user_environment


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "Jürgen Weiß"
    folder.mkdir()
    return Home(folder, user_environment(folder))


@pytest.fixture
def vault(home: Home) -> Iterator[Home]:
    """A home with secrets in the Windows credential vault, which all homes share; it is emptied afterwards."""
    yield home
    names = [line.split("\t")[0] for line in home.run("__complete", "profiles", status=None).out.splitlines()]
    for name in filter(None, names):
        home.run("logout", name, "--yes", status=None)


@pytest.fixture
def files(home: Home) -> Home:
    """A home with the file store."""
    home.environ["OMNIPROFILE_SECRET_STORE"] = "file"
    return home
