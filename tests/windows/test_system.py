"""Places, state, snapshot and locks in Windows' own terms, within one process."""

import os
import subprocess
import sys

import pytest
from windows_home import CREATE_NEW_CONSOLE, Home


def test_the_places_are_where_windows_keeps_them(home: Home) -> None:
    home.write('version = 1\n[profiles.a]\nbase_url = "https://acme.omniapp.co"\n')
    home.run("use", "a")
    assert home.config.is_file()
    assert (home.state / "active").read_bytes().startswith(b"a")
    cache = home.state.parent / "cache"
    assert [path for path in cache.iterdir() if path.suffix == ".snapshot"]


def test_a_snapshot_is_used_and_a_change_is_seen(home: Home) -> None:
    home.write('version = 1\n[profiles.a]\nbase_url = "https://acme.omniapp.co"\n')
    assert home.run("current").out.strip() == "a"
    assert home.run("current").out.strip() == "a"
    home.write('version = 1\n[profiles.b]\nbase_url = "https://acme.omniapp.co"\n')
    assert home.run("current").out.strip() == "b"


def test_a_very_long_path_is_a_message_or_works(home: Home) -> None:
    deep = os.path.join(str(home.folder), *["d" * 60] * 5, "profiles.toml")
    ran = home.run("--config", deep, "list", status=None)
    assert ran.status in (0, 3)


@pytest.mark.parametrize("variable", ["APPDATA", "LOCALAPPDATA"])
def test_without_one_of_its_variables_it_still_works(home: Home, variable: str) -> None:
    del home.environ[variable]
    assert home.run("list", status=None).status in (0, 3)


def test_the_old_console_is_told_to_follow_colours_and_nothing_else_is(home: Home) -> None:
    program = """
import ctypes, os, sys
from omniprofile.system.windows import shows_colours
with open("CONOUT$", "r+b", buffering=0) as console, open(sys.argv[1], "w") as answer, open(os.devnull, "w") as nothing:
    print(shows_colours(console.fileno()), shows_colours(nothing.fileno()), shows_colours(answer.fileno()), file=answer)
"""
    answer = home.folder / "answer"
    subprocess.run(
        [sys.executable, "-c", program, str(answer)],
        env=home.environ, creationflags=CREATE_NEW_CONSOLE, stdin=subprocess.PIPE, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert answer.read_text().split() == ["True", "False", "False"]
