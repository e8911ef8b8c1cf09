"""What every test on Windows has: a home of its own with a space and letters beyond ASCII, and the installed command in it."""

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
    """A home whose secrets lie in the Windows credential vault, which all homes share: it is emptied afterwards."""
    yield home
    names = [line.split("\t")[0] for line in home.run("__complete", "profiles", status=None).out.splitlines()]
    for name in filter(None, names):
        home.run("logout", name, "--yes", status=None)


@pytest.fixture
def files(home: Home) -> Home:
    """A home whose secrets lie in a file."""
    home.environ["OMNIPROFILE_SECRET_STORE"] = "file"
    return home
