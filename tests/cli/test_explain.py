"""`explain` and `show`: every value with its provenance, every overridden value with the reason, and no secret."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import STAGING_KEY
from tests.conftest import CANARY, Cli

GENERATIONS = """\
[profiles.child]
extends = "parent"
auth = "api-key"
env = { ONE = "child" }
[profiles.parent]
extends = "grandparent"
base_url = "https://acme.omniapp.co"
auth = "oauth"
expect = { user = "u-1" }
env = { ONE = "parent", TWO = "parent" }
[profiles.grandparent]
base_url = "https://old.omniapp.co"
key = { env = "KEY" }
protected = true
expect = { user = "u-2", org_role = "MEMBER" }
env = { TWO = "grandparent", THREE = "grandparent" }
[defaults]
env = { FOUR = "defaults" }
"""


def test_json_distinguishes_own_and_inherited_values(cli: Cli) -> None:
    file = str(cli.profiles(GENERATIONS))
    fields = json.loads(cli("explain", "child", "--json", env={"KEY": CANARY}).out)["fields"]

    def places(name: str) -> list[tuple[object, str, str, int]]:
        return [
            (each["value"], each["provenance"]["layer"], each["provenance"]["name"], each["provenance"]["line"])
            for each in (fields[name], *fields[name]["overridden"])
            if each["provenance"]["file"] == file
        ]

    assert {name: places(name) for name in fields} == {
        "extends": [("parent", "profile", "child", 2)],
        "base_url": [
            ("https://acme.omniapp.co", "parent", "parent", 7),
            ("https://old.omniapp.co", "parent", "grandparent", 12),
        ],
        "auth": [("api-key", "profile", "child", 3), ("oauth", "parent", "parent", 8)],
        "key": [("environment variable `KEY`", "parent", "grandparent", 13)],
        "token": [("omni_osk_********", "parent", "grandparent", 13)],
        "protected": [(True, "parent", "grandparent", 14)],
        "access": [],
        "allow_insecure": [],
        "expect.user": [("u-1", "parent", "parent", 9), ("u-2", "parent", "grandparent", 15)],
        "expect.org_role": [(None, "parent", "parent", 9), ("MEMBER", "parent", "grandparent", 15)],
        "env.ONE": [("child", "profile", "child", 4), ("parent", "parent", "parent", 10)],
        "env.TWO": [("parent", "parent", "parent", 10), ("grandparent", "parent", "grandparent", 16)],
        "env.THREE": [("grandparent", "parent", "grandparent", 16)],
        "env.FOUR": [("defaults", "defaults", "defaults", 18)],
    }


def test_the_mask_does_not_reveal_the_length_of_a_secret(cli: Cli, two: Path) -> None:
    short = json.loads(cli("explain", "staging", "--json", env={"STAGING_KEY": "omni_osk_1"}).out)
    long = json.loads(cli("explain", "staging", "--json", env={"STAGING_KEY": "omni_osk_" + "1" * 200}).out)
    assert short["fields"]["token"]["value"] == long["fields"]["token"]["value"]


@pytest.mark.parametrize(
    "argv", [["test", "--all", "--timeout", "0.1"], ["token", "own"], ["exec", "own", "--", "true"]]
)
def test_the_profiles_own_variable_is_not_reported_as_ignored(cli: Cli, argv: list[str]) -> None:
    own = 'base_url = "https://a.omniapp.co"\nkey = { env = "OMNI_API_TOKEN" }\n'
    cli.profiles(f"[profiles.own]\n{own}[profiles.other]\nextends = 'own'\n")
    assert "OMNI_API_TOKEN" not in cli(*argv, env={"OMNI_API_TOKEN": STAGING_KEY}, shows=True).err


def test_an_ignored_variable_is_reported_once_for_all_profiles(cli: Cli, two: Path) -> None:
    ran = cli("test", "--all", "--timeout", "0.1", env={"OMNI_API_TOKEN": STAGING_KEY})
    assert ran.err.count("is ignored") == 1, ran


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_a_pin_that_chooses_the_host_of_a_lone_token_is_never_silent(cli: Cli, two: Path, quiet: list[str]) -> None:
    (cli.work / ".omniprofile.toml").write_text('profile = "staging"\n')
    ran = cli(*quiet, "token", env={"OMNI_API_TOKEN": STAGING_KEY}, shows=True)
    assert "warning: the token comes from `OMNI_API_TOKEN`, the host https://acme-staging.omniapp.co" in ran.err


def test_v_says_which_profile_is_used_and_why(cli: Cli, two: Path) -> None:
    for argv in (["token"], ["env", "--shell", "bash"], ["exec", "--", "true"], ["show"], ["list"], ["current"]):
        ran = cli("-v", *argv, env={"OMNI_PROFILE": "staging"}, shows=True)
        assert "selected by environment variable `OMNI_PROFILE`" in ran.err, ran


def test_a_refusal_is_explained_and_then_ends_as_the_refusal_does(cli: Cli, two: Path) -> None:
    env = {"OMNI_PROFILE_STAGING_BASE_URL": "https://else.omniapp.co"}
    explained = cli("explain", "staging", env=env)
    refused = cli("token", "staging", env=env)
    assert (explained.status, refused.status) == (6, 6)
    assert refused.err == explained.err
    assert "https://else.omniapp.co" in refused.err
    assert "https://acme-staging.omniapp.co" in refused.err
    as_json = json.loads(cli("explain", "staging", "--json", env=env).out)
    assert as_json["error"]["code"] == "origin-mismatch"
    assert as_json["fields"]["base_url"]["value"] == "https://else.omniapp.co"


def test_show_is_explain_without_losers(cli: Cli, two: Path) -> None:
    ran = cli("show", "staging", env={"OMNI_PROFILE_STAGING_TOKEN": STAGING_KEY + "O"}, status=0)
    assert "not " not in ran.out
    fields = json.loads(cli("show", "staging", "--json").out)["fields"]
    assert "overridden" not in fields["base_url"]


def test_explain_lists_the_layers_that_lost_the_choice_of_profile(cli: Cli, two: Path) -> None:
    cli("use", "staging")
    active = json.loads(cli("explain", "--json").out)["selected_by"]
    assert active == {"layer": "state", "name": "active", "file": str(cli.state / "active"), "line": 1}
    ran = cli("explain", env={"OMNI_PROFILE": "staging"})
    assert "selected by environment variable `OMNI_PROFILE`" in ran.out
    assert "not prod" in ran.out
