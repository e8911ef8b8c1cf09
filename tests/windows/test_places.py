"""Homes, XDG variables, names that differ in case, and editors, on Windows."""

import sys
from pathlib import Path

import pytest
from windows_home import Home

A = '[profiles.a]\nbase_url = "https://a.omniapp.co"\n'
B = '[profiles.b]\nbase_url = "https://b.omniapp.co"\n'


def test_xdg_variables_move_the_folders_where_they_name_a_drive(home: Home) -> None:
    folders = {name: home.folder / name for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
    home.environ |= {name: str(folder) for name, folder in folders.items()}
    home.run("add", "a", "--base-url", "https://a.omniapp.co")
    home.run("use", "a")
    assert (folders["XDG_CONFIG_HOME"] / "omniprofile" / "profiles.toml").is_file()
    assert (folders["XDG_STATE_HOME"] / "omniprofile" / "active").read_bytes().startswith(b"a")
    assert list((folders["XDG_CACHE_HOME"] / "omniprofile").glob("*.snapshot"))
    home.environ["XDG_CONFIG_HOME"] = "/home/me/.config"
    home.write(B)
    assert home.run("__complete", "profiles").out.split()[0] == "b", (
        "what Git Bash sets means another folder on each drive"
    )


def test_names_of_files_are_the_same_in_any_case_and_those_of_profiles_are_not(home: Home) -> None:
    home.write(A)
    (home.config.parent / "profiles.d").mkdir()
    (home.config.parent / "profiles.d" / "MORE.TOML").write_text(B + B.replace("b]", "B]").replace("//b", "//bb"))
    (home.folder / ".OmniProfile.Toml").write_text('profile = "b"\n')
    assert home.run("current").out.strip() == "b"
    assert "https://bb.omniapp.co" in home.run("show", "B").out
    assert home.run("show", "A", status=5).err.splitlines()[1].startswith("hint: did you mean `a`")
    assert "OP405" in home.run("lint", status=1).out, "two names, one variable"


@pytest.mark.parametrize("name", ["con", "NUL", "aux", "COM1", "prn.x"])
def test_a_profile_may_have_the_name_of_a_device(files: Home, name: str) -> None:
    files.run("add", name, "--base-url", "https://acme.omniapp.co")
    files.run("login", name, "--no-test", stdin="omni_osk_device_0123\n")
    files.run("use", name)
    (files.folder / ".omniprofile.toml").write_text(f'profile = "{name}"\n')
    assert files.run("current").out.strip() == name
    assert files.run("token", name).out == "omni_osk_device_0123\n"
    files.run("remove", name, "--yes")


def test_hints_are_quoted_for_cmd(home: Home) -> None:
    missing = home.folder / "not there.toml"
    assert f'`omniprofile --config "{missing}" init`' in home.run("--config", str(missing), "list", status=3).err


def test_an_editor_is_found_by_a_path_with_backslashes_and_blanks(home: Home) -> None:
    home.write(A)
    tool = home.folder / "my editor.py"
    tool.write_text(
        "import sys\nwith open(sys.argv[-1], 'ab') as file:\n    file.write(b'description = \"mine\"\\r\\n')\n"
    )
    home.run("edit", environ={"EDITOR": f'"{Path(sys.executable)}" "{tool}"'})
    assert home.config.read_bytes() == A.encode() + b'description = "mine"\r\n'


def test_lint_fixes_and_shells_of_git_for_windows_are_set_up(home: Home) -> None:
    home.write(A.replace("base_url", "baseurl").replace("\n", "\r\n"))
    home.run("lint", "--fix")
    assert home.config.read_bytes() == A.replace("\n", "\r\n").encode()
    home.run("completion", "bash", "--install")
    home.run("hook", "bash", "--install")
    assert "hook.bash" in (home.folder / ".bashrc").read_text(encoding="utf-8")
    assert "$PROFILE" in home.run("hook", "powershell", "--install").err
