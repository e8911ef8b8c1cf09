"""The life cycle of a session with the stand-in, in real processes: login, test, refresh, second login, logout."""

import json
import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from omniprofile.cli import revocation
from omniprofile.credentials.file_store import FileStore
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from tests.cli.vendor_omni import VendorOmni
from tests.conftest import CANARY
from tests.oauth.conftest import OBEDIENT, PROFILE, Login, make_browser
from tests.programs import run_program
from tests.sampling import sample
from tests.standin import Standin
from tests.waiting import FOR_EVER, PATIENCE, without_waiting


def test_login_test_refresh_and_logout(login: Login) -> None:
    ran = login.log_in()
    assert f"will be stored in the file `{login.cli.state / 'secrets.json'}`" in ran.stderr
    assert "the login waits 2 min" in ran.stderr
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
    assert "refresh token and its access token were revoked" in out.stderr
    assert login.omni.oauth.live_sessions == 0
    assert after["token"] not in login.secrets()
    gone = login.run("token", "prod")
    assert gone.returncode == 4
    assert "omniprofile login prod" in gone.stderr


def test_a_fresh_session_needs_neither_http_nor_the_protocol(login: Login) -> None:
    """`token`, `env` and `exec` with a fresh session import no library of login or refresh."""
    session = login.seed()
    code = (
        "import sys; from omniprofile.config import snapshot; snapshot._SETTLED = 0; from omniprofile.cli.main import run;"
        "sys.argv = ['omniprofile', 'token', 'prod']; status = run(); print(status, *sorted(sys.modules), file=sys.stderr)"
    )
    for _ in range(2):  # the first one compiles the profile file
        ran = run_program([sys.executable, "-c", code], env={**os.environ, **login.environ}, check=True)
    status, *loaded = ran.stderr.split()
    assert (status, ran.stdout) == ("0", session.token.reveal() + "\n")
    heavy = {"httpx", "filelock", "keyring", "secrets", "ssl", "webbrowser", "http.server", "hashlib"}
    assert heavy & set(loaded) == set()


def test_login_opens_the_profile_s_own_browser_before_the_one_of_the_environment(login: Login, tmp_path: Path) -> None:
    code = f"import sys\nopen({str(tmp_path / 'arguments')!r}, 'w').write(repr(sys.argv[1:-1]))\nsys.argv[1:] = sys.argv[-1:]\n"
    own = make_browser(tmp_path / "own", code + OBEDIENT)
    login.cli.profiles(PROFILE.format(url=login.omni.base_url, more=f'browser = ["{own}", "-P", "acme"]'))
    assert login.run("login", "prod", BROWSER="false").returncode == 0
    assert (tmp_path / "arguments").read_text() == "['-P', 'acme']"
    login.cli.profiles(PROFILE.format(url=login.omni.base_url, more='browser = ["no-such-browser"]'))
    ran = login.run("login", "prod", "--timeout", "5")
    assert ran.returncode == 4
    assert "the browser `no-such-browser` of profile `prod` was not found" in ran.stderr


def test_list_shows_the_expiry_and_contacts_nobody(login: Login) -> None:
    def row() -> dict[str, object]:
        (found,) = json.loads(login.cli("list", "--json", env=login.environ).out)["profiles"]
        return dict(found)

    assert (row()["credential"], row()["expires_at"]) == ("missing", None)
    login.seed()
    assert row()["credential"] == "present"
    assert str(row()["expires_at"]).endswith("Z")
    assert "expires in" in login.cli("list", env=login.environ).out
    login.seed(left=timedelta(hours=-3))
    assert row()["credential"] == "expired"
    assert "expired 3 h ago, refreshed on use" in login.cli("list", env=login.environ).out
    assert not login.omni.requests


def test_use_test_switches_only_with_a_session_that_works(login: Login) -> None:
    login.seed(left=timedelta(hours=-3))
    switched = login.cli("use", "prod", "--test", env=login.environ)
    assert switched.status == 0, switched
    assert login.omni.oauth.grants == [("refresh_token", "granted")]
    login.omni.oauth.end_all_sessions()
    refused = login.cli("use", "prod", "--test", env=login.environ)
    assert refused.status == 8
    assert "omniprofile login prod" in refused.err
    login.seed(left=timedelta(hours=-3))
    login.omni.oauth.end_all_sessions()
    over = login.cli("use", "prod", "--test", env=login.environ)
    assert over.status == 4
    assert "the session of `prod` has expired or been revoked" in over.err


