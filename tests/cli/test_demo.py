"""The tour on a terminal: coloured chapters that fit the screen, and a wait for a key after each."""

import os
import re
from pathlib import Path

import pexpect
import pytest

from omniprofile.cli import tour
from omniprofile.standin.server import Standin
from tests.cli.terminal import spawn
from tests.conftest import Cli

ROWS, COLUMNS = 24, 100


def _spawn(cli: Cli, *options: str) -> "pexpect.spawn[str]":
    environ = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parents[2])}
    environ.pop("NO_COLOR", None)
    return spawn("demo", *options, env=environ, timeout=60, dimensions=(ROWS, COLUMNS))  # fmt: skip


def test_on_a_terminal_each_chapter_fits_the_screen_and_waits(cli: Cli) -> None:
    terminal = _spawn(cli)
    chapters = 0
    while terminal.expect(["Enter goes on", pexpect.EOF]) == 0:
        chapters += 1
        lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal.before or "").split("\r\n")
        assert sum(1 + (len(line) - 1) // COLUMNS for line in lines) <= ROWS, lines
        assert "\x1b[1m" in (terminal.before or "")
        terminal.sendline("")
    assert chapters >= 5
    assert terminal.wait() == 0


def test_the_failing_command_is_named_with_its_output(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    add_key = Standin.add_key

    def add_no_staging_key(standin: Standin, token: str, *, role: str = "ORG_ADMIN") -> None:
        if "staging" not in token:
            add_key(standin, token, role=role)

    monkeypatch.setattr(Standin, "add_key", add_no_staging_key)
    monkeypatch.setattr(tour, "BUG", "not a bug here: the test made it fail")
    run = cli("demo")
    assert run.status == 1
    assert "the demo expected `omniprofile login` to end with 0" in run.err
    assert "but it exited with status 8: " in run.err
    assert "nothing was stored" in run.err


def test_without_a_pause_it_goes_on_by_itself(cli: Cli) -> None:
    terminal = _spawn(cli, "--no-pause")
    assert terminal.expect(["Enter goes on", "is now `staging`"]) == 1, "of a later chapter"
    assert terminal.expect(["Enter goes on", pexpect.EOF]) == 1
    assert terminal.wait() == 0


def test_ctrl_c_ends_it(cli: Cli) -> None:
    terminal = _spawn(cli)
    terminal.expect("Enter goes on")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    assert terminal.wait() == 130
