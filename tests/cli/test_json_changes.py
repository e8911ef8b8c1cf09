"""`--json` on commands that change something: a small object with the changed file, and the usual errors."""

import json
from pathlib import Path

import pytest

from tests.conftest import CANARY, Cli

PROFILES = """\
default = "a"

[profiles.a]
base_url = "https://a.omniapp.co"

[profiles.b]
base_url = "https://b.omniapp.co"
key = { env = "KEY" }
"""


@pytest.fixture
def file(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")
    return str(cli.profiles(PROFILES))


def _json(cli: Cli, *argv: str, **how: str) -> dict[str, object]:
    ran = cli(*argv, "--json", **how)  # type: ignore[arg-type]  # standard input
    assert ran.status == 0, ran
    value: dict[str, object] = json.loads(ran.out)
    return value


def test_set_and_unset(cli: Cli, file: str) -> None:
    of_b = {"profile": "b", "key": "description", "file": file}
    assert _json(cli, "set", "b", "description", "two") == {**of_b, "changed": True}
    assert _json(cli, "set", "b", "description", "two") == {**of_b, "changed": False}
    assert _json(cli, "unset", "b", "description") == {**of_b, "changed": True}
    top = {"profile": None, "key": "default", "file": file, "changed": True}
    assert _json(cli, "set", "default", "b") == top
    assert _json(cli, "set", "b", "env.LANG", "C")["key"] == "env.LANG"


def test_add_rename_and_remove(cli: Cli, file: str) -> None:
    added = _json(cli, "add", "c", "--base-url", "https://c.omniapp.co", "--file", "more")
    more = str(Path(file).parent / "profiles.d" / "more.toml")
    assert added == {"profile": "c", "file": more, "changed": True}
    (cli.work / ".omniprofile.toml").write_text('profile = "c"\n')
    renamed = {"profile": "d", "previous": "c", "file": more, "changed": True, "secret": False, "pin": True}
    assert _json(cli, "rename", "c", "d") == renamed
    assert _json(cli, "remove", "d", "--yes") == {"profile": "d", "file": more, "changed": True, "secret": False}


def test_login_and_logout(cli: Cli, file: str) -> None:
    stored = {"profile": "a", "base_url": "https://a.omniapp.co", "auth": "api-key", "secret": None, "store": "file"}
    assert _json(cli, "login", "a", "--no-test", stdin=CANARY) == {**stored, "changed": True}
    assert _json(cli, "rename", "a", "z")["secret"] is True
    assert _json(cli, "logout", "z") == {"profile": "z", "changed": True}
    assert _json(cli, "logout", "z") == {"profile": "z", "changed": False}


def test_a_secret_of_env(cli: Cli, file: str) -> None:
    cli("set", "a", "env.OMNI_EMBED_SECRET", "{ keyring = true }")
    assert _json(cli, "login", "a", "--secret", "OMNI_EMBED_SECRET", stdin=CANARY)["secret"] == "OMNI_EMBED_SECRET"
    assert _json(cli, "remove", "b", "--yes")["secret"] is False


def test_init(cli: Cli) -> None:
    made = _json(cli, "init", "--name", "x", "--base-url", "https://x.omniapp.co", "--no-login")
    assert made == {"profile": "x", "file": str(cli.config), "changed": True, "active": True, "logged_in": False}


@pytest.mark.parametrize(
    "argv",
    [
        ["set", "gone", "description", "x"],
        ["unset", "a", "description"],
        ["add", "a", "--base-url", "https://a.omniapp.co"],
        ["rename", "gone", "x"],
        ["remove", "gone", "--yes"],
        ["remove", "a"],
        ["login", "b"],
        ["logout", "gone"],
        ["set", "a", "base_url", "http://evil.example"],
        ["init", "--name", "a", "--base-url", "https://a.omniapp.co", "--no-login"],
    ],
)
def test_a_failure_is_an_error_object(cli: Cli, file: str, argv: list[str]) -> None:
    ran = cli(*argv, "--json")
    assert ran.status != 0
    assert set(json.loads(ran.out)) == {"error"}


def test_a_patch_is_not_json(cli: Cli, file: str) -> None:
    assert cli("set", "b", "description", "two", "--diff", "--json").status == 2


def test_use_reports_what_shadows_the_switch_as_current_does(cli: Cli, file: str) -> None:
    assert _json(cli, "use", "b")["shadowed_by"] == []
    (cli.work / ".omniprofile.toml").write_text('profile = "a"\n')
    env = {"OMNI_API_TOKEN": "t0ken", "OMNI_BASE_URL": "https://theirs.omniapp.co"}
    answer = json.loads(cli("use", "b", "--json", env=env).out)
    assert (answer["effective"], answer["shadowed_by"]) == (
        False,
        [
            {"layer": "project", "name": "profile"},
            {"layer": "environment", "name": "OMNI_API_TOKEN"},
            {"layer": "environment", "name": "OMNI_BASE_URL"},
        ],
    )
    by_variable = json.loads(cli("use", "b", "--json", env={"OMNI_PROFILE": "gone"}).out)
    assert by_variable["shadowed_by"] == [{"layer": "environment", "name": "OMNI_PROFILE"}]
