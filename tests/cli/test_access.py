"""`access` and `allow` of a profile: who gets the token, which commands show them, and what lint reports."""

import json

import pytest

import omniprofile
from omniprofile.errors import AccessLimited
from tests.conftest import CANARY, Cli

PROFILES = """\
[defaults]
key = {{ env = "KEY" }}
[profiles.base]
base_url = "https://acme.omniapp.co"
access = "read-only"
allow = ["POST /api/v1/ai/jobs"]
[profiles.own]
extends = "base"
{more}
"""


def _given(cli: Cli, more: str = "") -> dict[str, str]:
    cli.profiles(PROFILES.format(more=more))
    return {"KEY": CANARY}


@pytest.mark.parametrize("access", ["gateway", "read-only"])
@pytest.mark.parametrize(
    "argv", [["token", "own"], ["token", "own", "--json"], ["env", "own", "--shell", "bash"], ["-p", "own", "token"]]
)
def test_the_token_is_handed_to_nobody(cli: Cli, argv: list[str], access: str) -> None:
    ran = cli(*argv, env=_given(cli, f'access = "{access}"'))
    assert (ran.status, ran.out) == (6, "")
    assert f"its `access` is `{access}`" in ran.err
    assert "omniprofile exec own -- COMMAND" in ran.err


def test_resolve_refuses_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _given(cli).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AccessLimited, match="`access` is `read-only`"):
        omniprofile.resolve("own")


def test_export_with_secrets_refuses(cli: Cli) -> None:
    env = _given(cli)
    assert cli("export", "omni-cli", "-p", "own", env=env).status == 0
    cli("export", "omni-cli", "--with-secrets", "-p", "own", env=env, status=6)


def test_a_profile_s_own_access_replaces_its_parent_s(cli: Cli) -> None:
    ran = cli("token", "own", env=_given(cli, 'access = "full"'), shows=True)
    assert ran.out == CANARY + "\n"
    fields = json.loads(cli("explain", "own", "--json").out)["fields"]
    assert [fields["access"]["value"], *[each["value"] for each in fields["access"]["overridden"]]] == [
        "full",
        "read-only",
    ]


def test_a_profile_s_own_allow_replaces_its_parent_s(cli: Cli) -> None:
    _given(cli, "allow = []")
    fields = json.loads(cli("explain", "own", "--json").out)["fields"]
    assert [fields["allow"]["value"], *[each["value"] for each in fields["allow"]["overridden"]]] == [
        [],
        ["POST /api/v1/ai/jobs"],
    ]
    assert "POST /api/v1/ai/jobs" in cli("show", "base").out


def test_explain_shows_what_programs_get_in_place_of_the_instance_s_address(cli: Cli) -> None:
    aliases = """[profiles.own.env]
SERVER = { from = "base_url", append = "/mcp/https" }
HOST = { from = "host" }
ORG = { from = "organization" }
TOKEN = { from = "token" }
"""
    for access, expected in {
        "gateway": ["http://127.0.0.1:PORT/mcp/https", "127.0.0.1:PORT", None, "********"],
        "full": ["https://acme.omniapp.co/mcp/https", "acme.omniapp.co", "acme", "********"],
    }.items():
        env = _given(cli, f'access = "{access}"\n{aliases}')
        fields = json.loads(cli("explain", "own", "--json", env=env).out)["fields"]
        assert [fields[f"env.{name}"]["value"] for name in ("SERVER", "HOST", "ORG", "TOKEN")] == expected
        assert fields["base_url"]["value"] == "https://acme.omniapp.co"


def test_list_shows_access(cli: Cli) -> None:
    _given(cli, 'access = "full"')
    assert [row["access"] for row in json.loads(cli("list", "--json").out)["profiles"]] == ["read-only", "full"]
    lines = cli("list").out.splitlines()
    assert "[read-only]" in lines[1]
    assert "[full]" not in lines[2]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('allow = ["post /api/v1/ai/jobs"]', "not in capitals"),
        ('allow = ["GET /api/v1/models"]', "GET is always allowed"),
        ('allow = ["POST api/v1/ai/jobs"]', "not a method and a path"),
        ('allow = ["POST /api/../v1"]', "not a method and a path"),
        ('allow = ["POST /api//v1"]', "not a method and a path"),
        ('allow = ["POST /api/v1?x=1"]', "not a method and a path"),
        ('allow = ["* /api"]', "not a method and a path"),
        ('allow = ["POST"]', "not a method and a path"),
        ('allow = [""]', "not a method and a path"),
        ('allow = ["POST /a%2fb"]', "not a method and a path"),
        ('access = "readonly"', '"read-only"'),
        ("access = true", "access"),
        ('allow = "POST /api"', "array"),
    ],
)
def test_lint_refuses_invalid_access_and_requests(cli: Cli, more: str, message: str) -> None:
    _given(cli, more)
    ran = cli("lint", status=1)
    assert message in ran.out, ran


def test_lint_says_when_allow_has_no_effect(cli: Cli) -> None:
    _given(cli, 'access = "gateway"\nallow = ["POST /api/v1/ai/jobs"]')
    ran = cli("lint", status=0)
    assert "OP414" in ran.out
    _given(cli, 'access = "gateway"')  # an inherited one says nothing about this profile
    assert "OP414" not in cli("lint").out
