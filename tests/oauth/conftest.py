"""Logins in real processes: an instance, a profile, and a scripted browser."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from omniprofile.credentials.file_store import FileStore
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import Account, SecretStore, StoredSecret
from tests import warm
from tests.conftest import Cli
from tests.standin import Standin
from tests.waiting import PATIENCE

OBEDIENT = """\
import sys, urllib.request
page = urllib.request.Request(sys.argv[1], headers={"Sec-Fetch-Mode": "navigate"})
try:
    urllib.request.urlopen(page, timeout=60).read()
except urllib.error.HTTPError as page:
    page.read()
"""
"""A browser whose person clicks Authorize: it follows the redirect back to the listener."""


def make_browser(path: Path, code: str) -> str:
    """Make a program for `BROWSER` that runs `code` with the address as its argument."""
    path.write_text(f"#!{sys.executable}\n{textwrap.dedent(code)}")
    path.chmod(0o755)
    return str(path)


def led_to(start: str) -> str:
    """Return the address to which a browser's start address redirects."""
    parts = urlsplit(start)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", parts.path)
        location = connection.getresponse().getheader("Location")
    finally:
        connection.close()
    assert location, "it leads nowhere"
    return location


@dataclass(frozen=True)
class Login:
    """An instance with an OAuth profile `prod` for it, and the commands of a user who has a browser."""

    omni: Standin
    cli: Cli
    environ: dict[str, str]

    def start(
        self,
        *argv: str,
        stdin: int = subprocess.PIPE,
        prefix: Sequence[str] = (),
        program: Sequence[str] = warm.PROGRAM,
        **environ: str,
    ) -> "subprocess.Popen[str]":
        """Start `omniprofile *argv` as a process, with the command `prefix`, or with another `program`."""
        start = warm.Popen if program == warm.PROGRAM else subprocess.Popen
        return start(
            [*prefix, *program, *argv],
            env={**os.environ, **self.environ, **environ},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *argv: str, stdin: str = "", timeout: float = 60, **environ: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run `omniprofile *argv` as a process, to completion."""
        process = self.start(*argv, stdin=subprocess.PIPE, prefix=(), **environ)
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        finally:
            process.kill()
        assert "Traceback" not in err, err
        assert "this is a bug" not in err, err
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def log_in(self, name: str = "prod") -> "subprocess.CompletedProcess[str]":
        """Log in, and check that it works."""
        ran = self.run("login", name)
        assert ran.returncode == 0, ran.stderr
        return ran

    def seed(self, *, left: timedelta = timedelta(hours=8)) -> StoredSecret:
        """Store a session whose access token has the given time left."""
        answer = self.omni.oauth.grant()
        now = datetime.now(UTC)
        session = StoredSecret(
            Origin.parse(self.omni.base_url),
            Secret(str(answer["access_token"])),
            now + min(left, timedelta(0)) - timedelta(hours=1),
            expires_at=now + left,
            refresh_token=Secret(str(answer["refresh_token"])),
            client_id="omni-cli",
            scope="user:default",
        )
        FileStore(str(self.cli.state)).put("prod", session)
        return session

    def stored(self) -> StoredSecret | None:
        """Return the file store's entry for `prod`."""
        return FileStore(str(self.cli.state)).get(Account("prod", Origin.parse(self.omni.base_url)))

    def secrets(self) -> str:
        """Return the text of the file store, empty if there is none."""
        path = self.cli.state / "secrets.json"
        return path.read_text() if path.exists() else ""


def expire(store: SecretStore) -> None:
    """Let the stored access token be over."""
    (account,) = store.summaries()
    session = store.get(account)
    assert session is not None
    now = datetime.now(UTC)
    store.put(
        "prod",
        replace(session, stored_at=now - timedelta(hours=9), expires_at=now - timedelta(hours=1), refreshed_at=None),
    )


PROFILE = """\
[profiles.prod]
base_url = "{url}"
allow_insecure = true
auth = "oauth"
{more}
"""


@pytest.fixture
def login(cli: Cli, tmp_path: Path) -> Iterator[Login]:
    """A stand-in, a profile for it, the file store, a scripted browser."""
    with Standin() as omni:
        cli.profiles(PROFILE.format(url=omni.base_url, more=""))
        environ = {
            "OMNIPROFILE_SECRET_STORE": "file",
            "BROWSER": make_browser(tmp_path / "browser", OBEDIENT),
        }
        yield Login(omni, cli, environ)


@pytest.fixture
def browser(tmp_path: Path) -> Callable[[str], str]:
    """Make a browser that runs some code."""
    return lambda code: make_browser(tmp_path / "other-browser", code)
