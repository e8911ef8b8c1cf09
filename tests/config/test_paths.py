"""The paths of all files, on each platform, for any values of the variables."""

from pathlib import Path

import pytest

from omniprofile.config.paths import Places, find_places, profile_files
from omniprofile.config.pin import find_pin
from omniprofile.errors import ConfigUnreadable


def places(
    platform: str = "linux", cwd: str = "/work", home: str | None = "/home/db", flag: str | None = None, **environ: str
) -> Places:
    return find_places(platform=platform, environ=environ, cwd=cwd, user_home=lambda: home, config_flag=flag)


def parts(found: Places) -> dict[str, object]:
    return dict(vars(found))


def test_linux_follows_the_xdg_defaults():
    found = places(HOME="/home/ada")
    assert found.config_file == "/home/ada/.config/omniprofile/profiles.toml"
    assert found.state_folder == "/home/ada/.local/state/omniprofile"
    assert found.cache_folder == "/home/ada/.cache/omniprofile"


def test_macos_uses_the_same_places_as_linux():
    assert parts(places("darwin", HOME="/Users/ada")) == parts(places("linux", HOME="/Users/ada"))


def test_windows_uses_its_known_folders():
    found = places(
        "win32",
        cwd="C:\\work",
        USERPROFILE="C:\\Users\\ada",
        APPDATA="C:\\Users\\ada\\AppData\\Roaming",
        LOCALAPPDATA="D:\\Local",
    )
    assert found.config_file == "C:\\Users\\ada\\AppData\\Roaming\\omniprofile\\profiles.toml"
    assert found.state_folder == "D:\\Local\\omniprofile\\state"
    assert found.cache_folder == "D:\\Local\\omniprofile\\cache"


def test_windows_takes_an_xdg_variable_that_names_a_drive():
    found = places(
        "win32", USERPROFILE="C:\\u", XDG_STATE_HOME="D:\\s", XDG_CACHE_HOME="D:\\k", XDG_CONFIG_HOME="/h/.config"
    )
    assert found.state_folder == "D:\\s\\omniprofile"
    assert found.cache_folder == "D:\\k\\omniprofile"
    assert found.config_file == "C:\\u\\AppData\\Roaming\\omniprofile\\profiles.toml"


def test_windows_without_its_variables_falls_back_to_the_profile_folder():
    found = places("win32", cwd="C:\\work", USERPROFILE="C:\\Users\\ada")
    assert found.config_file == "C:\\Users\\ada\\AppData\\Roaming\\omniprofile\\profiles.toml"


def test_xdg_variables_move_each_folder():
    found = places(HOME="/h", XDG_CONFIG_HOME="/c", XDG_STATE_HOME="/s", XDG_CACHE_HOME="/k")
    assert (found.config_file, found.state_folder, found.cache_folder) == (
        "/c/omniprofile/profiles.toml",
        "/s/omniprofile",
        "/k/omniprofile",
    )


@pytest.mark.parametrize("value", ["", "relative/folder"])
def test_an_empty_or_relative_xdg_variable_is_ignored(value: str):
    found = places(HOME="/h", XDG_CONFIG_HOME=value, XDG_STATE_HOME=value, XDG_CACHE_HOME=value)
    assert parts(found) == parts(places(HOME="/h"))


@pytest.mark.parametrize("home", ["", ".", "rel", "~", "../x"])
def test_an_empty_or_relative_home_counts_as_unset(home: str):
    assert places(HOME=home).home == "/home/db"


def test_no_home_at_all_is_one_that_does_not_exist():
    assert places(home=None).config_file == "/nonexistent/.config/omniprofile/profiles.toml"


def test_no_home_is_fine_when_every_place_is_named():
    found = places(home=None, OMNIPROFILE_CONFIG="/c/p.toml", OMNIPROFILE_STATE_DIR="/s", XDG_CACHE_HOME="/k")
    assert (found.config_file, found.state_folder) == ("/c/p.toml", "/s")


