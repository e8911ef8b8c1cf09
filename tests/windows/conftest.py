"""What every test on Windows has: a home of its own with a space and letters beyond ASCII, and the installed command in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from windows_home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "Jürgen Weiß"
    folder.mkdir()
    kept = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(("OMNI", "XDG_", "PYTHON"))
    }
    places = {
        "USERPROFILE": folder,
        "APPDATA": folder / "AppData" / "Roaming",
        "LOCALAPPDATA": folder / "AppData" / "Local",
    }
    return Home(folder, {**kept, **{name: str(place) for name, place in places.items()}, "PYTHONUTF8": "1"})


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
