"""`init`: from nothing to a first profile, without a terminal too."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import STAGING_KEY
from tests.conftest import Cli
from tests.standin import Standin


def test_init_by_flags_writes_a_valid_file_and_makes_the_profile_active(cli: Cli) -> None:
    ran = cli("init", "--name", "play", "--base-url", "https://play.omniapp.co/", status=0)
    data = tomllib.loads(cli.config.read_text())
    assert data["profiles"]["play"] == {"base_url": "https://play.omniapp.co", "auth": "api-key"}
    assert cli("lint").status == 0
    assert cli("current").out == "play\n"
    assert "next: `omniprofile login play`" in ran.err
    ran = cli("init", "--name", "other", "--base-url", "https://other.omniapp.co", "--json")
    assert json.loads(ran.out)["logged_in"] is False


def test_init_with_a_key_on_stdin_logs_in_at_once(cli: Cli, file_store: None) -> None:
    with Standin() as omni:
        omni.add_key(STAGING_KEY)
        ran = cli(
            "init", "--name", "play", "--base-url", omni.base_url, "--allow-insecure", "--with-key", "--json",
            stdin=STAGING_KEY,
        )  # fmt: skip
        assert json.loads(ran.out)["logged_in"] is True, ran
        assert cli("test").status == 0
    assert cli("token", shows=True).out == STAGING_KEY + "\n"


def test_init_replaces_an_active_profile_that_is_gone(cli: Cli) -> None:
    cli.state.mkdir(mode=0o700)
    (cli.state / "active").write_text("gone\n\n")
    ran = cli("init", "--name", "a", "--base-url", "https://a.omniapp.co", "--json")
    assert (ran.status, json.loads(ran.out)["active"]) == (0, True)
    assert (cli.state / "active").read_text() == "a\ngone\n"


def test_init_adds_to_a_file_and_keeps_every_other_byte(cli: Cli) -> None:
    text = '# mine\nversion = 1   # one\r\n\r\n[profiles.a]\r\nbase_url = "https://a.omniapp.co"'
    file = cli.profiles("")
    file.write_bytes(text.encode())
    assert cli("init", "--name", "b", "--base-url", "https://b.omniapp.co").status == 0
    assert file.read_bytes().startswith(text.encode())
    assert set(tomllib.loads(file.read_bytes().decode())["profiles"]) == {"a", "b"}


def test_init_of_a_second_profile_leaves_the_first_one_active_and_says_so(cli: Cli) -> None:
    assert "the active profile is now `a`" in cli("init", "--name", "a", "--base-url", "https://a.omniapp.co").err
    ran = cli("init", "--name", "b", "--base-url", "https://b.omniapp.co")
    assert "the active profile is still `a`; `omniprofile use b` switches to it" in ran.err
    assert cli("current").out == "a\n"


def test_init_refuses_a_name_that_is_taken(cli: Cli) -> None:
    cli("init", "--name", "a", "--base-url", "https://a.omniapp.co")
    before = cli.config.read_bytes()
    ran = cli("init", "--name", "a", "--base-url", "https://b.omniapp.co", status=2)
    assert f"{cli.config}:" in ran.err
    assert cli.config.read_bytes() == before


def test_init_goes_through_a_symlink_and_leaves_the_link(cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "profiles.toml"
    target.parent.mkdir()
    target.write_text("version = 1\n")
    cli.config.parent.mkdir(parents=True)
    cli.config.symlink_to(target)
    assert cli("init", "--name", "a", "--base-url", "https://a.omniapp.co").status == 0
    assert cli.config.is_symlink()
    assert "[profiles.a]" in target.read_text()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--base-url", "https://a.omniapp.co"], "--name"),
        (["--name", "a"], "--base-url"),
        (["--name", "a b", "--base-url", "https://a.omniapp.co"], "did you mean `a-b`?"),
        (["--name", "a", "--base-url", "a.omniapp.co"], "https://a.omniapp.co"),
        (["--name", "a", "--base-url", "https://a.omniapp.co/api/v1"], "did you mean `https://a.omniapp.co`?"),
        (["--name", "a", "--base-url", "https://user:pw@a.omniapp.co"], "base URL"),
    ],
)
def test_bad_answers_are_usage_errors_and_write_nothing(cli: Cli, flags: list[str], says: str) -> None:
    ran = cli("init", *flags, status=2)
    assert says in ran.err
    assert not cli.config.exists()


def test_init_into_an_invalid_file_writes_nothing(cli: Cli) -> None:
    file = cli.profiles("[profiles.a\n")
    ran = cli("init", "--name", "b", "--base-url", "https://b.omniapp.co", status=3)
    assert f"{file}:1:" in ran.err
    assert file.read_text() == "[profiles.a\n"


def test_a_host_that_is_not_allowed_is_refused_before_a_key_is_asked_for(cli: Cli, file_store: None) -> None:
    ran = cli("init", "--name", "a", "--base-url", "https://bi.acme.example", "--with-key", stdin=STAGING_KEY, status=6)
    assert "allowed_hosts" in ran.err
    assert not (cli.state / "secrets.json").exists()


def test_plain_http_to_this_machine_points_to_the_option(cli: Cli) -> None:
    ran = cli("init", "--name", "local", "--base-url", "http://127.0.0.1:8000", status=6)
    assert "hint: give `--allow-insecure`" in ran.err
    assert not cli.config.exists()
    elsewhere = cli("add", "far", "--base-url", "http://acme.omniapp.co", status=6)
    assert "--allow-insecure" not in elsewhere.err