def test_the_flag_beats_the_variable_and_the_variable_beats_the_default():
    assert places(HOME="/h", flag="/f.toml", OMNIPROFILE_CONFIG="/v.toml").config_file == "/f.toml"
    assert places(HOME="/h", OMNIPROFILE_CONFIG="/v.toml").config_given == "OMNIPROFILE_CONFIG"
    assert places(HOME="/h", OMNIPROFILE_CONFIG="").config_given is None


def test_relative_and_tilde_paths_are_made_absolute():
    assert places(HOME="/h", flag="p.toml").config_file == "/work/p.toml"
    assert places(HOME="/h", OMNIPROFILE_CONFIG="~/p.toml").config_file == "/h/p.toml"
    assert places(HOME="/h", OMNIPROFILE_STATE_DIR="s").state_folder == "/work/s"


def folder_places(folder: Path, *, given: str | None = None) -> Places:
    return Places(str(folder / "profiles.toml"), given, str(folder), str(folder), str(folder))


def test_the_main_file_is_read_first_and_the_drop_ins_by_name(tmp_path: Path):
    (tmp_path / "profiles.d").mkdir()
    for name in (
        "profiles.toml",
        "profiles.d/20.toml",
        "profiles.d/10.toml",
        "profiles.d/.hidden.toml",
        "profiles.d/note.txt",
    ):
        (tmp_path / name).touch()
    names = [Path(path).name for path in profile_files(folder_places(tmp_path))]
    assert names == ["profiles.toml", "10.toml", "20.toml"]


def test_drop_ins_lie_beside_a_link_not_beside_its_target(tmp_path: Path):
    for folder in ("config/profiles.d", "dotfiles/profiles.d"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / f"{folder.split('/')[0]}.toml").touch()
    (tmp_path / "dotfiles" / "profiles.toml").touch()
    (tmp_path / "config" / "profiles.toml").symlink_to(tmp_path / "dotfiles" / "profiles.toml")
    names = [Path(path).name for path in profile_files(folder_places(tmp_path / "config"))]
    assert names == ["profiles.toml", "config.toml"]


def test_nothing_set_up_yet_is_not_an_error(tmp_path: Path):
    assert profile_files(folder_places(tmp_path)) == []


@pytest.mark.parametrize(
    ("given", "says", "init"),
    [
        ("--config", "toml` not found", "omniprofile --config {} init"),
        ("OMNIPROFILE_CONFIG", "toml`, named by `OMNIPROFILE_CONFIG`, not found", "omniprofile init"),
    ],
)
def test_a_missing_file_that_was_named_is_an_error(tmp_path: Path, given: str, says: str, init: str):
    places = folder_places(tmp_path, given=given)
    with pytest.raises(ConfigUnreadable, match=says) as caught:
        profile_files(places)
    assert f"`{init.format(places.config_file)}`" in str(caught.value.hint)


def test_a_drop_in_folder_that_is_a_file_is_an_error(tmp_path: Path):
    (tmp_path / "profiles.d").touch()
    with pytest.raises(ConfigUnreadable, match="cannot be read"):
        profile_files(folder_places(tmp_path))


def _pin(folder: Path) -> str | None:
    return find_pin(str(folder), "", tuple)[0]


def test_the_nearest_pin_upward_is_found(tmp_path: Path):
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "a" / "b"):
        (folder / ".omniprofile.toml").touch()
    assert _pin(deep) == str(tmp_path / "a" / "b" / ".omniprofile.toml")
    assert _pin(tmp_path / "a") == str(tmp_path / ".omniprofile.toml")


def test_a_dangling_pin_is_found_so_that_it_is_reported(tmp_path: Path):
    (tmp_path / ".omniprofile.toml").symlink_to(tmp_path / "gone")
    assert _pin(tmp_path) == str(tmp_path / ".omniprofile.toml")


def test_a_working_directory_that_is_gone_has_no_pin():
    assert find_pin(None, "", tuple) == (None, [])
