"""The life of a session against the stand-in, with real processes: login, test, refresh, second login, logout."""

import json

from tests.oauth.conftest import Login


def test_login_test_refresh_and_logout(login: Login) -> None:
    ran = login.log_in()
    assert f"will be stored in the file `{login.cli.state / 'secrets.json'}`" in ran.stderr
    assert "the login waits 2 minutes" in ran.stderr
    assert "logged in to 127.0.0.1 (MEMBER, user u-1)" in ran.stderr
    assert ran.stdout == ""

    tested = login.run("test", "prod")
    assert tested.returncode == 0, tested.stderr
    assert "MEMBER" in tested.stdout

    before = json.loads(login.run("token", "prod", "--json").stdout)
    assert before["auth"] == "oauth"
    assert before["expires_at"].endswith("Z")
    after = json.loads(login.run("token", "prod", "--json", "--force-refresh").stdout)
    assert after["token"] != before["token"]
    assert login.omni.oauth.grants == [("authorization_code", "granted"), ("refresh_token", "granted")]

    out = login.run("logout", "prod")
    assert out.returncode == 0
    assert "refresh token and its access token are revoked" in out.stderr
    assert login.omni.oauth.live_sessions == 0
    assert after["token"] not in login.secrets()
    gone = login.run("token", "prod")
    assert gone.returncode == 4
    assert "omniprofile login prod" in gone.stderr
