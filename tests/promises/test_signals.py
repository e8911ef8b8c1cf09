"""SIGINT, SIGTERM and SIGHUP in each phase of waiting: all or nothing is changed, no process continues, no lock remains.

SIGINT exits with 130; the others end the process as if it did not handle them (143 and 129 in a shell).
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from omniprofile.system import locking
from omniprofile.system.user_lock import user_lock_folders
from tests import warm
from tests.cli.terminal import Terminal
from tests.conftest import CANARY, Cli
from tests.programs import run_program
from tests.standin import Standin
from tests.waiting import FOR_EVER, PATIENCE, has_open, is_running, wait_until, without_waiting

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def file_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keyring."""
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")


def _start(*argv: str, **env: str) -> "subprocess.Popen[str]":
    return warm.Popen(
        [*warm.PROGRAM, *argv],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end(running: "subprocess.Popen[str]", number: signal.Signals) -> str:
    """Send the signal, check the exit status and the messages, and return those."""
    running.send_signal(number)
    try:
        out, err = running.communicate(timeout=PATIENCE)
    finally:
        running.kill()
    assert running.returncode == (130 if number is signal.SIGINT else -number), err
    assert "Traceback" not in err
    assert CANARY not in out + err
    return err


def _files(cli: Cli) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for folder in (cli.config.parent, cli.state)
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("verb", ["use", "set", "login"])
def test_while_it_waits_for_a_lock(cli: Cli, verb: str, number: signal.Signals) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\n[profiles.b]\nbase_url = "https://b.omniapp.co"\n')
    assert cli("use", "a").status == 0
    lock, argv = {
        "use": (cli.state / "active.lock", ("use", "b")),
        "set": (
            Path(user_lock_folders("linux", os.environ, os.getuid())[0], "edit.lock"),
            ("set", "a", "description", "x"),
        ),
        "login": (cli.state / "secrets.json.lock", ("login", "a", "--no-test")),
    }[verb]
    before = _files(cli)
    with locking.lock(str(lock), PATIENCE):
        running = warm.Popen(
            [*warm.PROGRAM, *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert running.stdin is not None
        running.stdin.write(CANARY)
        running.stdin.close()
        running.stdin = None
        wait_until(lambda: has_open(running.pid, str(lock)) or running.poll() is not None)
        assert running.poll() is None, "it does not wait"
        _end(running, number)
    assert _files(cli) == before
    again = cli(*argv, stdin=CANARY)
    assert again.status == 0, f"a lock is left\n{again}"


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_in_a_key_command(cli: Cli, tmp_path: Path, number: signal.Signals) -> None:
    """The command and its children end with it."""
    command = tmp_path / "command"
    command.write_text(f"#!/bin/sh\ncd {tmp_path}\nsleep 300 &\necho $! > part; mv part child\nwait\n")
    command.chmod(0o700)
    cli.profiles(
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = {{ command = ["{command}"], timeout = 200 }}\n'
    )
    running = _start("token", "a")
    wait_until((tmp_path / "child").exists)
    _end(running, number)
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not is_running(child))


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_in_whoami(cli: Cli, number: signal.Signals) -> None:
    with Standin() as omni:
        omni.add_key(CANARY)
        omni.switches.latency = FOR_EVER
        cli.profiles(f'[profiles.a]\nbase_url = "{omni.base_url}"\nallow_insecure = true\nkey = {{ env = "K" }}\n')
        running = _start("test", "a", "--timeout", str(FOR_EVER), K=CANARY)
        wait_until(lambda: omni.requests)
        with without_waiting():
            _end(running, number)
    assert not _files(cli).keys() - {str(cli.config)}


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("prompt", ["hidden", "confirm"])
def test_at_a_prompt_the_terminal_is_given_back(cli: Cli, prompt: str, number: signal.Signals) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\nprotected = true\n')
    before = _files(cli)
    argv, text = {
        "hidden": (("login", "a", "--no-test"), "key"),
        "confirm": (("use", "a"), "[y/N]"),
    }[prompt]
    terminal = Terminal((*warm.PROGRAM, *argv), {**os.environ, "TERM": "xterm"})
    try:
        terminal.see(text)
        if prompt == "hidden":
            terminal.until(lambda _: not terminal.restored, "the echo is off")
        terminal.child.kill(number)
        assert terminal.end() == (130 if number is signal.SIGINT else -number)
        assert terminal.restored
        assert "Traceback" not in terminal.screen
    finally:
        terminal.close()
    assert _files(cli) == before


def test_what_is_ignored_stays_ignored(cli: Cli, tmp_path: Path) -> None:
    """`nohup omniprofile …` continues when its terminal is closed."""
    script = f"cd {tmp_path}; mkfifo go; echo > begun; read _ < go; echo omni_osk_x"
    cli.profiles(f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = {{ command = ["sh", "-c", "{script}"] }}\n')
    running = subprocess.Popen(
        ["nohup", *warm.PROGRAM, "token", "a"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    wait_until((tmp_path / "begun").exists)
    running.send_signal(signal.SIGHUP)
    (tmp_path / "go").write_text("\n")
    assert running.communicate(timeout=PATIENCE)[0] == "omni_osk_x\n"


def test_ctrl_c_while_the_program_is_still_being_read_is_130_and_no_traceback() -> None:
    code = """
import runpy, sys
class Interrupting:
    @staticmethod
    def find_spec(name, *_):
        if name == "omniprofile.config.snapshot":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting)
runpy.run_module("omniprofile", run_name="__main__")
"""
    ran = run_program([sys.executable, "-c", code])
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")
