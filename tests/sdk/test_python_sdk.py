"""The real `omni-python-sdk`: by the environment under `exec` and with our library, against the stand-in."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CANARY, Cli
from tests.programs import run_program
from tests.standin import Standin

Process = Callable[..., subprocess.CompletedProcess[str]]

BY_ENVIRONMENT = "from omni_python_sdk import OmniAPI; api = OmniAPI(); print(api.base_url, bool(api.api_key))"
BY_LIBRARY = """
import omniprofile
from omni_python_sdk import OmniAPI
credential = omniprofile.resolve("staging")
assert credential.token not in repr(credential)
api = OmniAPI(credential.token, credential.base_url)
import requests
print(requests.get(credential.base_url + "/api/v1/whoami", headers=api.headers).json()["user"]["id"])
"""
NEXT_SDK = """
# As its version 1, which PyPI has not yet, finds its way: variables, of which an address may end in `/api`.
import os, requests
class AuthenticatedClient:
    def __init__(self, base_url, token):
        self.base_url, self.headers = base_url, {"Authorization": f"Bearer {token}"}
def client_from_env():
    return AuthenticatedClient(os.environ["OMNI_BASE_URL"].rstrip("/").removesuffix("/api"), os.environ["OMNI_API_KEY"])
client = client_from_env()
print(requests.get(client.base_url + "/api/v1/whoami", headers=client.headers).json()["user"]["id"])
"""
BY_VARIABLES = """
import os, omniprofile, subprocess, sys
environ = {**os.environ, **omniprofile.resolve("staging").variables()}
sys.exit(subprocess.run([sys.executable, "next.py"], env=environ).returncode)
"""
BY_HTTPX = """
import httpx, omniprofile
auth = omniprofile.Auth("staging")
credential = omniprofile.resolve("staging")
with httpx.Client(base_url=credential.base_url, auth=auth) as client:
    print(client.get("/api/v1/whoami").json()["user"]["id"])
"""


@pytest.fixture
def omni(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> "Standin":  # type: ignore[misc]
    with Standin() as standin:
        standin.add_key(CANARY, user="sdk-user")
        monkeypatch.setenv("STAGING_KEY", CANARY)
        cli.profiles(
            f'[profiles.staging]\nbase_url = "{standin.base_url}"\nallow_insecure = true\nkey = {{ env = "STAGING_KEY" }}\n'
        )
        yield standin


def _exec(process: Process, script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    launcher = f"import os; os.chdir({str(cwd)!r})\n{script}"
    return process("exec", "staging", "--", sys.executable, "-c", launcher)


def test_the_sdk_needs_a_dotenv_file_and_then_takes_what_exec_exported(
    omni: Standin, process: Process, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    script = folder / "program.py"
    script.write_text(BY_ENVIRONMENT)
    without = process("exec", "staging", "--", sys.executable, str(script))
    assert f"{omni.base_url}" not in without.stdout, "facts: without a .env file the SDK looks at nothing"
    (folder / ".env").write_text("# not empty\nOMNI_API_KEY=stale\nOMNI_BASE_URL=https://stale.omniapp.co\n")
    ran = process("exec", "staging", "--", "sh", "-c", f'cd "{folder}" && "{sys.executable}" program.py')
    assert ran.returncode == 0, ran.stderr
    assert omni.base_url in ran.stdout
    assert "stale" not in ran.stdout


def test_the_sdk_gets_token_and_host_from_the_library(omni: Standin, process: Process, tmp_path: Path) -> None:
    ran = run_program([sys.executable, "-c", BY_LIBRARY], cwd=tmp_path)
    assert ran.stdout == "sdk-user\n", ran.stderr


ALIASES = 'env = { OMNI_BASE_URL = { from = "base_url", append = "/api" } }\n'


@pytest.mark.parametrize("form", ["", ALIASES], ids=["as it is", "with /api"])
@pytest.mark.parametrize("how", ["exec", "library"])
def test_both_sdks_take_what_exec_and_the_library_give(
    omni: Standin, process: Process, cli: Cli, tmp_path: Path, form: str, how: str
) -> None:
    cli.profiles(cli.config.read_text() + form)
    (tmp_path / "next.py").write_text(NEXT_SDK)
    (tmp_path / ".env").write_text("OMNI_API_KEY=stale\n")
    (tmp_path / "first.py").write_text(BY_ENVIRONMENT)
    if how == "exec":
        ran = process("exec", "staging", "--", "sh", "-c", f'cd "{tmp_path}" && "{sys.executable}" next.py')
    else:
        ran = run_program([sys.executable, "-c", BY_VARIABLES], cwd=tmp_path)
    assert ran.stdout == "sdk-user\n", ran.stderr
    first = process("exec", "staging", "--", "sh", "-c", f'cd "{tmp_path}" && "{sys.executable}" first.py')
    assert first.stdout == f"{omni.base_url} True\n", first.stderr


def test_httpx_gets_the_credential_by_auth(omni: Standin, tmp_path: Path) -> None:
    ran = run_program([sys.executable, "-c", BY_HTTPX], cwd=tmp_path)
    assert ran.stdout == "sdk-user\n", ran.stderr