def test_init_makes_an_oauth_profile_and_says_what_is_next(login: Login) -> None:
    argv = ("--name", "new", "--base-url", login.omni.base_url, "--auth", "oauth", "--allow-insecure")
    ran = login.cli("init", *argv, env=login.environ)
    assert ran.status == 0, ran
    assert "next: `omniprofile login new`" in ran.err
    assert login.run("login", "new").returncode == 0
    assert login.run("test", "new").returncode == 0


def test_exec_and_env_give_the_access_token_and_never_the_refresh_token(login: Login) -> None:
    session = login.seed(left=timedelta(hours=-3))
    ran = login.run("exec", "prod", "--", sys.executable, "-c", "import os; print(os.environ['OMNI_API_TOKEN'])")
    assert login.omni.knows(ran.stdout.strip())
    shown = login.run("env", "prod", "--shell", "json").stdout + login.run("explain", "prod").stdout
    assert session.refresh_token is not None
    assert session.refresh_token.reveal() not in shown
    now = login.stored()
    assert now is not None
    assert now.refresh_token is not None
    assert now.refresh_token.reveal() not in shown


RENEWALS = [
    (left, renewed, path)
    for left, renewed in ((310, True), (29 * 60, True), (31 * 60, True), (70 * 60, False))
    for path in ((), ("-v",))  # the fast path, and the full one
]


@pytest.mark.parametrize(("left", "renewed", "path"), sample(RENEWALS, 4, "renewals"))
def test_exec_renews_a_session_with_less_than_half_of_its_life_left(
    login: Login, path: tuple[str, ...], left: int, renewed: bool
) -> None:
    """The seeded token was stored an hour ago."""
    before = login.seed(left=timedelta(seconds=left)).token.reveal()
    assert login.run(*path, "token", "prod").stdout == before + "\n"
    assert f"OMNI_API_TOKEN={before}" in login.run(*path, "env", "prod", "--shell", "dotenv").stdout
    ran = login.run(*path, "exec", "prod", "--", "sh", "-c", 'echo "$OMNI_API_TOKEN"')
    assert ran.returncode == 0, ran.stderr
    assert (ran.stdout != before + "\n") == renewed
    assert login.omni.oauth.grants == [("refresh_token", "granted")] * renewed


def test_a_child_whose_session_cannot_be_renewed_gets_the_token_that_is_left(login: Login) -> None:
    before = login.seed(left=timedelta(minutes=20)).token.reveal()
    login.omni.switches.answer = lambda path: (503, {}, b"") if path == "/oauth/token" else None
    ran = login.run("exec", "prod", "--", "sh", "-c", 'echo "$OMNI_API_TOKEN"')
    assert (ran.returncode, ran.stdout) == (0, before + "\n")
    assert "still valid and used meanwhile" in ran.stderr


@pytest.mark.parametrize("length", sample(("3h", "180min", "180 m", "10800", "10800s", "0.125d"), 2, "lengths"))
def test_exec_for_renews_for_what_it_asks(login: Login, length: str) -> None:
    login.omni.oauth.lifetime = 3 * 3600
    before = login.seed(left=timedelta(minutes=150)).token.reveal()
    show = ("--", "sh", "-c", 'echo "$OMNI_API_TOKEN"')
    assert login.run("exec", "prod", "--for", "2h", *show).stdout == before + "\n"
    ran = login.run("exec", "--for", length, "prod", *show)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout != before + "\n"


def test_an_unmet_exec_for_is_exit_4_and_says_how_long_it_would_last(login: Login) -> None:
    login.omni.oauth.lifetime = 3600
    login.seed(left=timedelta(minutes=10))
    ran = login.run("exec", "prod", "--for", "2h", "--", "touch", "ran")
    assert ran.returncode == 4
    assert "the access token of `prod` lasts 1 h, and it must last 2 h" in ran.stderr
    assert login.run("exec", "prod", "--for", "1h", "--", "true").returncode == 0

    login.omni.switches.answer = lambda path: (503, {}, b"") if path == "/oauth/token" else None
    ran = login.run("exec", "prod", "--for", "59min 59s", "--", "touch", "ran")
    assert ran.returncode == 2
    ran = login.run("exec", "prod", "--for", "2h", "--", "touch", "ran")
    assert ran.returncode == 4
    assert "lasts 59 min" in ran.stderr
    assert "503" in ran.stderr
    assert "used meanwhile" not in ran.stderr
    assert not os.path.exists("ran")


