"""kill -9 at every checkpoint of a login, a refresh and a logout, and at random times: never a hang, a stale lock, or a spent
token in place of a fresh one.
"""

import os
import random
import re
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.oauth.conftest import Login
from tests.programs import run_program
from tests.waiting import PATIENCE, wait_until, without_waiting

DRIVER = """\
import os, signal, sys
from dataclasses import replace
from omniprofile.system.environment import Environment
from omniprofile.cli.main import main

moment = sys.argv.pop(1)

def checkpoint(name):
    if name == moment:
        os.kill(os.getpid(), signal.SIGKILL)

sys.exit(main(sys.argv[1:], Environment.real()._replace(checkpoint=checkpoint)))
"""
"""The program, killed at the named checkpoint. The product itself has no variable for that."""


@pytest.fixture(autouse=True)
def file_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in this process use the file store, too."""
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")


def kill_at(login: Login, moment: str, *argv: str) -> None:
    """Run `omniprofile *argv` until the checkpoint `moment`."""
    ran = run_program([sys.executable, "-c", DRIVER, moment, *argv], env={**os.environ, **login.environ})
    assert ran.returncode == -signal.SIGKILL, f"it never passed {moment}: {ran.stderr}"


EXPIRED = timedelta(hours=-1)


@pytest.mark.parametrize("moment", ["locked", "store-tried", "answered", "stored"])
def test_a_refresh_killed_at(login: Login, moment: str) -> None:
    before = login.seed(left=EXPIRED)
    kill_at(login, moment, "token", "prod")
    after = login.stored()
    with without_waiting():  # no stale lock
        again = login.cli("token", "prod")
    match moment:
        case "locked" | "store-tried":  # nothing was sent
            assert after == before
            assert again.status == 0
            assert login.omni.oauth.grants == [("refresh_token", "granted")]
        case "answered":  # the one moment that loses the session: the new pair is lost
            assert after == before
            assert again.status == 4
            assert "has expired or been revoked" in again.err
            assert "omniprofile login prod" in again.err
            assert login.stored() is None, "a spent token is not kept"
        case "stored":  # the fresh pair is stored, and is not refreshed again
            assert after is not None
            assert after.refresh_token != before.refresh_token
            assert again.out == after.token.reveal() + "\n"
            assert len(login.omni.oauth.grants) == 1


@pytest.mark.parametrize("moment", ["authorized", "granted", "locked", "stored"])
def test_a_second_login_killed_at(login: Login, moment: str) -> None:
    before = login.seed()
    kill_at(login, moment, "login", "prod")
    after = login.stored()
    assert (after == before) == (moment != "stored")
    assert login.cli("test", "prod").status == 0, "the old session works until the new one is stored, then that"
    if moment == "granted":
        login.log_in()
        assert login.cli("test", "prod").status == 0


@pytest.mark.parametrize("moment", ["locked", "revoked", "deleted"])
def test_a_logout_killed_at(login: Login, moment: str) -> None:
    login.seed()
    kill_at(login, moment, "logout", "prod")
    if moment == "locked":
        assert login.cli("test", "prod").status == 0
    elif moment == "revoked":
        assert login.omni.oauth.live_sessions == 0
        tested = login.cli("test", "prod")
        assert tested.status == 8
        assert "omniprofile login prod" in tested.out
    else:
        assert login.stored() is None
    assert login.cli("logout", "prod").status == 0
    assert login.stored() is None
    assert login.omni.oauth.live_sessions == 0


def test_refreshes_killed_by_the_clock(login: Login) -> None:
    """Whenever the kill comes, the next command gets a token, or says that the session has ended and names `login`."""
    login.seed()
    login.omni.oauth.latency = 0.1
    began = time.monotonic()
    login.run("token", "prod", "--force-refresh")
    whole = time.monotonic() - began
    outcomes = []
    chance = random.Random(5)
    for _ in range(8):
        before = login.seed(left=EXPIRED)
        process = login.start("token", "prod")
        time.sleep(whole * chance.uniform(0.4, 1.1))
        process.kill()
        process.communicate()
        wait_until(lambda: login.omni.oauth.arrived == len(login.omni.oauth.grants))  # what it sent is answered
        after = login.stored()
        assert after is not None
        again = login.cli("token", "prod")
        outcomes.append(again.status)
        if again.status == 0:
            session = login.stored()
            assert session is not None
            assert again.out == session.token.reveal() + "\n"
            assert login.omni.knows(session.token.reveal())
        else:
            assert again.status == 4, again
            assert after == before, "a fresh pair was stored, and the session was lost all the same"
            assert login.stored() is None
    assert 0 in outcomes
    assert not list(login.cli.state.glob("*.tmp")), "what a killed writer left is swept by the next one"


def test_ctrl_c_in_a_refresh_waits_for_the_pair_and_keeps_it(login: Login) -> None:
    before = login.seed(left=EXPIRED)
    process = refresh_held_up(login)
    process.send_signal(signal.SIGINT)
    assert process.stderr
    assert "this ends when the answer is stored" in process.stderr.readline()
    login.omni.oauth.may_answer.set()
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert out == ""
    after = login.stored()
    assert after is not None
    assert after.refresh_token != before.refresh_token
    assert login.cli("token", "prod").out == after.token.reveal() + "\n"


def test_a_second_ctrl_c_ends_it_at_once(login: Login) -> None:
    login.seed(left=EXPIRED)
    process = refresh_held_up(login)
    process.send_signal(signal.SIGINT)
    assert process.stderr
    assert "this ends when the answer is stored" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert login.omni.oauth.grants == [], "the answer has not come yet"
    login.omni.oauth.may_answer.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_termination_waits_for_the_pair_too(login: Login, number: signal.Signals) -> None:
    before = login.seed(left=EXPIRED)
    process = refresh_held_up(login)
    deliver(process, number)
    login.omni.oauth.may_answer.set()
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == -number
    assert out == ""
    after = login.stored()
    assert after is not None
    assert after.refresh_token != before.refresh_token


def deliver(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """Send a signal, and wait until it is delivered."""
    process.send_signal(number)

    def is_pending() -> bool:
        masks = re.findall(r"(?:SigPnd|ShdPnd):\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text())
        return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)

    wait_until(lambda: not is_pending())


def refresh_held_up(login: Login) -> "subprocess.Popen[str]":
    """Start a refresh, which waits until the token endpoint `may_answer`."""
    login.omni.oauth.may_answer.clear()
    process = login.start("token", "prod")
    wait_until(lambda: login.omni.oauth.arrived)
    return process
