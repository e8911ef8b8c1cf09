"""`use`: the switch, what it says, and what it refuses."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import STAGING_KEY, Instances
from tests.conftest import CANARY, Cli


def test_use_writes_the_state_file_and_nothing_else(cli: Cli, two: Path) -> None:
    before = two.read_bytes()
    ran = cli("use", "staging", status=0)
    assert ran.out == ""
    assert "the active profile is now `staging` (https://acme-staging.omniapp.co)" in ran.err
    assert (cli.state / "active").read_text() == "staging\n\n"
    assert two.read_bytes() == before


def test_use_dash_goes_back_and_forth(cli: Cli, two: Path) -> None:
    cli("use", "staging")
    cli("use", "prod", "--yes")
    assert cli("use", "-").status == 0
    assert cli("current").out == "staging\n"
    assert cli("use", "-", "--yes").status == 0
    assert cli("current").out == "prod\n"


def test_use_dash_without_a_previous_profile_says_so(cli: Cli, two: Path) -> None:
    ran = cli("use", "-", status=5)
    assert "no previous profile to switch back to" in ran.err
    assert not (cli.state / "active").exists()


@pytest.mark.parametrize("name", ["stagin", "Staging", "stagging"])
def test_a_wrong_name_changes_nothing_and_names_the_near_one(cli: Cli, two: Path, name: str) -> None:
    cli("use", "staging")
    ran = cli("use", name, status=5)
    assert "did you mean `staging`?" in ran.err
    assert (cli.state / "active").read_text().startswith("staging\n")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("my prod", "my-prod"), ("../../etc/passwd", "etc-passwd"), ("a" * 65, "a" * 64), ("\x1b[31mred", "31mred")],
)
def test_an_invalid_name_is_refused_with_the_rule_and_the_nearest_valid_one(
    cli: Cli, two: Path, name: str, nearest: str
) -> None:
    ran = cli("use", name, status=5)
    assert "at most 64" in ran.err
    assert f"`{nearest}`" in ran.err
    assert "\x1b" not in ran.err


def test_use_warns_that_omni_profile_hides_the_switch_in_this_shell(cli: Cli, two: Path) -> None:
    ran = cli("use", "staging", env={"OMNI_PROFILE": "prod"}, status=0)
    assert "warning: this shell does not see it: `OMNI_PROFILE` is set to `prod`" in ran.err
    assert "use --shell staging" in ran.err


def test_use_warns_that_a_pin_hides_the_switch_in_this_folder(cli: Cli, two: Path) -> None:
    pin = cli.work / ".omniprofile.toml"
    pin.write_text('profile = "prod"\n')
    ran = cli("use", "staging", status=0)
    assert f"this folder does not see it: the project pin ({pin}:1) names `prod`" in ran.err


def test_use_warns_that_a_token_variable_overrides_the_profile(cli: Cli, two: Path) -> None:
    ran = cli("use", "staging", env={"OMNI_API_TOKEN": STAGING_KEY})
    assert "`OMNI_API_TOKEN` is set in this shell" in ran.err


def test_use_does_not_take_an_exported_token_for_the_users_own(cli: Cli, two: Path) -> None:
    exported = json.loads(cli("env", "prod", "--shell", "json", shows=True).out)
    ran = cli("use", "staging", env=exported)
    assert "OMNI_API_TOKEN" not in ran.err


def test_use_json_says_whether_it_is_effective(cli: Cli, two: Path) -> None:
    ran = cli("use", "staging", "--json", env={"OMNI_PROFILE": "prod"})
    answer = json.loads(ran.out)
    assert answer["profile"] == "staging"
    assert answer["effective"] is False
    assert answer["shadowed_by"]


def test_what_a_check_advises_can_be_done_with_the_command_that_made_it(
    cli: Cli, instances: Instances, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither `use` nor the check of a new key has a `--timeout`, as `test` does."""
    instances.staging.switches.answer = lambda _: (429, {"Retry-After": "60"}, b"{}")
    monkeypatch.setenv("OMNI_PROFILE_STAGING_TOKEN", STAGING_KEY)
    for ran in cli("use", "staging", "--test", status=7), cli("login", "staging", stdin=STAGING_KEY, status=7):
        assert "wait a minute and try again\n" in ran.err
    assert "--timeout" in cli("test", "staging", "--timeout", "1", status=7).out


def test_use_with_test_switches_only_if_the_check_passes(cli: Cli, instances: Instances) -> None:
    cli("login", "staging", stdin=STAGING_KEY)
    assert cli("use", "staging", "--test").status == 0
    instances.staging.revoke(STAGING_KEY)
    cli("use", "prod", "--yes")
    cli("use", "staging", "--test", status=8)
    assert cli("current").out == "prod\n"


def test_use_without_a_name_and_without_a_terminal_asks_nothing(cli: Cli, two: Path) -> None:
    ran = cli("use", stdin="1\n", status=2)
    assert "terminal" in ran.err
    assert not (cli.state / "active").exists()


@pytest.mark.parametrize(
    ("hook", "how"), [("", '`eval "$(omniprofile use --shell prod)"`'), ("bash", "`omniprofile use --shell prod`")]
)
def test_a_shell_that_does_not_see_the_switch_gets_the_hooks_command(cli: Cli, two: Path, hook: str, how: str) -> None:
    environ = {"OMNI_PROFILE": "staging", "OMNIPROFILE_SHELL": "bash", "OMNIPROFILE_HOOK": hook}
    assert f"switch this shell with {how}" in cli("use", "prod", "--yes", env=environ).err


@pytest.mark.parametrize("line", ["use a", "current", "token a", "login a --no-test", "log"])
@pytest.mark.parametrize("folder", ["/dev/null", "/dev/null/below"])
def test_a_device_in_place_of_the_state_folder_gets_a_hint_to_choose_another(cli: Cli, line: str, folder: str) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\n')
    ran = cli(*line.split(), env={"OMNIPROFILE_STATE_DIR": folder, "OMNIPROFILE_SECRET_STORE": "file"}, stdin=CANARY)
    assert ran.status != 0
    assert "choose another place: `/dev/null` is not a folder" in ran.err, ran
