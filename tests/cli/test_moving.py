"""Import and export with real processes, and an instance with one-time refresh tokens."""

import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from omniprofile.credentials.file_store import FileStore
from tests import warm
from tests.cli.test_import import KEY, STAGING, VENDOR, stored, write_vendor
from tests.conftest import Cli
from tests.standin import Standin
from tests.waiting import PATIENCE

Process = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.usefixtures("file_store")


def _session(cli: Cli, omni: Standin) -> tuple[Path, dict[str, str]]:
    """Write a vendor's config with a live session whose access token has expired."""
    answer = omni.oauth.grant()
    session = {
        "apiEndpoint": omni.base_url,
        "authMethod": "oauth",
        "accessToken": str(answer["access_token"]),
        "refreshToken": str(answer["refresh_token"]),
        "tokenExpiresAt": "2026-01-01T00:00:00Z",
    }
    omni.oauth.expire_access_tokens()
    return write_vendor(cli, {"version": 1, "profiles": {"here": session}}), session


def _refresh(omni: Standin, token: str) -> int:
    """Refresh as the vendor's CLI does."""
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "omni-cli"}
    return httpx.post(f"{omni.base_url}/oauth/token", data=form, timeout=PATIENCE).status_code


def test_a_moved_session_lives_on_here_and_nowhere_else(cli: Cli, process: Process) -> None:
    with Standin() as omni:
        vendor, session = _session(cli, omni)
        assert process("import", "omni-cli", "--scrub", "--allow-insecure").returncode == 0
        assert session["refreshToken"] not in vendor.read_text()
        first, second = process("token", "here"), process("token", "here")
        assert first.returncode == 0, first.stderr
        assert first.stdout.strip() not in ("", session["accessToken"])
        assert second.stdout == first.stdout, "refreshed once, and fresh since"
        assert process("test", "here").returncode == 0
        assert omni.oauth.live_sessions == 1
        again = process("import", "omni-cli", "--scrub", "--allow-insecure", "--json")
        assert json.loads(again.stdout)["backup"] is None


def test_a_session_left_in_the_file_still_works_there(cli: Cli, process: Process) -> None:
    with Standin() as omni:
        _, session = _session(cli, omni)
        assert process("import", "omni-cli", "--allow-insecure").returncode == 0
        assert process("token", "here").returncode == 4, "no copy was made"
        assert _refresh(omni, session["refreshToken"]) == 200
        assert omni.oauth.live_sessions == 1


def test_imports_and_exports_at_once_lose_nothing(cli: Cli) -> None:
    vendor = write_vendor(cli, VENDOR)
    lines = [["import", "omni-cli", "--scrub"], ["export", "omni-cli", "--with-secrets"]] * 3
    running = [warm.Popen([*warm.PROGRAM, *line], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for line in lines]
    for line, process in zip(lines, running, strict=True):
        out, err = process.communicate(timeout=120)
        # Both orders are valid: an early export finds no profile, a late one writes the keys back.
        assert process.returncode in ((0,) if line[0] == "import" else (0, 5)), (line, out, err)
    assert set(tomllib.loads(cli.config.read_text())["profiles"]) == {"prod", "staging", "Playground-Org-scoped"}
    keys = {name: secret.token.reveal() for name, secret in stored(cli).items() if secret}
    assert (keys["staging"], keys["Playground-Org-scoped"]) == (STAGING, KEY)
    assert set(json.loads(vendor.read_bytes())["profiles"]) == set(VENDOR["profiles"])  # type: ignore[call-overload]
    assert "prod" in {account.profile for account in FileStore(str(cli.state)).summaries()}
