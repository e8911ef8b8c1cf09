"""Places, state, snapshot and locks in Windows' own terms, within one process."""

import os

import pytest
from windows_home import Home


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


def test_only_a_console_follows_colours(home: Home) -> None:
    """`NUL` calls itself a terminal. (Wine has no console to show the other answer.)"""
    from omniprofile.system.windows import shows_colours

    with open(os.devnull, "w") as nothing, (home.folder / "file").open("w") as file:
        assert nothing.isatty()
        assert not shows_colours(nothing.fileno())
        assert not shows_colours(file.fileno())


def test_demo_runs_to_its_end(home: Home) -> None:
    assert "no key lies outside the secret store" in home.exe("demo", seconds=300).out
