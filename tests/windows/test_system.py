"""Paths, state, snapshot and locks on Windows, within one process."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
from windows_home import Home

from omniprofile.system.files import read_regular

KEY = "omni_osk_windows_0123456789abcdef"
CONTENT = b"x" * 20_000


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


def test_paths_of_more_than_260_characters_work(home: Home) -> None:
    """Wine supports them; Windows does if `LongPathsEnabled` is set."""
    deep = os.path.join(str(home.folder), *["d" * 60] * 5)
    config = os.path.join(deep, "profiles.toml")
    assert "not found" in home.run("--config", config, "list", status=3).err
    home.environ["OMNIPROFILE_STATE_DIR"] = os.path.join(deep, "state")
    home.environ["OMNIPROFILE_SECRET_STORE"] = "file"
    home.run("--config", config, "add", "a", "--base-url", "https://acme.omniapp.co")
    home.run("--config", config, "login", "a", "--no-test", stdin=KEY + "\n")
    output = os.path.join(deep, "out.env")
    home.run("--config", "\\\\?\\" + config, "env", "a", "--shell", "dotenv", "--output", output)
    home.run("import", "dotenv", output, "--name", "b", "--yes", status=None)
    assert home.run("--config", config, "token", "a", "--token-file", os.path.join(deep, "none"), status=4).err
    assert home.exe("--config", config, "token", "a").out == KEY + "\n"
    missing = os.path.join(deep, "none", "out.env")
    failed = home.run("--config", config, "env", "a", "--output", missing, "--shell", "dotenv", status=1)
    assert "a path of 260 characters or more needs `LongPathsEnabled`" in failed.err


@pytest.mark.parametrize(
    "name", ["CON", "nul.toml", "COM1", "a.toml:stream", "a.toml.", "a.toml ", "a|b", r"\\.\NUL", "CONIN$"]
)
def test_names_that_windows_has_another_use_for_are_refused(home: Home, name: str) -> None:
    home.write(f"[profiles.a]\nbase_url = 'https://a.omniapp.co'\nkey = {{ file = '{name}' }}\n")
    (home.config.parent / "a.toml").write_text(KEY)
    why = "this name is reserved on Windows"
    assert why in home.run("token", "a", status=4).err
    assert why in home.run("token", "a", "--token-file", name, status=4).err
    add = home.run("--config", name, "add", "b", "--base-url", "https://b.omniapp.co", status=None)
    assert add.status in (1, 3)
    assert why in add.err
    assert why in home.run("import", "dotenv", name, "--name", "b", status=None).err or ":" in name
    (home.config.parent / "key").write_text(KEY)
    home.write("[profiles.a]\nbase_url = 'https://a.omniapp.co'\nkey = { file = 'key' }\n")
    refused = home.run("env", "a", "--shell", "dotenv", "--output", name, status=None)
    assert refused.status in (1, 6)
    assert os.listdir(home.folder) == ["AppData"]


def test_doctor_reports_who_else_can_change_the_files(home: Home) -> None:
    home.run("add", "a", "--base-url", "https://acme.omniapp.co")
    assert "none that everybody can change" in home.run("doctor", status=None).out
    _set_access_list(home.config.parent, "D:(A;OICI;FA;;;WD)")
    out = home.run("doctor", status=1).out
    assert f"`{home.config.parent}` can be changed by Everyone" in out
    assert "icacls" in out


def _set_access_list(path: Path, text: str) -> None:
    """Give a file or folder an access list, by the Security Descriptor Definition Language."""
    library = ctypes.WinDLL("advapi32", use_last_error=True)  # type: ignore[attr-defined]  # mypy runs on Linux
    descriptor = ctypes.c_void_p()
    assert library.ConvertStringSecurityDescriptorToSecurityDescriptorW(text, 1, ctypes.byref(descriptor), None)
    assert library.SetFileSecurityW(str(path), 4, descriptor)


@pytest.mark.parametrize("variable", ["APPDATA", "LOCALAPPDATA"])
def test_without_one_of_its_variables_it_still_works(home: Home, variable: str) -> None:
    del home.environ[variable]
    assert home.run("list", status=None).status in (0, 3)


def test_a_file_can_be_read_while_another_process_replaces_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_bytes(CONTENT)
    write = (
        f"from omniprofile.system.atomic_write import write_atomic; write_atomic({str(path)!r}, b'x' * {len(CONTENT)})"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", f"for _ in range(60): exec({write!r})"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    while writer.poll() is None:
        assert read_regular(str(path)) == CONTENT
    writer.communicate()
    assert writer.returncode == 0


def test_only_a_console_follows_colours(home: Home) -> None:
    """`NUL` calls itself a terminal. (Wine has no console to show the other answer.)"""
    if sys.platform == "win32":
        from omniprofile.system.windows.console import shows_colours

        with open(os.devnull, "w") as nothing, (home.folder / "file").open("w") as file:
            assert nothing.isatty()
            assert not shows_colours(nothing.fileno())
            assert not shows_colours(file.fileno())
