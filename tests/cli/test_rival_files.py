"""Files that would lead a program to another instance than its profile's: `.env`, and the vendor's own config."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dotenv import find_dotenv

from omniprofile.cli import fast_path
from omniprofile.handover import rival_dotenv as files
from omniprofile.handover.rival_dotenv import LARGEST, rival_dotenv
from omniprofile.model.credential_variables import NO_CONFIG
from tests.conftest import CANARY, Cli

Process = Callable[..., subprocess.CompletedProcess[str]]
HERE = "https://acme-staging.omniapp.co"
"""The instance of `staging`."""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("OMNI_BASE_URL=https://other.omniapp.co\n", "OMNI_BASE_URL https://other.omniapp.co"),
        ("export OMNI_BASE_URL = 'https://other.omniapp.co/api/v1'  # prod", "OMNI_BASE_URL https://other.omniapp.co"),
        ('X=1\r\nOMNI_BASE_URL="https://Other.omniapp.co"\r\n', "OMNI_BASE_URL https://other.omniapp.co"),
        ("OMNI_BASE_URL=other.omniapp.co # prod", "OMNI_BASE_URL https://other.omniapp.co"),
        ("OMNI_BASE_URL=https://u:p@other.omniapp.co", "OMNI_BASE_URL https://other.omniapp.co"),
        ("OMNI_BASE_URL=http://acme-staging.omniapp.co", "OMNI_BASE_URL http://acme-staging.omniapp.co"),
        ("OMNI_ORGANIZATION_NAME=other", "OMNI_ORGANIZATION_NAME https://other.omniapp.co"),
        (f"OMNI_BASE_URL={HERE}\nOMNI_BASE_URL=https://other.omniapp.co", "OMNI_BASE_URL https://other.omniapp.co"),
        ("OMNI_BASE_URL=\n", None),
        (f"OMNI_BASE_URL={HERE}", None),
        (f"OMNI_BASE_URL={HERE}:443/api/", None),
        ("OMNI_ORGANIZATION_NAME=acme-staging", None),
        ("# OMNI_BASE_URL=https://other.omniapp.co", None),
        ("OMNI_BASE_URL=${OTHER}", None),
        ("OMNI_BASE_URL", None),
        ("MY_OMNI_BASE_URL=https://other.omniapp.co", None),
        ("OMNI_API_KEY=omni_osk_other", None),
        ("", None),
    ],
)
def test_another_instance_is_one_that_a_program_would_go_to(tmp_path: Path, text: str, named: str | None) -> None:
    (tmp_path / ".env").write_bytes(text.encode())
    found = rival_dotenv(str(tmp_path), HERE)
    assert (found and " ".join(found[1:])) == named


@pytest.mark.parametrize(
    "content",
    ["#" * LARGEST + "\nOMNI_BASE_URL=https://other.omniapp.co", "\xff\x00OMNI_BASE_URL\xfe", None],
    ids=["large", "binary", "none"],
)
def test_a_file_of_any_kind_and_size_does_not_cause_a_failure(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / ".env").write_text(content, "latin-1")
    assert rival_dotenv(str(tmp_path), HERE) is None


def test_it_is_found_as_python_dotenv_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "a" / "b" / "c"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    for place in (tmp_path, tmp_path / "a", below):
        assert (files.find_dotenv(str(below)) or "") == find_dotenv(usecwd=True)
        (place / ".env").write_text("X=1\n")
        assert files.find_dotenv(str(below)) == find_dotenv(usecwd=True) == str(place / ".env")
    (below / ".env").unlink()
    (below / ".env").mkdir()
    assert files.find_dotenv(str(below)) == find_dotenv(usecwd=True) == str(tmp_path / "a" / ".env")


def test_exec_says_in_one_line_that_a_dotenv_above_names_another_instance(cli: Cli, two: Path) -> None:
    file = cli.work / ".env"
    below = cli.work / "below"
    below.mkdir()
    file.write_text(f"OMNI_API_KEY={CANARY}\nOMNI_BASE_URL=https://other.omniapp.co\n")
    ran = cli("exec", "staging", "--", "true", cwd=below, status=0)
    assert ran.err == (
        f"omniprofile: `{file}` names https://other.omniapp.co in `OMNI_BASE_URL`: a program that loads that file may use it "
        f"in place of {HERE}\n"
    )
    assert cli("-q", "exec", "staging", "--", "true", cwd=below).err == ""
    assert cli("token", "staging", cwd=below, shows=True).err == ""
    assert cli("exec", "--as", "A_=staging", "--", "true", cwd=below).err == ""
    file.write_text(f"OMNI_BASE_URL={HERE}\n")
    assert cli("exec", "staging", "--", "true", cwd=below).err == ""
    answer = fast_path.answer(["exec", "staging", "--", "true"], {**_environ(cli)}, "linux", str(below), acting=True)
    assert answer is not None, "a `.env` for the same instance costs no more than a look"


def _environ(cli: Cli) -> dict[str, str]:
    return {"HOME": str(cli.home), "STAGING_KEY": CANARY, "PATH": "/bin"}


def _omni_config(cli: Cli, *, expires: datetime | None, auth: str = "oauth", **changed: object) -> Path:
    path = cli.home / ".config" / "omni-cli" / "config.json"
    path.parent.mkdir(exist_ok=True)
    mine = {
        "apiEndpoint": "https://other.omniapp.co",
        "authMethod": auth,
        "accessToken": CANARY,
        "refreshToken": CANARY,
        "tokenExpiresAt": expires.isoformat() if expires else "0001-01-01T00:00:00Z",
        **changed,
    }
    path.write_text(json.dumps({"version": 1, "defaultProfile": "mine", "profiles": {"mine": mine}}))
    return path


NOW = datetime.now(UTC)
PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell", "cmd"])
def test_env_names_the_trap_of_an_expired_session_of_omni_s_own(cli: Cli, two: Path, shell: str) -> None:
    path = _omni_config(cli, expires=PAST)
    ran = cli("env", "staging", "--shell", shell, shows=True, status=0)
    assert f"warning: a bare `omni` will not use this credential: its own default profile `mine` (`{path}`)" in ran.err
    assert "`omniprofile exec -- omni …`" in ran.err
    assert "OMNI_API_TOKEN" in ran.out


@pytest.mark.parametrize("expires", [FUTURE, None])
def test_env_says_nothing_where_omni_uses_what_it_is_given(cli: Cli, two: Path, expires: datetime | None) -> None:
    _omni_config(cli, expires=expires)
    assert cli("env", "staging", "--shell", "bash", shows=True).err == ""


def test_env_does_not_mention_a_harmless_config(cli: Cli, two: Path) -> None:
    def said(*argv: str, **environ: str) -> str:
        return cli("env", *argv, env=environ, shows=True).err

    path = _omni_config(cli, expires=PAST, auth="api-key")
    assert said("staging", "--shell", "bash") == ""
    _omni_config(cli, expires=PAST, refreshToken=None)
    assert said("staging", "--shell", "bash") == ""
    _omni_config(cli, expires=PAST)
    assert said("staging", "--shell", "json") == said("--unset", "--shell", "bash") == ""
    assert said("staging", "--shell", "bash", OMNI_CONFIG_PATH=NO_CONFIG) == "", "in a child of exec"
    assert "bare `omni`" in said("staging", "--shell", "bash", OMNI_CONFIG_DIR="/nowhere"), "which `env` removes"
    for broken in (
        '{"oauth"',
        '{"defaultProfile": "mine", "profiles": {"mine": ["oauth"]}}',
        '{"defaultProfile": ["oauth"]}',
    ):
        path.write_text(broken)
        assert said("staging", "--shell", "bash") == ""
    path.unlink()
    path.mkdir()
    assert said("staging", "--shell", "bash") == ""