def test_with_as_each_session_is_renewed_and_for_holds_for_each(login: Login) -> None:
    login.cli.profiles(
        PROFILE.format(url=login.omni.base_url, more="")
        + f'[profiles.key]\nbase_url = "{login.omni.base_url}"\nallow_insecure = true\nkey = {{ env = "KEY" }}\n'
    )
    before = login.seed(left=timedelta(minutes=20)).token.reveal()
    both = ("exec", "--as", "A_=key", "--as", "B_=prod")
    ran = login.run(*both, "--", "sh", "-c", 'echo "$B_OMNI_API_TOKEN"', KEY=CANARY)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout not in ("\n", before + "\n")
    assert login.omni.oauth.grants == [("refresh_token", "granted")]
    assert login.run(*both, "--for", "7h", "--", "true", KEY=CANARY).returncode == 0
    ran = login.run(*both, "--for", "9h", "--", "true", KEY=CANARY)
    assert ran.returncode == 4
    assert "`prod` lasts 8 h" in ran.stderr


def test_exec_for_of_a_session_that_cannot_be_renewed(login: Login) -> None:
    store, session = FileStore(str(login.cli.state)), login.seed(left=timedelta(minutes=10))
    for expires_at, words in ((session.expires_at, "lasts 9 min"), (None, "did not say how long")):
        store.put("prod", replace(session, refresh_token=None, expires_at=expires_at))
        ran = login.run("exec", "prod", "--for", "2h", "--", "touch", "ran")
        assert (ran.returncode, os.path.exists("ran")) == (4, False)
        assert words in ran.stderr
        assert login.run("exec", "prod", "--", "true").returncode == 0
    store.put("prod", replace(session, expires_at=None))
    assert login.run("exec", "prod", "--", "true").returncode == 0
    assert login.omni.oauth.grants == []
    assert login.run("exec", "prod", "--for", "2h", "--", "true").returncode == 0
    assert login.omni.oauth.grants == [("refresh_token", "granted")]


def test_env_token_and_exec_say_with_v_until_when_the_token_is_good(login: Login) -> None:
    expires = login.seed(left=timedelta(hours=2)).expires_at
    assert expires is not None
    for argv in (("token", "prod"), ("env", "prod"), ("exec", "prod", "--", "true")):
        ran = login.run("-v", *argv)
        assert f"is good until {expires:%Y-%m-%dT%H:%M:%SZ}: it expires in 2 h" in ran.stderr
        assert "good until" not in login.run(*argv).stderr


def test_without_metadata_the_usual_paths_are_taken_and_logout_says_where_to_revoke(login: Login) -> None:
    login.omni.oauth.with_metadata = False
    login.log_in()
    ran = login.cli("logout", "prod", env=login.environ)
    assert ran.status == 0
    assert "was deleted" in ran.err
    assert "could not be revoked (127.0.0.1 has no revocation endpoint)" in ran.err
    assert f"revoke them in Omni, {login.omni.base_url}, Settings > API access" in ran.err
    assert login.stored() is None
    assert login.omni.oauth.live_sessions == 1, "it says so because it is so"


@pytest.mark.parametrize("trouble", ["gone", "hangs", "refuses", "damaged"])
def test_logout_deletes_in_any_case_and_in_bounded_time(
    login: Login, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "REVOKE_SECONDS", 0.5 if trouble == "hangs" else PATIENCE)
    session = login.seed()
    words = ""
    if trouble == "gone":
        login.omni.stop()
        words = "does not accept connections"
    elif trouble == "hangs":
        login.omni.switches.latency = FOR_EVER
        words = "did not answer in 0.5 s"
    elif trouble == "refuses":
        login.omni.switches.answer = lambda path: (503, {}, b"later") if path == "/oauth/revoke" else None
        words = "HTTP 503"
    else:
        path = login.cli.state / "secrets.json"
        path.write_text(path.read_text().replace('"stored_at"', '"forgotten"'))
        words = "it has no `stored_at`"
    with without_waiting():
        ran = login.cli("logout", "prod", env=login.environ)
    assert ran.status == 0, ran
    assert "could not be revoked" in ran.err
    assert words in ran.err
    assert "Settings > API access" in ran.err
    assert session.token.reveal() not in login.secrets()
    assert "nothing is stored" in login.cli("logout", "prod", env=login.environ).err


