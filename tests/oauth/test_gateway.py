"""Gateways with an OAuth session that expires meanwhile: no client sees a 401, and every renewal is one POST."""

import json
import sys
import threading
from contextlib import ExitStack
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest

from omniprofile.app import App, ProfileRequest
from omniprofile.credentials.intent import GIVING
from omniprofile.standin.oauth import Family
from omniprofile.system.environment import Environment
from tests.oauth.conftest import Login
from tests.sampling import WHOLE
from tests.waiting import wait_until

LOAD = """
import json, os, sys, threading
from collections import Counter
from http.client import HTTPConnection
host, token = os.environ["OMNI_BASE_URL"].removeprefix("http://"), os.environ["OMNI_API_TOKEN"]
seen, done = Counter(), threading.Event()
def ask():
    client = HTTPConnection(host, timeout=60)
    while not done.is_set():
        client.request("GET", "/api/v1/whoami", headers={"Authorization": "Bearer " + token})
        response = client.getresponse()
        response.read()
        seen[response.status] += 1
threads = [threading.Thread(target=ask) for _ in range(8)]
for each in threads: each.start()
sys.stdin.read()
done.set()
for each in threads: each.join()
print(json.dumps(seen))
"""

TWICE = """
import os, sys, time
from http.client import HTTPConnection
def ask():
    client = HTTPConnection(os.environ["OMNI_BASE_URL"].removeprefix("http://"), timeout=60)
    client.request("GET", "/api/v1/whoami", headers={"Authorization": "Bearer " + os.environ["OMNI_API_TOKEN"]})
    print(client.getresponse().status, flush=True)
ask()
sys.stdin.read()
ask()
"""


def _refreshes(login: Login) -> list[str]:
    return [outcome for kind, outcome in login.omni.oauth.grants if kind == "refresh_token"]


def test_a_child_that_outlives_five_tokens_sees_no_401(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    """The instance ends a token when it grants the next one, because with timed expiry a busy machine could renew too late."""
    oauth = login.omni.oauth
    grant = oauth._grant

    def expiring(family: Family) -> object:
        for access in family.access:
            login.omni.revoke(access)
        return grant(family)

    monkeypatch.setattr(oauth, "_grant", expiring)
    login.omni.switches.rate_limit = 1_000_000
    login.seed(left=timedelta(hours=-1))
    oauth.lifetime = 1
    child = login.start("exec", "prod", "--gateway", "--", sys.executable, "-c", LOAD)
    wait_until(lambda: len(_refreshes(login)) >= 5 or child.poll() is not None)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert set(json.loads(out)) == {"200"}
    assert len(_refreshes(login)) >= 5
    assert set(_refreshes(login)) == {"granted"}
    assert oauth.live_sessions == 1


def test_processes_whose_token_is_revoked_renew_it_once(login: Login) -> None:
    login.seed()
    children = [
        login.start("exec", "prod", "--gateway", "--", sys.executable, "-c", TWICE) for _ in range(50 if WHOLE else 8)
    ]
    for child in children:
        assert child.stdout
        assert child.stdout.readline() == "200\n"
    login.omni.oauth.expire_access_tokens()
    login.omni.oauth.latency = 0.5
    for child in children:
        assert child.stdin
        child.stdin.close()
        child.stdin = None
    for child in children:
        out, err = child.communicate(timeout=120)
        assert (child.returncode, out) == (0, "200\n"), err
    assert _refreshes(login) == ["granted"]


def test_fifty_gateways_on_one_expired_session_send_one_post(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")
    login.seed()
    login.omni.switches.rate_limit = 1000
    with ExitStack() as opened:
        gateways = []
        for _ in range(50):
            app = App(Environment.real())
            resolution = app.resolve(ProfileRequest.for_profile("prod"), GIVING.use)
            gateways.append(opened.enter_context(app.gateway(resolution, app.obtain(resolution, GIVING))))
            gateways[-1].start()
        login.omni.oauth.expire_access_tokens()
        statuses: list[int] = []

        def ask(port: int, token: str) -> None:
            client = HTTPConnection("127.0.0.1", port, timeout=120)
            client.request("GET", "/api/v1/whoami", headers={"Authorization": f"Bearer {token}"})
            statuses.append(client.getresponse().status)
            client.close()

        threads = [threading.Thread(target=ask, args=(each.port, each.token)) for each in gateways]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [200] * 50
    assert _refreshes(login) == ["granted"]


ASK_AND_LEAVE = """
import os, socket, sys
host, port = os.environ["OMNI_BASE_URL"].removeprefix("http://").split(":")
client = socket.create_connection((host, int(port)))
lines = ["GET /api/v1/whoami HTTP/1.1", f"Host: {host}:{port}", "Authorization: Bearer " + os.environ["OMNI_API_TOKEN"], "", ""]
client.sendall("\\r\\n".join(lines).encode())
sys.stdin.read()
"""


def test_a_child_that_ends_during_a_refresh_loses_no_session(login: Login) -> None:
    login.seed()
    login.omni.oauth.latency = 1.0
    login.omni.oauth.expire_access_tokens()
    child = login.start("exec", "prod", "--gateway", "--", sys.executable, "-c", ASK_AND_LEAVE)
    wait_until(lambda: login.omni.oauth.arrived or child.poll() is not None)
    assert child.poll() is None
    _, err = child.communicate("", timeout=60)
    assert child.returncode == 0, err
    stored = login.stored()
    assert stored
    assert login.omni.knows(stored.token.reveal())
    assert _refreshes(login) == ["granted"]


def test_forwarded_requests_are_in_the_audit_log(login: Login) -> None:
    login.seed()
    login.run("exec", "prod", "--gateway", "--", sys.executable, "-c", TWICE)
    lines = [json.loads(line) for line in (Path(login.cli.state) / "audit.jsonl").read_text().splitlines()]
    (line,) = [line for line in lines if line["how"] == "gateway"]
    assert (line["profile"], line["base_url"], line["layer"]) == ("prod", login.omni.base_url, "flag")
    assert line["command"] == Path(sys.executable).name
    assert line["requests"] == {"GET": {"200": 2}}
    assert line["refused"] is None
