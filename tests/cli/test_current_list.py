"""`current` and `list`, with their documented JSON."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import PRODUCTION_KEY, STAGING_KEY, Instances
from tests.conftest import Cli

_PROD: dict[str, object] = {"protected": True, "access": "full", "shadowed_by": []}
_STAGING: dict[str, object] = {**_PROD, "protected": False}


def test_current_prints_the_profile_alone(cli: Cli, two: Path) -> None:
    ran = cli("current")
    assert (ran.status, ran.out, ran.err) == (0, "prod\n", "")


def test_current_json_says_which_layer_with_file_and_line(cli: Cli, two: Path) -> None:
    default = {"layer": "defaults", "name": "default", "file": str(two), "line": 2}
    prod, staging = {"profile": "prod", **_PROD}, {"profile": "staging", **_STAGING}
    assert json.loads(cli("current", "--json").out) == {**prod, "selected_by": default}
    cli("use", "staging")
    state = {"layer": "state", "name": "active", "file": str(cli.state / "active"), "line": 1}
    assert json.loads(cli("current", "--json").out) == {**staging, "selected_by": state}
    pin = cli.work / ".omniprofile.toml"
    pin.write_text('# ours\nprofile = "staging"\n')
    project = {"layer": "project", "name": "profile", "file": str(pin), "line": 2}
    assert json.loads(cli("current", "--json").out) == {**staging, "selected_by": project}
    variable = {"layer": "environment", "name": "OMNI_PROFILE", "file": None, "line": None}
    ran = cli("current", "--json", env={"OMNI_PROFILE": "staging"})
    assert json.loads(ran.out) == {**staging, "selected_by": variable}


def test_current_with_none_selected_is_exit_5_and_json_says_so(cli: Cli) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\n[profiles.b]\nbase_url = "https://b.omniapp.co"\n')
    ran = cli("current", "--json", status=5)
    error = json.loads(ran.out)["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == "no-profile-selected"
    assert "`a` or `b`" in error["hint"]


def test_the_only_profile_is_in_use(cli: Cli) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\n')
    answer = json.loads(cli("current", "--json").out)
    assert answer["profile"] == "a"
    assert answer["selected_by"]["layer"] == "builtin"


def test_current_json_says_what_programs_get(cli: Cli, two: Path) -> None:
    two.write_text(two.read_text() + '[profiles.reader]\nextends = "prod"\naccess = "read-only"\n')
    assert json.loads(cli("-p", "reader", "current", "--json").out)["access"] == "read-only"
    (two.parent / "profiles.d").mkdir()
    cli.profiles("[profiles.broken\n", "profiles.d/b.toml")
    assert json.loads(cli("-p", "reader", "current", "--json").out)["access"] == "read-only"


def test_a_profile_of_the_command_line_is_the_one_in_use(cli: Cli, two: Path) -> None:
    ran = cli("current", "-p", "staging", "--json", env={"OMNI_PROFILE": "prod"})
    selected_by = {"layer": "flag", "name": "--profile", "file": None, "line": None}
    assert json.loads(ran.out) == {"profile": "staging", "selected_by": selected_by, **_STAGING}
    assert cli("current", "-p", "stagin").status == 5


@pytest.mark.parametrize(
    "option", [("-p", "staging"), ("--profile", "staging"), ("--profile=staging",), ("-pstaging",)]
)
def test_the_profile_s_option_may_stand_before_the_command(cli: Cli, two: Path, option: tuple[str, ...]) -> None:
    assert cli(*option, "current").out == cli("current", *option).out == "staging\n"
    assert cli("-q", *option, "--config", str(two), "current").out == "staging\n"
    assert cli(*option, "token", shows=True).out == cli("token", "staging", shows=True).out
    assert "OMNI_PROFILE" in cli(*option, "env", "--shell", "bash", shows=True).out
    assert json.loads(cli(*option, "explain", "--json").out)["profile"] == "staging"


def test_an_option_before_the_command_counts_as_one_after_it(cli: Cli, two: Path) -> None:
    assert cli("-p", "stagin", "current").status == 5
    for argv in (
        ("-p", "staging", "token", "prod"),
        ("-p", "prod", "token", "-p", "staging"),
        ("-p", "prod", "schema"),
        ("-p", "", "current"),
        ("-p",),
        ("-p", "staging"),
        ("-p", "current"),
    ):
        assert cli(*argv).status == 2, argv
    assert "two profiles are named" in cli("-p", "staging", "token", "-p", "prod").err
    assert cli("-p", "staging", "token", "staging", shows=True).status == 0


def test_an_empty_variable_counts_as_unset(cli: Cli, two: Path) -> None:
    assert cli("current", env={"OMNI_PROFILE": "", "OMNIPROFILE_CONFIG": ""}).out == "prod\n"


def test_list_marks_the_active_profile_and_contacts_nothing(cli: Cli, two: Path) -> None:
    ran = cli("list", status=0)
    lines = ran.out.splitlines()
    assert lines[0].split() == ["NAME", "INSTANCE", "AUTH", "CREDENTIAL", "DESCRIPTION"]
    assert lines[1].split()[:2] == ["*", "prod"]
    assert "[protected] Production" in lines[1]


def test_list_json_has_the_documented_keys(cli: Cli, two: Path) -> None:
    profiles = json.loads(cli("list", "--json", env={"STAGING_KEY": ""}).out)["profiles"]
    assert profiles == [
        {
            "name": "prod",
            "active": True,
            "base_url": "https://acme.omniapp.co",
            "auth": "api-key",
            "credential": "present",
            "expires_at": None,
            "protected": True,
            "access": "full",
            "description": "Production",
            "tags": [],
            "secrets": [],
        },
        {
            "name": "staging",
            "active": False,
            "base_url": "https://acme-staging.omniapp.co",
            "auth": "api-key",
            "credential": "missing",
            "expires_at": None,
            "protected": False,
            "access": "full",
            "description": None,
            "tags": [],
            "secrets": [],
        },
    ]


def test_list_knows_what_is_stored(cli: Cli, instances: Instances) -> None:
    cli("login", "prod", stdin=PRODUCTION_KEY)
    states = {row["name"]: row["credential"] for row in json.loads(cli("list", "--json").out)["profiles"]}
    assert states == {"prod": "present", "staging": "missing"}
    cli("login", "staging", stdin=STAGING_KEY)
    cli("logout", "prod", "--yes")
    states = {row["name"]: row["credential"] for row in json.loads(cli("list", "--json").out)["profiles"]}
    assert states == {"prod": "missing", "staging": "present"}


@pytest.mark.usefixtures("file_store")
def test_a_store_that_cannot_be_used_hides_no_address(cli: Cli, instances: Instances) -> None:
    stored = cli.home / ".local/state/omniprofile/secrets.json"
    cli("login", "staging", stdin=STAGING_KEY, status=0)
    stored.chmod(0o644)
    ran = cli("list", "--json", status=0)
    (row,) = [row for row in json.loads(ran.out)["profiles"] if row["name"] == "staging"]
    assert (row["base_url"], row["credential"]) == (instances.staging.base_url, "unknown")
    assert "`staging`: " in ran.err


def test_list_asks_no_key_command(cli: Cli) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = { command = ["touch", "asked"] }\n')
    row = json.loads(cli("list", "--json").out)["profiles"][0]
    assert row["credential"] == "unknown"
    assert not (cli.work / "asked").exists()


def test_list_of_nothing_points_to_init(cli: Cli) -> None:
    ran = cli("list", status=0)
    assert "omniprofile init" in ran.err
    assert json.loads(cli("list", "--json").out) == {"profiles": [], "shadowed_by": []}


def test_a_broken_file_is_one_error_of_list_and_no_warning(cli: Cli) -> None:
    cli.profiles("vresion = 1\n")
    ran = cli("list", status=3)
    assert ran.err.count("unknown key `vresion`") == 1


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "", "TERM": "dumb"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "0", "NO_COLOR": ""}, False),
        ({"NO_COLOR": ""}, False),
        ({"FORCE_COLOR": "1", "CLICOLOR": "0", "NO_COLOR": ""}, True),
    ],
)
def test_colour_can_be_forced_and_a_protected_profile_has_one(
    cli: Cli, two: Path, env: dict[str, str], coloured: bool
) -> None:
    assert ("\x1b[33mprod\x1b[0m" in cli("list", env=env).out) is coloured
    assert "\x1b" not in cli("--no-color", "list", env=env).out
