"""`exec --gateway` on a terminal: Ctrl-C, Ctrl-Z, `fg` and the window's size reach the child as without a gateway."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.conftest import CANARY, Cli
from tests.waiting import PATIENCE

COUNT = """
import os, signal, sys, time
seen = []
signal.signal(signal.SIGINT, lambda *_: (seen.append("INT"), print("got", len(seen), flush=True)))
signal.signal(signal.SIGWINCH, lambda *_: print("size", *os.get_terminal_size(), flush=True))
print("ready", flush=True)
while len(seen) < 2:
    time.sleep(0.02)
time.sleep(0.5)
print("counted", len(seen), flush=True)
sys.exit(7)
"""
EXEC = f"{sys.executable} -m omniprofile exec p --gateway --"


@pytest.fixture
def bash(cli: Cli, tmp_path: Path) -> Iterator["pexpect.spawn[str]"]:
    """An interactive shell with job control, and a program beside it."""
    cli.profiles('[profiles.p]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "KEY" }\n')
    (tmp_path / "count.py").write_text(COUNT)
    environ = {**os.environ, "KEY": CANARY, "PS1": "$ ", "HISTFILE": "/dev/null"}
    shell = pexpect.spawn(
        "bash", ["--norc", "--noprofile", "-i"], env=environ, encoding="utf-8", timeout=PATIENCE, echo=False
    )
    shell.expect_exact("$ ")
    yield shell
    shell.close(force=True)


def test_ctrl_c_reaches_the_child_once_each_time_and_its_status_counts(
    bash: "pexpect.spawn[str]", tmp_path: Path
) -> None:
    bash.sendline(f"{EXEC} {sys.executable} {tmp_path}/count.py; echo status $?")
    bash.expect_exact("ready")
    bash.sendintr()
    bash.expect_exact("got 1")
    bash.sendintr()
    bash.expect_exact("got 2")
    bash.expect_exact("counted 2")
    bash.expect_exact("status 7")


def test_ctrl_c_that_ends_the_child_ends_omniprofile_too(bash: "pexpect.spawn[str]", tmp_path: Path) -> None:
    # Not `sh -c 'echo ready; sleep 60'`: a Ctrl-C while dash starts `sleep` is lost, with and without omniprofile.
    (tmp_path / "wait.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    bash.sendline(f"{EXEC} {sys.executable} {tmp_path}/wait.py; echo status $?")
    bash.expect_exact("ready")
    bash.sendintr()
    bash.expect_exact("$ ")
    bash.sendline("echo status $?")
    bash.expect_exact("status 130")


def test_the_window_s_size_is_the_child_s(bash: "pexpect.spawn[str]", tmp_path: Path) -> None:
    bash.sendline(f"{EXEC} {sys.executable} {tmp_path}/count.py")
    bash.expect_exact("ready")
    bash.setwinsize(33, 99)
    bash.expect_exact("size 99 33")
    bash.sendintr()
    bash.expect_exact("got 1")
    bash.sendintr()
    bash.expect_exact("counted 2")


def test_a_stopped_child_is_a_stopped_job_that_goes_on_with_fg(bash: "pexpect.spawn[str]") -> None:
    bash.sendline(f"{EXEC} sh -c 'echo ready; read line; echo got $line; exit 4'; echo status $?")
    bash.expect_exact("ready")
    bash.send("\x1a")
    bash.expect_exact("Stopped")
    bash.expect_exact("$ ")
    bash.sendline("fg")
    bash.sendline("hello")
    bash.expect_exact("got hello")
    bash.sendline("echo status $?")
    bash.expect("status [04]")


def test_a_killed_terminal_leaves_nothing(bash: "pexpect.spawn[str]") -> None:
    bash.sendline(f"{EXEC} sh -c 'echo pid $$ $PPID; sleep 60'")
    bash.expect(r"pid (\d+) (\d+)")
    pids = [int(bash.match.group(1)), int(bash.match.group(2))]
    bash.close(force=True)
    for pid in pids:
        _wait_for_end(pid)


def _wait_for_end(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    import select

    try:
        assert select.select([descriptor], [], [], PATIENCE)[0], "it still runs"
    finally:
        os.close(descriptor)
