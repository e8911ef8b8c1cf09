"""The whole flow against an independent authorization server, over TLS."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from omniprofile.credentials.file_store import FileStore
from tests.authority import Authority
from tests.conftest import Cli
from tests.oauth.authlib_server import AuthlibInstance
from tests.oauth.conftest import OBEDIENT, Login, expire, make_browser

TRUSTING = "import ssl; ssl._create_default_https_context = ssl._create_unverified_context\n" + OBEDIENT
"""The person's browser; whom omniprofile trusts is what is tested."""


@dataclass(frozen=True)
class AuthlibLogin(Login):
    """Like `Login`, with an Authlib instance."""

    instance: AuthlibInstance


@pytest.fixture
def at_authlib(cli: Cli, tmp_path: Path) -> Iterator[AuthlibLogin]:
    """An Authlib instance, and profile `prod` for it."""
    with AuthlibInstance(tmp_path) as instance:
        cli.profiles(
            f"""\
[settings]
allowed_hosts = ["localhost"]
[profiles.prod]
base_url = "{instance.base_url}"
auth = "oauth"
expect = {{ user = "u-7" }}
"""
        )
        environ = {
            "OMNIPROFILE_SECRET_STORE": "file",
            "SSL_CERT_FILE": instance.ca,
            "BROWSER": make_browser(tmp_path / "browser", TRUSTING),
        }
        yield AuthlibLogin(None, cli, environ, instance)  # type: ignore[arg-type]  # the instance takes the stand-in's place


def test_login_test_refresh_second_login_and_logout(at_authlib: AuthlibLogin) -> None:
    instance = at_authlib.instance
    assert "logged in to localhost (MEMBER, user u-7)" in at_authlib.log_in().stderr
    assert at_authlib.run("test", "prod").returncode == 0

    first = at_authlib.run("token", "prod").stdout
    second = at_authlib.run("token", "prod", "--force-refresh").stdout
    assert first != second
    assert at_authlib.run("test", "prod").returncode == 0
    assert instance.posts == ["authorization_code", "refresh_token"]

    again = at_authlib.log_in()
    assert "the previous session was revoked" in again.stderr
    assert instance.posts[2:] == ["authorization_code", "revoke refresh_token", "revoke access_token"]
    assert at_authlib.run("test", "prod").returncode == 0

    out = at_authlib.run("logout", "prod")
    assert out.returncode == 0
    assert "were revoked" in out.stderr
    assert [token for token in instance.live if not token.spent] == []
    assert instance.replays == 0


def test_an_expired_session_is_refreshed_without_a_word(at_authlib: AuthlibLogin) -> None:
    at_authlib.log_in()
    at_authlib.instance.tokens[0].issued_at -= 9 * 3600
    expire(FileStore(str(at_authlib.cli.state)))
    ran = at_authlib.run("test", "prod", "--json")
    assert json.loads(ran.stdout)["results"][0]["status"] == "ok"
    assert ran.stderr == ""
    assert at_authlib.instance.posts == ["authorization_code", "refresh_token"]


def test_a_spent_refresh_token_ends_the_session_and_says_what_to_do(at_authlib: AuthlibLogin) -> None:
    """Another process used a copy of the store: the instance revokes the family, and both get an error."""
    at_authlib.log_in()
    path = at_authlib.cli.state / "secrets.json"
    copy = path.read_bytes()
    assert at_authlib.run("token", "prod", "--force-refresh").returncode == 0
    path.write_bytes(copy)
    ran = at_authlib.run("token", "prod", "--force-refresh")
    assert ran.returncode == 4
    assert "the session of `prod` has expired or been revoked" in ran.stderr
    assert "omniprofile login prod" in ran.stderr
    assert at_authlib.instance.replays == 1
    again = at_authlib.run("token", "prod")
    assert again.returncode == 4
    assert "no session is stored" in again.stderr


def test_a_denial_is_reported(at_authlib: AuthlibLogin) -> None:
    at_authlib.instance.consent = "no"
    ran = at_authlib.run("login", "prod")
    assert ran.returncode == 4
    assert "denied in the browser (`access_denied`" in ran.stderr


def test_somebody_else_is_not_stored_and_the_grant_is_revoked(at_authlib: AuthlibLogin) -> None:
    at_authlib.log_in()
    kept = at_authlib.secrets()
    config = at_authlib.cli.config
    config.write_text(config.read_text().replace("u-7", "u-8"))
    ran = at_authlib.run("login", "prod")
    assert ran.returncode == 6
    assert "nothing was stored" in ran.stderr
    assert "`u-7`" in ran.stderr
    assert "`u-8`" in ran.stderr
    assert at_authlib.secrets() == kept
    assert len(at_authlib.instance.live) == 1, "the first session lives, the second is revoked"


def test_a_certificate_that_nobody_vouches_for_is_exit_7(at_authlib: AuthlibLogin, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    ran = at_authlib.run("login", "prod", SSL_CERT_FILE=str(Authority(tmp_path / "other").file), SSL_CERT_DIR="")
    assert ran.returncode == 7
    assert "the login cannot start: the certificate of localhost is not trusted" in ran.stderr
    assert at_authlib.instance.posts == []
