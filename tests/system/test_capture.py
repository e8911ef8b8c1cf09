"""A captured program and the terminal, on a real pseudo-terminal."""

import os
import signal
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from omniprofile.system import process_groups
from omniprofile.system.capture import capture
from omniprofile.system.process_groups import Group
from tests.waiting import PATIENCE

CAPTURE = """
    import os, sys, termios
    from omniprofile.system.capture import capture

    terminal = os.open("/dev/tty", os.O_RDWR)
    captured = capture(["/bin/sh", "-c", sys.argv[1]], os.environ, timeout=float(sys.argv[2]), limit=1000, terminal=True)
    echo = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    ours = os.tcgetpgrp(terminal) == os.getpgrp()
    print(f"<{captured.how} {captured.status} {captured.stdout!r} echo={echo} ours={ours}>")
    print("still able to read:", input())
"""


class Session:
    """A Python process on its own pseudo-terminal that captures one script."""

    def __init__(self) -> None:
        self.process: pexpect.spawn[str] | None = None

    def __call__(self, script: str, *, timeout: float = 20) -> "pexpect.spawn[str]":
        """Start it."""
        self.process = pexpect.spawn(
            sys.executable,
            ["-c", textwrap.dedent(CAPTURE), script, str(timeout)],
            cwd=str(Path(__file__).parents[2]),
            encoding="utf-8",
            timeout=PATIENCE,
        )
        return self.process


@pytest.fixture
def session() -> Iterator[Session]:
    """Capture a script on a terminal."""
    session = Session()
    yield session
    if session.process is not None:
        session.process.close(force=True)


def test_a_program_that_asks_on_the_terminal_is_answered(session: Session) -> None:
    on_terminal = session(
        "stty -echo < /dev/tty; printf 'PIN? ' > /dev/tty; read pin < /dev/tty; stty echo < /dev/tty; echo got-$pin"
    )
    on_terminal.expect_exact("PIN? ")
    on_terminal.sendline("1234")
    on_terminal.expect_exact("<exited 0 b'got-1234\\n' echo=True ours=True>")
    on_terminal.sendline("next")
    on_terminal.expect_exact("still able to read: next")
    on_terminal.expect(pexpect.EOF)


def test_ctrl_c_during_a_question_ends_the_program_and_is_known(session: Session) -> None:
    # Wait until the program has the terminal: an earlier Ctrl-C would be ours.
    on_terminal = session("stty echo < /dev/tty; printf 'PIN? ' > /dev/tty; read pin < /dev/tty; echo got-$pin")
    on_terminal.expect_exact("PIN? ")
    on_terminal.sendintr()
    on_terminal.expect_exact("<interrupted -2 b'' echo=True ours=True>")


def test_a_program_killed_while_it_asks_gives_the_terminal_back_with_its_echo(session: Session) -> None:
    on_terminal = session("stty -echo < /dev/tty; printf 'PIN? ' > /dev/tty; read pin < /dev/tty", timeout=5)
    on_terminal.expect_exact("PIN? ")
    on_terminal.expect_exact("<too-slow 0 b'' echo=True ours=True>")
    on_terminal.sendline("next")
    on_terminal.expect_exact("still able to read: next")


def test_a_program_that_asks_at_once_is_not_left_stopped(session: Session) -> None:
    # It may ask before it has been given the terminal; the system stops it then, and it must be woken up.
    on_terminal = session("read pin < /dev/tty; echo got-$pin")
    on_terminal.sendline("1234")
    on_terminal.expect_exact("<exited 0 b'got-1234\\n' echo=True ours=True>")


def test_a_program_in_the_background_is_not_given_the_terminal() -> None:
    # A shell with job control starts the capture in the background: it must not take the terminal from the foreground.
    shell = pexpect.spawn(
        "/bin/bash",
        ["--norc", "--noprofile", "-i"],
        encoding="utf-8",
        timeout=PATIENCE,
        cwd=str(Path(__file__).parents[2]),
    )
    try:
        code = (
            "import os; from omniprofile.system.capture import capture; "
            "print('<%r>' % capture(['/bin/sh', '-c', '(: < /dev/tty) 2>&1 && echo terminal || echo none'], os.environ, "
            "timeout=60, limit=1000, terminal=True).stdout.split()[-1])"
        )
        shell.sendline(f'{sys.executable} -c "{code}" & wait')
        shell.expect_exact("<b'none'>")
        shell.sendline("echo still-$((40+2))-here")
        shell.expect_exact("still-42-here")
    finally:
        shell.close(force=True)


def test_a_ctrl_c_at_the_very_start_of_a_program_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process exists, but `Popen` has not returned."""
    started: list[Group] = []

    class Interrupted(Group):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(process_groups, "Group", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        capture(["/bin/sh", "-c", "sleep 300"], os.environ, timeout=100, limit=10, terminal=False)
    assert started[0].wait(PATIENCE) == -signal.SIGTERM