def test_no_browser_opens_for_an_unreachable_instance(login: Login) -> None:
    login.omni.stop()
    ran = login.run("login", "prod", BROWSER="touch opened #")
    assert ran.returncode == 7
    assert "the login cannot start: 127.0.0.1 does not accept connections" in ran.stderr
    assert "check the base URL" in ran.stderr
    assert "opening the browser" not in ran.stderr


def test_no_browser_opens_without_a_store(login: Login) -> None:
    ran = login.run("login", "prod", OMNIPROFILE_SECRET_STORE="")
    assert ran.returncode == 9
    assert "opening the browser" not in ran.stderr
    assert not login.omni.requests


def test_disabled_personal_tokens_are_reported_with_their_remedy(login: Login) -> None:
    """A 403 after Authorize, from the token endpoint or only with the new token."""
    off = (403, {"Content-Type": "application/json"}, b'{"detail": "Personal Access Tokens are not enabled"}')
    login.omni.switches.answer = lambda path: off if path == "/oauth/token" else None
    at_once = login.run("login", "prod")
    login.omni.switches.answer = lambda _: None
    login.omni.switches.personal_tokens_disabled = True
    later = login.run("login", "prod")
    for ran in (at_once, later):
        assert ran.returncode == 8
        assert "personal access tokens are not enabled on 127.0.0.1" in ran.stderr
        assert "Settings > API access > Personal tokens" in ran.stderr
    assert login.stored() is None
    assert login.omni.oauth.live_sessions == 0, "what was granted and not stored is revoked"


def test_a_failing_whoami_does_not_lose_the_login(login: Login) -> None:
    login.omni.switches.answer = lambda path: (503, {}, b"") if path.startswith("/api/") else None
    ran = login.run("login", "prod")
    assert ran.returncode == 0, ran.stderr
    assert "the session could not be tested" in ran.stderr
    assert login.stored() is not None
    login.cli.profiles(PROFILE.format(url=login.omni.base_url, more='expect = { user = "u-1" }'))
    pinned = login.run("login", "prod")
    assert pinned.returncode == 7, "who must be somebody is not stored unseen"
    assert "nothing was stored" in pinned.stderr
    assert login.omni.oauth.live_sessions == 1


def test_a_session_that_cannot_be_stored_is_revoked(login: Login) -> None:
    """The store turns out to be read-only only after the session was granted."""
    driver = """
import sys
from omniprofile.credentials.file_store import FileStore
from omniprofile.errors import StoreUnavailable

def full(self, account, secret):
    raise StoreUnavailable("the disk is full")

FileStore.put = full
from omniprofile.cli.main import run
sys.exit(run())
"""
    ran = run_program([sys.executable, "-c", driver, "login", "prod"], env={**os.environ, **login.environ})
    assert ran.returncode == 9
    assert "the disk is full" in ran.stderr
    assert login.omni.oauth.grants == [("authorization_code", "granted")]
    assert login.omni.oauth.live_sessions == 0


def test_a_project_pin_does_not_log_in_or_out_of_a_protected_profile(login: Login) -> None:
    login.cli.profiles(PROFILE.format(url=login.omni.base_url, more="protected = true"))
    session = login.seed()
    (login.cli.work / ".omniprofile.toml").write_text('profile = "prod"\n')
    for command in ("login", "logout"):
        ran = login.cli(command, env=login.environ)
        assert ran.status == 6, ran
        assert "is protected" in ran.err
    assert login.stored() == session
    assert login.cli("logout", "--yes", env=login.environ).status == 0


def test_a_token_of_a_variable_is_never_replaced_by_a_refresh(login: Login) -> None:
    """The vendor's CLI would send the refreshed token of its default profile instead of the given one."""
    login.seed(left=timedelta(hours=-3))
    env = {**login.environ, "OMNI_PROFILE_PROD_TOKEN": CANARY}
    assert login.cli("token", "prod", env=env, shows=True).out == CANARY + "\n"
    assert login.cli("token", "prod", "--force-refresh", env=env, shows=True).out == CANARY + "\n"
    assert not login.omni.oauth.grants


