"""Clocks that jump by hours, both ways, between two commands: sessions, snapshots, waits and doctor still work.

libfaketime changes the time of one process; file times and the instance's clock do not change.
"""

import os
import shutil
import subprocess
import time
from datetime import timedelta
from email.utils import formatdate

import pytest

from tests import warm
from tests.conftest import CANARY, Cli
from tests.oauth.conftest import Login, login
from tests.sampling import WHOLE
from tests.standin import Standin
from tests.waiting import without_waiting

__all__ = ["login"]

pytestmark = pytest.mark.skipif(
    not shutil.which("faketime") and not os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL"),
    reason="faketime is not installed",
)
HOURS = [-30, -5, -1, 1, 5, 30] if WHOLE else [-5, 1, 30]
"""Behind, ahead within the life of a token, and beyond it."""


@pytest.fixture(autouse=True)
def file_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in this process use the file store, too."""
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")


def _at(hours: int, *argv: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with a clock the given number of hours ahead."""
    ran = warm.run(
        *argv, prefix=["faketime", "-f", f"{hours:+d}h"] if hours else [],
        env={**os.environ, **({"NO_FAKE_STAT": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"} if hours else {}), **env},
    )  # fmt: skip
    assert "Traceback" not in ran.stderr
    assert "this is a bug" not in ran.stderr
    return ran


@pytest.mark.parametrize("hours", HOURS)
def test_a_session_lives_through_a_jump_and_back(login: Login, hours: int) -> None:
    login.seed(left=timedelta(hours=8))
    tokens = []
    for clock in (0, hours, hours, 0, 0):
        ran = _at(clock, "token", "prod")
        assert ran.returncode == 0, ran.stderr
        assert login.omni.knows(ran.stdout.strip()), "a token that the instance does not accept"
        tokens.append(ran.stdout)
    assert tokens[1] == tokens[2], "one refresh for one jump"
    assert tokens[3] == tokens[4], "and one for the way back"
    assert len(login.omni.oauth.grants) <= 2
    assert login.stored() is not None


@pytest.mark.parametrize("hours", HOURS)
def test_a_refresh_of_another_time_was_not_just_now(login: Login, hours: int) -> None:
    """`refreshed_at` delays a second refresh for seconds, not for the hours that a clock was wrong."""
    login.seed(left=timedelta(hours=8))
    assert _at(hours, "token", "prod", "--force-refresh").returncode == 0
    assert _at(0, "token", "prod", "--force-refresh").returncode == 0
    assert len(login.omni.oauth.grants) == 2


@pytest.mark.parametrize("hours", HOURS)
def test_a_snapshot_of_another_time_hides_no_change(cli: Cli, hours: int) -> None:
    for clock, name in ((hours, "one"), (0, "two"), (hours, "six"), (0, "ten")):
        cli.profiles(f'[profiles.a]\nbase_url = "https://{name}.omniapp.co"\nkey = {{ env = "K" }}\n')
        for _ in range(2):
            assert f"{name}.omniapp.co" in _at(clock, "env", "a", "--shell", "json", K=CANARY).stdout


@pytest.mark.parametrize("hours", [-5, 30])
def test_no_wait_is_longer_than_the_limit_that_was_given(cli: Cli, hours: int) -> None:
    """A `Retry-After` date is in the server's time; the rate-limit file was written with another clock."""
    with Standin() as omni:
        omni.add_key(CANARY)
        omni.switches.rate_limit = 0
        cli.profiles(f'[profiles.a]\nbase_url = "{omni.base_url}"\nallow_insecure = true\nkey = {{ env = "K" }}\n')
        omni.switches.retry_after = formatdate(time.time() + 3600, usegmt=True)  # no sleep: libfaketime breaks it
        with without_waiting():
            assert _at(hours, "test", "a", "--timeout", "3", K=CANARY).returncode in (7, 8)
        omni.switches.rate_limit = 60
        with without_waiting():
            assert _at(0, "test", "a", "--timeout", "30", K=CANARY).returncode == 0


@pytest.mark.parametrize("hours", [-5, 0, 30])
def test_doctor_sees_the_jump(cli: Cli, hours: int) -> None:
    with Standin() as omni:
        omni.add_key(CANARY)
        cli.profiles(f'[profiles.a]\nbase_url = "{omni.base_url}"\nallow_insecure = true\nkey = {{ env = "K" }}\n')
        out = _at(hours, "doctor", K=CANARY).stdout
        lines = [line for line in out.splitlines() if line.split()[1:2] == ["clock"]]
        assert lines, out
        assert all(line.startswith("ok") for line in lines) == (hours == 0), lines
