"""A base URL and a token that the user set in the environment replace the current profile, but never silently."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import STAGING_KEY
from tests.conftest import CANARY, Cli

KEY = CANARY + "E"
URL = "https://elsewhere.omniapp.co"
PRINT = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('OMNI')}))"


def pair(token: str = "OMNI_API_TOKEN", url: str = URL) -> dict[str, str]:
    return {"OMNI_BASE_URL": url, token: KEY, "OMNI_PROFILE": "staging"}


def said(token: str = "OMNI_API_TOKEN", url: str = URL) -> str:
    return f"using `OMNI_BASE_URL` and `{token}` of the environment ({url}), not profile `staging`"


@pytest.mark.parametrize("token", ["OMNI_API_TOKEN", "OMNI_API_KEY"])
@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_the_credentials_profile_is_reported(cli: Cli, two: Path, token: str, quiet: list[str]) -> None:
    for argv in (["token"], ["token", "--json"], ["env", "--shell", "json"], ["exec", "--", "no-such-program"]):
        ran = cli(*quiet, *argv, env=pair(token), shows=True)
        assert ran.err.count(said(token)) == 1, ran
    shadows = [{"layer": "environment", "name": name} for name in ("OMNI_BASE_URL", token)]
    for command in ("list", "current"):
        ran = cli(*quiet, command, "--json", env=pair(token))
        assert json.loads(ran.out)["shadowed_by"] == shadows
        assert (
            f"warning: `staging` is shadowed: commands use `OMNI_BASE_URL` and `{token}` of the environment" in ran.err
        )
    for command in ("list", "status"):
        marked = [line for line in cli(*quiet, command, env=pair(token)).out.splitlines() if "[shadowed]" in line]
        assert [line.split()[:2] for line in marked] == [["*", "staging"]]
    assert "[shadowed]" not in cli("list", "prod", env=pair(token)).out


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/unstable/"])
def test_the_path_of_the_api_may_stand_in_the_variable(cli: Cli, two: Path, path: str) -> None:
    given = json.loads(cli("token", "--json", env=pair(url=URL + path), shows=True).out)
    assert (given["base_url"], given["token"]) == (URL, KEY)
    refused = cli("token", env={"OMNI_BASE_URL": URL + path, "OMNI_PROFILE": "staging"})
    assert (refused.status, URL in refused.err) == (6, True)
    assert cli("token", env=pair(url=f"{URL}/other{path}")).status == 3


def test_json_of_the_environments_own_token_names_no_profile(cli: Cli, two: Path) -> None:
    given = json.loads(cli("token", "--json", env=pair(), shows=True).out)
    assert (given["profile"], given["base_url"], given["token"]) == (None, URL, KEY)
    assert json.loads(cli("token", "staging", "--json", env=pair(), shows=True).out)["profile"] == "staging"


def test_a_pair_of_the_profiles_own_variables_is_reported(cli: Cli, two: Path) -> None:
    env = {"OMNI_PROFILE_STAGING_BASE_URL": URL, "OMNI_PROFILE_STAGING_TOKEN": KEY}
    sentence = f"using `OMNI_PROFILE_STAGING_BASE_URL` and `OMNI_PROFILE_STAGING_TOKEN` for profile `staging` ({URL})"
    for argv in (["token"], ["env", "--shell", "json"], ["exec", "--", "no-such-program"]):
        for quiet in ([], ["-q"]):
            ran = cli(*quiet, argv[0], "staging", *argv[1:], env=env, shows=True)
            assert ran.err.count(sentence) == 1, ran


@pytest.mark.parametrize(
    "env",
    [
        {"OMNI_BASE_URL": URL},
        {"OMNI_API_TOKEN": KEY},
        {"OMNI_PROFILE_STAGING_BASE_URL": URL, "OMNI_PROFILE_STAGING_TOKEN": KEY},
        {"OMNI_BASE_URL": URL, "OMNI_API_TOKEN": ""},
        {"OMNI_BASE_URL": URL, "OMNI_API_TOKEN": KEY, "OMNI_PROFILE_STAGING_TOKEN": KEY},
    ],
)
def test_an_incomplete_pair_shadows_nothing(cli: Cli, two: Path, env: dict[str, str]) -> None:
    for command in ("list", "current"):
        ran = cli(command, "--json", env={"OMNI_PROFILE": "staging", **env})
        assert (json.loads(ran.out)["shadowed_by"], ran.err) == ([], "")
    assert "not profile" not in cli("token", env={"OMNI_PROFILE": "staging", **env}, shows=True).err


def test_the_profiles_own_variable_may_be_the_base_url_of_the_pair(cli: Cli, two: Path) -> None:
    env = {"OMNI_PROFILE": "staging", "OMNI_PROFILE_STAGING_BASE_URL": URL, "OMNI_API_TOKEN": KEY}
    shadows = json.loads(cli("current", "--json", env=env).out)["shadowed_by"]
    assert [row["name"] for row in shadows] == ["OMNI_PROFILE_STAGING_BASE_URL", "OMNI_API_TOKEN"]
    assert "not profile `staging`" in cli("token", env=env, shows=True).err


def test_a_named_profile_is_not_shadowed(cli: Cli, two: Path) -> None:
    ran = cli("current", "-p", "staging", "--json", env=pair())
    assert (json.loads(ran.out)["shadowed_by"], ran.err) == ([], "")
    ran = cli("token", "staging", env=pair(), shows=True)
    assert ran.out == STAGING_KEY + "\n"
    assert "not profile" not in ran.err


def test_variables_exported_by_env_are_not_a_pair(cli: Cli, two: Path) -> None:
    exports = json.loads(cli("env", "staging", "--shell", "json", shows=True).out)
    environ = {name: value for name, value in exports.items() if isinstance(value, str)}
    ran = cli("current", "--json", env=environ)
    assert (json.loads(ran.out)["shadowed_by"], ran.err) == ([], "")


def test_the_child_and_the_exports_name_no_profile_and_the_pair_stays_the_users(
    process: Callable[..., object], cli: Cli, two: Path
) -> None:
    ran = process("exec", "--", sys.executable, "-c", PRINT, env=pair())
    child = json.loads(ran.stdout)  # type: ignore[attr-defined]
    assert (child["OMNI_BASE_URL"], child["OMNI_API_TOKEN"], child["OMNI_API_KEY"]) == (URL, KEY, KEY)
    assert "OMNI_PROFILE" not in child
    exports = json.loads(cli("env", "--shell", "json", env=pair(), shows=True).out)
    assert exports["OMNI_PROFILE"] is None, "it is unset"
    # In a nested call it is still a pair, and belongs to no profile.
    nested = process(
        "exec", "--", sys.executable, "-m", "omniprofile", "-q", "token", env={**pair(), "OMNI_PROFILE": "staging"}
    )
    assert nested.stdout == KEY + "\n"  # type: ignore[attr-defined]
    assert nested.stderr.count("of the environment") == 2  # type: ignore[attr-defined]


def test_the_fast_path_says_it_too(process: Callable[..., object], two: Path) -> None:
    ran = process("current", env=pair())
    assert (ran.stdout, ran.returncode) == ("staging\n", 0)  # type: ignore[attr-defined]
    assert "`staging` is shadowed" in ran.stderr  # type: ignore[attr-defined]


def test_the_host_of_a_protected_profile_is_protected(cli: Cli, two: Path, tmp_path: Path) -> None:
    prod = pair(url="https://acme.omniapp.co")
    ran = cli("exec", "--", "no-such-program", env=prod, status=6)
    assert "`prod` is protected (https://acme.omniapp.co)" in ran.err
    assert cli("exec", "--yes", "--", "no-such-program", env=prod).status == 127
    assert cli("exec", "--", "no-such-program", env=pair()).status == 127
    assert cli("token", env=prod, shows=True).status == 0
    ran = cli("exec", "--", "no-such-program", env=pair(url="https://acme.omniapp.co:8443"))
    assert ran.status == 6, "the host is protected, whatever the port"
    assert "`prod` is protected (https://acme.omniapp.co:8443)" in ran.err
    # An unprotected profile has the same host, but the pair does not belong to it.
    cli.profiles('[profiles.ci]\ninstance = "acme"\nkey = { env = "PROD_KEY" }\n', "profiles.d/ci.toml")
    own_host = {"OMNI_BASE_URL": "https://acme.omniapp.co", "OMNI_PROFILE": "ci"}
    assert cli("exec", "--", "no-such-program", env=own_host).status == 127
    assert cli("exec", "--", "no-such-program", env={**own_host, "OMNI_API_TOKEN": KEY}).status == 6
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o600)
    flags = ["--base-url", "https://ACME.omniapp.co:443/", "--token-file", str(file)]
    assert cli("exec", "staging", *flags, "--", "no-such-program").status == 6
    own = {"OMNI_PROFILE_STAGING_BASE_URL": "https://acme.omniapp.co", "OMNI_PROFILE_STAGING_TOKEN": KEY}
    assert cli("exec", "staging", "--", "no-such-program", env=own).status == 6


def test_on_loopback_the_port_distinguishes_a_protected_instance(cli: Cli) -> None:
    cli.profiles(
        '[profiles.prod]\nbase_url = "http://127.0.0.1:8801"\nallow_insecure = true\nprotected = true\n'
        '[profiles.staging]\nbase_url = "http://127.0.0.1:8802"\nallow_insecure = true\n'
    )
    for port, status in ((8801, 6), (8803, 127)):
        cli("exec", "--", "no-such-program", env=pair(url=f"http://127.0.0.1:{port}"), status=status)


@pytest.mark.parametrize("named", [[], ["staging"]])
def test_explain_agrees_with_what_is_handed_out(cli: Cli, two: Path, named: list[str]) -> None:
    values = {
        "OMNI_BASE_URL": [None, URL, "https://acme-staging.omniapp.co"],
        "OMNI_API_TOKEN": [None, KEY],
        "OMNI_API_KEY": [None, KEY + "K"],
        "OMNI_PROFILE_STAGING_TOKEN": [None, KEY + "T"],
        "OMNI_PROFILE_STAGING_BASE_URL": [None, URL],
    }
    cases: list[dict[str, str]] = [{"OMNI_PROFILE": "staging"}]
    for name, choices in values.items():
        cases = [{**case, **({name: value} if value else {})} for case in cases for value in choices]
    for env in cases:
        explained = cli("explain", *named, "--json", env=env)
        token = cli("token", *named, "--json", env=env, shows=True)
        assert explained.status == token.status, f"{explained}{token}"
        if token.status == 0:
            given = json.loads(token.out)
            fields = json.loads(explained.out)["fields"]
            assert fields["base_url"]["value"] == given["base_url"], f"{explained}{token}"
            shadowed = json.loads(cli("list", "--json", env=env).out)["shadowed_by"] if not named else []
            assert [row["name"] for row in shadowed] == (
                [fields[name]["provenance"]["name"] for name in ("base_url", "token")]
                if "not profile" in token.err
                else []
            )


@pytest.mark.parametrize("token", ["OMNI_API_TOKEN", "OMNI_API_KEY"])
@pytest.mark.parametrize("url", [URL, URL + "/api", "nonsense"])
def test_the_pairs_token_is_not_a_key_of_another_profile(cli: Cli, token: str, url: str) -> None:
    cli.profiles(
        f'[profiles.ci]\nbase_url = "https://ci.omniapp.co"\nkey = {{ env = "{token}" }}\n'
        f'[profiles.there]\nbase_url = "{URL}"\nkey = {{ env = "{token}" }}\n'
    )
    env = {"OMNI_BASE_URL": url, token: KEY}
    for argv in (["token", "ci"], ["exec", "ci", "--", "no-such-program"], ["token", "-p", "ci"]):
        ran = cli(*argv, env=env)
        assert (ran.status, ran.out) == (6, ""), ran
        assert "(environment variable `OMNI_BASE_URL`), not for https://ci.omniapp.co" in ran.err
    assert json.loads(cli("list", "--json", env=env).out)["profiles"][0]["credential"] == "missing"
    if url != "nonsense":
        assert cli("token", "there", env=env, shows=True).out == KEY + "\n"
    for harmless in ({token: KEY}, {token: KEY, "OMNI_BASE_URL": "https://CI.omniapp.co:443/"}):
        assert cli("token", "ci", env=harmless, shows=True).out == KEY + "\n"
