"""`exec --as`: several profiles for one command, each with its own prefix."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import PRODUCTION_KEY, STAGING_KEY
from tests.conftest import CANARY, Cli

Process = Callable[..., subprocess.CompletedProcess[str]]
PRINT = (sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
STALE = {
    "OMNI_API_TOKEN": "stale",
    "OMNI_BASE_URL": "https://stale.omniapp.co",
    "OMNI_VANITY_DOMAIN": "stale",
    "SOURCE_OMNI_EMBED_SECRET": "stale",
    "SOURCE_OMNI_API_KEY": "stale",
    "TARGET_OMNI_HOST": "stale",
    "OTHER_OMNI_API_KEY": "kept",
}


def test_each_profile_s_variables_have_its_prefix_and_none_is_without(process: Process, two: Path) -> None:
    ran = process("exec", "--yes", "--as", "SOURCE_=staging", "--as=TARGET_=prod", "--", *PRINT, env=STALE)
    assert ran.returncode == 0, ran.stderr
    assert {name: value for name, value in json.loads(ran.stdout).items() if "OMNI_" in name} == {
        "SOURCE_OMNI_API_TOKEN": STAGING_KEY,
        "SOURCE_OMNI_API_KEY": STAGING_KEY,
        "SOURCE_OMNI_BASE_URL": "https://acme-staging.omniapp.co",
        "SOURCE_OMNI_ORGANIZATION_NAME": "acme-staging",
        "SOURCE_OMNI_PROFILE": "staging",
        "SOURCE_OMNI_OUTPUT_FORMAT": "json",
        "TARGET_OMNI_API_TOKEN": PRODUCTION_KEY,
        "TARGET_OMNI_API_KEY": PRODUCTION_KEY,
        "TARGET_OMNI_BASE_URL": "https://acme.omniapp.co",
        "TARGET_OMNI_ORGANIZATION_NAME": "acme",
        "TARGET_OMNI_PROFILE": "prod",
        "OTHER_OMNI_API_KEY": "kept",
        "OMNI_CONFIG_PATH": json.loads(ran.stdout)["OMNI_CONFIG_PATH"],  # keeps `omni` from using another credential
    }
    assert not {"STAGING_KEY", "PROD_KEY"} & json.loads(ran.stdout).keys(), "the variables of the keys"
    assert ran.stderr.count("are ignored: they apply only where no profile is named") == 1


def test_variables_of_env_do_not_accompany_prefixed_ones(process: Process, cli: Cli, two: Path) -> None:
    exported = json.loads(cli("env", "staging", "--shell", "json", shows=True).out)
    ran = process("exec", "--as", "A_=staging", "--", *PRINT, env=exported)
    given = json.loads(ran.stdout)
    assert sorted(name for name in given if "OMNI_" in name and not name.startswith("A_")) == ["OMNI_CONFIG_PATH"]
    assert given["A_OMNI_API_TOKEN"] == STAGING_KEY


def test_one_profile_may_have_two_prefixes(process: Process, two: Path) -> None:
    ran = process("exec", "--as", "A_=staging", "--as", "b=staging", "--", *PRINT)
    given = json.loads(ran.stdout)
    assert given["A_OMNI_API_TOKEN"] == given["bOMNI_API_TOKEN"] == STAGING_KEY


def test_a_prefix_without_an_underscore_is_accepted_with_a_note(process: Process, two: Path) -> None:
    words = "exec", "--as", "SOURCE=staging", "--as", "TARGET_=staging", "--", "true"
    notes = process(*words).stderr
    assert "`SOURCEOMNI_API_TOKEN`; for `SOURCE_OMNI_API_TOKEN`, write `--as SOURCE_=staging`" in notes
    assert "TARGET__" not in notes
    assert process("-q", *words).stderr == ""


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--as", "staging"], "is not PREFIX=NAME"),
        (["--as", "A_", "staging"], "write it as in `--as A_=staging`"),
        (["--as", "=staging"], "is not PREFIX=NAME"),
        (["--as", "A_="], "write it as in `--as A_=staging`"),
        (["--as", ""], "is not PREFIX=NAME"),
        (["--as", "1=staging"], "cannot begin"),
        (["--as", "A-B=staging"], "cannot begin"),
        (["--as", "A B=staging"], "cannot begin"),
        (["--as", "É_=staging"], "cannot begin"),
        (["--as", "A\n=staging"], "cannot begin"),
        (["--as", "OMNIPROFILE_=staging"], "cannot begin"),
        (["--as", "OMNI_PROFILE_=staging"], "cannot begin"),
        (["--as", "omni_profile_x=staging"], "cannot begin"),
        (["--as", "OMNI_=hidden"], "`OMNI_PROFILE_X_TOKEN`, which steers omniprofile"),
        (["--as", "A_=staging", "--as", "A_=prod"], "`A_` is given twice"),
        (["--as", "A_=staging", "--as", "a_=prod"], "`a_` is given twice"),
        (["--as", "A_=staging", "--as", "A_OMNI_=nested"], "`A_OMNI_OUTPUT_FORMAT`"),
        (["staging", "--as", "A_=prod"], "`omniprofile exec --as A_=prod --as OTHER_=staging -- COMMAND …`"),
        (["-p", "staging", "--as", "A_=prod"], "`omniprofile exec --as A_=prod --as OTHER_=staging -- COMMAND …`"),
        (["--as", "A_=prod", "--base-url", "https://x.omniapp.co"], "`omniprofile exec --as A_=prod -- COMMAND …`"),
        (["--as", "A_=prod", "--token-file", "-"], "`omniprofile exec --as A_=prod -- COMMAND …`"),
    ],
)
def test_impossible_arguments_are_exit_2(cli: Cli, two: Path, argv: list[str], message: str) -> None:
    with two.open("a") as file:
        file.write('[profiles.nested]\nextends = "staging"\nenv = { OUTPUT_FORMAT = "x" }\n')
        file.write('[profiles.hidden]\nextends = "staging"\nenv = { PROFILE_X_TOKEN = "x" }\n')
    ran = cli("exec", "--yes", *argv, "--", "true")
    assert (ran.status, ran.out) == (2, ""), ran
    assert message in ran.err


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["--as", "A_=staging", "--as", "B_=missing"], 5),
        (["--as", "A_=bad name"], 5),
        (["--as", "A_=staging", "--as", "B_=nokey"], 4),
    ],
)
def test_every_profile_must_be_there_and_have_a_credential(cli: Cli, two: Path, argv: list[str], status: int) -> None:
    with two.open("a") as file:
        file.write('[profiles.nokey]\nextends = "staging"\nkey = { env = "NO_KEY" }\n')
    cli("exec", *argv, "--", "true", status=status)


def test_a_protected_profile_needs_a_yes_before_any_key_is_asked_for(cli: Cli, two: Path, tmp_path: Path) -> None:
    with two.open("a") as file:
        file.write(f'[profiles.asks]\nextends = "staging"\nkey = {{ command = ["touch", "{tmp_path}/asked"] }}\n')
    ran = cli("exec", "--as", "A_=asks", "--as", "B_=prod", "--", "migrate", "--all", status=6)
    assert "`prod` is protected (https://acme.omniapp.co)" in ran.err
    assert "hint: run `omniprofile exec --yes --as A_=asks --as B_=prod -- migrate --all`" in ran.err
    assert not (tmp_path / "asked").exists()


def test_a_variable_of_one_profile_is_for_it_alone(process: Process, two: Path) -> None:
    token = CANARY + "own"
    ran = process(
        "exec", "--as", "A_=staging", "--as", "B_=prod", "-y", "--", *PRINT, env={"OMNI_PROFILE_PROD_TOKEN": token}
    )
    given = json.loads(ran.stdout)
    assert (given["A_OMNI_API_TOKEN"], given["B_OMNI_API_TOKEN"]) == (STAGING_KEY, token)


OMNIPROFILE = (sys.executable, "-m", "omniprofile")


def test_a_nested_call_uses_what_was_given_for_its_profile_alone(process: Process, two: Path) -> None:
    with two.open("a") as file:
        file.write('[profiles.thief]\nbase_url = "https://thief.omniapp.co"\nkey = { env = "A_OMNI_API_TOKEN" }\n')
        file.write('[profiles.embed]\nextends = "staging"\nenv = { SECRET = { env = "EMBED" } }\n')
    given = ("exec", "--yes", "--as", "A_=staging", "--as", "B_=prod", "--as", "C_=embed", "--")
    env = {"EMBED": CANARY + "E"}
    for name, expected in (("staging", STAGING_KEY), ("prod", PRODUCTION_KEY), ("embed", STAGING_KEY)):
        assert process(*given, *OMNIPROFILE, "token", name, env=env).stdout == expected + "\n"
        ran = process(*given, *OMNIPROFILE, "exec", "-y", name, "--", "printenv", "OMNI_API_TOKEN", env=env)
        assert ran.stdout == expected + "\n", ran.stderr
    ran = process(*given, *OMNIPROFILE, "exec", "embed", "--", "printenv", "SECRET", env=env)
    assert ran.stdout == CANARY + "E\n", ran.stderr
    ran = process(*given, *OMNIPROFILE, "token", "thief", env=env)
    assert (ran.returncode, ran.stdout) == (4, "")
    assert "its value was exported by omniprofile for `staging`" in ran.stderr
    changed = process(
        *given, "env", "A_OMNI_API_TOKEN=changed", "A_OMNI_API_KEY=changed", *OMNIPROFILE, "token", "staging"
    )
    assert (changed.returncode, changed.stdout) == (4, ""), "an override has no prefix"


def test_a_key_handed_over_openly_and_used_by_a_gateway_is_in_the_open_variables(process: Process, two: Path) -> None:
    with two.open("a") as file:
        file.write('\n[profiles.agent]\nextends = "staging"\naccess = "gateway"\nkey = { env = "STAGING_KEY" }\n')
    ran = process("exec", "--as", "OPEN_=staging", "--as", "AGENT_=agent", "--", *PRINT)
    given = json.loads(ran.stdout)
    assert given["OPEN_OMNI_API_TOKEN"] == given["OPEN_OMNI_API_KEY"] == STAGING_KEY
    assert STAGING_KEY not in (given["AGENT_OMNI_API_TOKEN"], given.get("STAGING_KEY"))
