"""The secrets of a browser login (code, verifier, both tokens) stay where they belong: on success, on failure, with -v -v.

Real processes run under strace(1), which records the arguments of every program started.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests import warm
from tests.oauth.conftest import Login, browser, login

__all__ = ["browser", "login"]

pytestmark = pytest.mark.skipif(
    not shutil.which("strace") and not os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL"), reason="strace is not installed"
)
SECRET_FIELDS = ("code", "code_verifier", "refresh_token", "token")
STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-s", "8000", "-e", "trace=execve", "-o")
WINDOW = 8
"""This many consecutive characters of a secret are a leak; the chance of a coincidence is below 10^-12."""


@dataclass
class Watched:
    """A user's commands, with everything that they print, start and leave."""

    login: Login
    log: Path
    printed: str = ""

    def run(self, *argv: str, stdin: str = "", **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run a command line at full verbosity."""
        ran = warm.run(
            *argv[:1], "-v", "-v", *argv[1:],
            prefix=[*STRACE, str(self.log)], env={**os.environ, **self.login.environ, **environ}, stdin=stdin, timeout=90,
        )  # fmt: skip
        self.printed += ran.stderr + ran.stdout
        assert "Traceback" not in ran.stderr
        assert "this is a bug" not in ran.stderr
        return ran

    def secrets(self) -> set[str]:
        """All secrets that the instance has received or issued."""
        found = {
            value
            for seen in self.login.omni.requests
            for name, values in parse_qs(seen.body.decode()).items()
            if name in SECRET_FIELDS
            for value in values
        }
        for family in self.login.omni.oauth._families.values():
            found |= {*family.access, *family.refresh}
        return found


def _leaked(text: str, secret: str) -> bool:
    body = secret.removeprefix("omni_oat_").removeprefix("omni_ort_")
    return any(body[at : at + WINDOW] in text for at in range(len(body) - WINDOW + 1))


def test_no_secret_of_a_login_is_printed_started_or_left(login: Login, tmp_path: Path) -> None:
    watched = Watched(login, tmp_path / "execve")
    oauth = login.omni.oauth
    assert watched.run("login", "prod").returncode == 0
    for line in (
        ("test", "prod", "--json"),
        ("explain", "prod", "--json"),
        ("show", "prod"),
        ("list", "--json"),
        ("current",),
        ("lint",),
        ("doctor",),
        ("exec", "prod", "--", "true"),
    ):
        assert watched.run(*line).returncode == 0, line
    oauth.expire_access_tokens()
    assert watched.run("test", "prod").returncode == 0
    fresh = login.run("token", "prod", "--force-refresh")
    assert _leaked(fresh.stdout, fresh.stdout.strip()), "the search finds what can be found"
    # Unusable answers that contain the tokens.
    stored = login.stored()
    assert stored is not None
    assert stored.refresh_token is not None
    token, refresh = stored.token.reveal(), stored.refresh_token.reveal()
    for status, body in (
        (200, f'{{"access_token": "{token}", "refresh_token": "{refresh}", "token_type": "mac"}}'),
        (200, f"<html>{token} {refresh}</html>"),
        (400, f'{{"error": "{refresh}", "error_description": "{token}"}}'),
        (400, f'{{"error": "invalid_request", "error_description": "{token} is not {refresh}"}}'),
        (500, f"{token}"),
        (302, ""),
    ):
        headers = {"Content-Type": "application/json", "Location": f"{login.omni.base_url}/{token}"}
        answer = (status, headers, body.encode())
        login.omni.switches.answer = lambda path, answer=answer: answer if path.endswith("/token") else None  # type: ignore[misc]
        assert watched.run("exec", "prod", "--", "true").returncode == 0
        assert watched.run("login", "prod").returncode != 0
        ran = watched.run("env", "prod", "--shell", "json", OMNI_PROFILE_PROD_TOKEN="")
        watched.printed = watched.printed.removesuffix(ran.stdout)  # whose purpose is to give the token
    login.omni.switches.answer = lambda _: None
    oauth.decision = "deny"
    assert watched.run("login", "prod").returncode != 0
    assert watched.run("logout", "prod").returncode == 0
    secrets = watched.secrets()
    assert len([secret for secret in secrets if len(secret) >= 32]) >= 8
    kept = {
        path: path.read_text(errors="replace")
        for folder in (login.cli.home, login.cli.work)
        for path in folder.rglob("*")
        if path.is_file()
    }
    started = watched.log.read_text()
    assert started.count(login.environ["BROWSER"]) >= 2, "every program that is started is seen"
    for secret in secrets:
        lines = [line for line in watched.printed.splitlines() if _leaked(line, secret)]
        assert lines == []
        assert not _leaked(started, secret)
        for path, text in kept.items():
            assert not _leaked(text, secret), path