def test_no_secret_of_a_session_is_in_any_message(login: Login) -> None:
    texts = [login.log_in().stderr, login.run("-v", "-v", "test", "prod").stdout]
    texts += [login.run("-v", "-v", command, "prod").stderr for command in ("explain", "show", "logout")]
    assert not any("omni_oat_" in text or "omni_ort_" in text for text in texts)
    for path in login.cli.home.rglob("*"):
        if path.is_file() and path.name != "secrets.json":
            assert b"omni_o" not in path.read_bytes(), path


def test_a_host_that_is_not_allowed_any_more_is_not_asked_to_revoke(login: Login) -> None:
    """The session is removed with the profile, and its host gets no request, not even with its own token."""
    session = login.seed()
    elsewhere = replace(session, origin=Origin.parse("https://gone.example"))
    FileStore(str(login.cli.state)).put("prod", elsewhere)
    ran = login.cli("logout", "prod", env=login.environ)
    assert ran.status == 0, ran
    assert "https://gone.example may not have a credential any more, host-not-allowed" in ran.err
    assert login.stored() is None


def test_a_profile_that_moved_logs_in_at_its_new_place_and_logs_out_of_both(login: Login) -> None:
    with Standin() as before:
        answer = before.oauth.grant()
        old = replace(
            login.seed(),
            origin=Origin.parse(before.base_url),
            token=Secret(str(answer["access_token"])),
            refresh_token=Secret(str(answer["refresh_token"])),
        )
        login.omni.oauth.end_all_sessions()
        store = FileStore(str(login.cli.state))
        for account in store.summaries():
            store.delete(account)
        store.put("prod", old)
        refused = login.cli("token", "prod", env=login.environ)
        assert refused.status == 6
        assert before.base_url in refused.err
        login.log_in()
        assert before.oauth.live_sessions == 1, "another profile file may use it"
        assert login.run("test", "prod").returncode == 0
        ran = login.run("logout", "prod")
        assert (ran.returncode, ran.stderr.count("were revoked")) == (0, 2), ran
        assert before.oauth.live_sessions == login.omni.oauth.live_sessions == 0
    assert store.summaries() == {}


EXPIRE = """\
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from omniprofile.credentials.file_store import FileStore
from omniprofile.model.origin import Origin
from omniprofile.model.stored import Account
store, account = FileStore(sys.argv[1]), Account("prod", Origin.parse(sys.argv[2]))
store.put("prod", replace(store.get(account), expires_at=datetime.now(UTC) - timedelta(seconds=1)))
"""


@pytest.mark.parametrize("more", ["", "protected = true"])
def test_omni_in_a_long_child_gets_a_fresh_token_at_each_call(login: Login, more: str, tmp_path: Path) -> None:
    """A session that lasts less than the renewal margin is read each time; the protected profile is confirmed once."""
    login.cli.profiles(PROFILE.format(url=login.omni.base_url, more=more))
    login.omni.oauth.lifetime = 200
    login.seed(left=timedelta(seconds=100))
    vendor = VendorOmni(tmp_path / "vendor")
    (tmp_path / "expire.py").write_text(EXPIRE)
    expire = f"{sys.executable} {tmp_path}/expire.py {login.cli.state} {login.omni.base_url}"
    script = f"omni models; {expire}; omni models && omni -p prod models -ojson; omni -p other models"
    path = f"{vendor.folder}{os.pathsep}{os.environ['PATH']}"
    ran = login.run("exec", "prod", "--yes", "--", "sh", "-c", script, PATH=path)
    first, second, third = (str(request["token"]) for request in vendor.requests())
    assert (ran.returncode, first == second, second == third) == (6, False, True), ran
    assert login.omni.oauth.grants == [("refresh_token", "granted")] * 2
    stored = login.stored()
    assert stored is not None
    assert stored.token.reveal() == third


def test_omni_asks_no_store_while_its_token_lasts(login: Login, tmp_path: Path) -> None:
    login.seed()
    vendor = VendorOmni(tmp_path / "vendor")
    path = f"{vendor.folder}{os.pathsep}{os.environ['PATH']}"
    ran = login.run("exec", "prod", "--", "sh", "-c", f"rm -r {login.cli.state}; omni models", PATH=path)
    assert (ran.returncode, len(vendor.requests())) == (0, 1), ran
