"""On a real pseudo-terminal: hidden input, Ctrl-C, the picker, confirmations."""

import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from threading import Event

import pexpect
import pytest

from tests.cli import terminal as terminals
from tests.cli.conftest import STAGING_KEY, Instances
from tests.cli.terminal import Terminal
from tests.conftest import CANARY, Cli
from tests.waiting import PATIENCE

Spawn = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    children = []

    def start(*argv: str, env: dict[str, str] | None = None) -> "pexpect.spawn[str]":
        child = terminals.spawn(*argv, env={**os.environ, "TERM": "xterm", **(env or {})}, dimensions=(40, 160))
        children.append(child)
        return child

    yield start
    for child in children:
        child.close(force=True)


def _end(child: "pexpect.spawn[str]") -> tuple[str, int | None]:
    child.expect(pexpect.EOF)
    child.close()
    status = child.exitstatus if child.exitstatus is not None else -(child.signalstatus or 0)
    return child.before or "", status


def test_the_key_is_typed_hidden(spawn: Spawn, instances: Instances, cli: Cli) -> None:
    child = spawn("login", "staging")
    child.expect("API key for staging: ")
    shown = child.before
    child.sendline(STAGING_KEY)
    rest, status = _end(child)
    assert status == 0, rest
    assert CANARY not in shown + rest
    assert cli("token", "staging", shows=True).out == STAGING_KEY + "\n"


def test_a_key_that_is_typed_ahead_while_another_is_tested_is_not_shown(
    spawn: Spawn, instances: Instances, cli: Cli
) -> None:
    arrived, typed = Event(), Event()

    def slow(path: str) -> None:
        arrived.set()
        assert typed.wait(PATIENCE)

    instances.staging.switches.answer = slow
    child = spawn("login", "staging")
    child.logfile_read = screen = StringIO()
    child.expect("API key for staging: ")
    child.sendline("omni_osk_0000000000000000")
    assert arrived.wait(PATIENCE)
    child.sendline(CANARY)
    typed.set()
    child.expect("try another key")
    child.expect("API key for staging: ")
    child.sendline(STAGING_KEY)
    rest, status = _end(child)
    assert status == 0, rest
    assert CANARY not in screen.getvalue()
    assert cli("token", "staging", shows=True).out == STAGING_KEY + "\n"


def test_init_without_a_key_logs_in_by_the_browser(spawn: Spawn, cli: Cli, file_store: None) -> None:
    child = spawn("init", "--name", "a", "--base-url", "https://a.omniapp.co", "--no-browser")
    child.expect_exact("API key for a (Enter alone: log in by the browser): ")
    child.sendline("")
    child.expect_exact("the session of `a` (https://a.omniapp.co) will be stored")
    assert tomllib.loads(cli.config.read_text())["profiles"]["a"]["auth"] == "oauth"


def test_init_asks_for_the_key_alone_where_the_method_was_given(spawn: Spawn, cli: Cli, file_store: None) -> None:
    child = spawn("init", "--name", "a", "--base-url", "https://a.omniapp.co", "--auth", "api-key")
    child.expect_exact("API key for a: ")
    child.sendline("")
    rest, status = _end(child)
    assert (status, "no key was given" in rest) == (4, True), rest


def test_ctrl_c_at_the_key_prompt_is_130_and_changes_nothing(spawn: Spawn, instances: Instances, cli: Cli) -> None:
    child = spawn("login", "staging")
    child.expect("API key for staging: ")
    child.sendintr()
    child.expect_exact("\r\nomniprofile: error: interrupted")
    rest, status = _end(child)
    assert status == 130, rest
    assert "Traceback" not in rest
    assert not (cli.state / "secrets.json").exists()
    assert not instances.staging.requests


def test_ctrl_d_at_the_key_prompt_causes_no_traceback(spawn: Spawn, instances: Instances, cli: Cli) -> None:
    child = spawn("login", "staging")
    child.expect("API key for staging: ")
    child.sendeof()
    rest, status = _end(child)
    assert status == 130
    assert "Traceback" not in rest


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("yes", 0), ("n", 6), ("", 6), ("maybe", 6)])
def test_a_protected_profile_asks_and_anything_but_yes_is_no(
    spawn: Spawn, two: Path, cli: Cli, answer: str, status: int
) -> None:
    child = spawn("use", "prod")
    child.expect(re.escape("[y/N] "))
    child.sendline(answer)
    _, ended = _end(child)
    assert ended == status
    assert (cli.state / "active").exists() == (status == 0)


def test_init_asks_for_what_is_missing(spawn: Spawn, cli: Cli, file_store: None) -> None:
    child = spawn("init", "--no-login")
    child.expect("profile name")
    child.sendline("play")
    child.expect("log in")
    child.sendline("https://play.omniapp.co/")
    rest, status = _end(child)
    assert status == 0, rest
    assert cli("current").out == "play\n"


def test_a_key_command_may_ask_on_the_terminal(spawn: Spawn, cli: Cli) -> None:
    script = "import getpass; print('k3y-' + getpass.getpass('PIN: '))"
    cli.profiles(
        f"""[profiles.a]
base_url = "https://a.omniapp.co"
key = {{ command = ["{sys.executable}", "-c", "{script}"] }}
"""
    )
    child = spawn("token", "a")
    child.expect("PIN: ")
    child.sendline("1234")
    rest, status = _end(child)
    assert status == 0, rest
    assert "k3y-1234" in rest


def test_colour_is_shown_on_a_terminal_and_not_with_no_color(spawn: Spawn, two: Path) -> None:
    plain, _ = _end(spawn("list"))
    assert "\x1b[" not in plain
    coloured, _ = _end(spawn("list", env={"NO_COLOR": ""}))
    assert "\x1b[" in coloured
    declined, _ = _end(spawn("list", env={"NO_COLOR": "", "CLICOLOR": "0"}))
    assert "\x1b[" not in declined


@pytest.mark.parametrize("answer", ["y", "n"])
def test_init_reports_a_missing_keyring_before_it_asks_anything(spawn: Spawn, cli: Cli, answer: str) -> None:
    child = spawn("init", "--name", "a", "--base-url", "https://a.omniapp.co")
    child.expect_exact("no usable OS keyring was found")
    child.expect_exact("store secrets in a file that only you can read (mode 0600) instead? [y/N] ")
    assert not cli.config.exists()
    child.sendline(answer)
    if answer == "n":
        child.expect(pexpect.EOF)
        assert not cli.config.exists()
        return
    child.expect_exact("will be stored in the file")
    child.expect_exact("API key for a (Enter alone: log in by the browser): ")
    child.sendintr()
    child.expect(pexpect.EOF)
    assert 'secret_store = "file"' in cli.config.read_text()


def test_add_asks_for_what_is_missing_and_for_nothing_else(spawn: Spawn, cli: Cli) -> None:
    child = spawn("add", "--description", "Staging")
    child.expect_exact("profile name, such as prod: ")
    child.sendline("")
    child.expect_exact("a name is needed")
    child.expect_exact("profile name, such as prod: ")
    child.sendline("My Staging")
    child.expect_exact("profile name [My-Staging]: ")
    child.sendline("")
    child.expect_exact("the address you use to log in, such as https://acme.omniapp.co: ")
    child.sendline("https://ACME-staging.omniapp.co/dashboards/17f?tab=1")
    child.expect_exact("using `https://acme-staging.omniapp.co`")
    rest, status = _end(child)
    assert status == 0, rest
    assert "next: `omniprofile login My-Staging`" in rest
    assert tomllib.loads(cli.config.read_text())["profiles"]["My-Staging"] == {
        "description": "Staging",
        "base_url": "https://acme-staging.omniapp.co",
    }


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("acme.omniapp.co", "https://acme.omniapp.co"),
        ("acme.omniapp.co/dashboards/1", "https://acme.omniapp.co"),
        ("Acme", "https://acme.omniapp.co"),
        ("https://acme.omniap.co", "https://acme.omniapp.co"),
        ("https://acme.omniapp.com/dashboards/1", "https://acme.omniapp.co"),
        ("http://acme.omniapp.co", "https://acme.omniapp.co"),
    ],
)
def test_the_address_that_was_meant_is_the_default_of_the_next_question(
    spawn: Spawn, cli: Cli, typed: str, offered: str
) -> None:
    child = spawn("add", "play")
    child.expect_exact("such as https://acme.omniapp.co: ")
    child.sendline(typed)
    child.expect_exact(f"the address you use to log in [{offered}]: ")
    child.sendline("")
    rest, status = _end(child)
    assert status == 0, rest
    assert tomllib.loads(cli.config.read_text())["profiles"]["play"] == {"base_url": offered}


def test_an_address_that_needs_more_than_an_answer_ends_the_questions(spawn: Spawn, cli: Cli) -> None:
    child = spawn("init")
    child.expect_exact("instead? [y/N] ")
    child.sendline("y")
    child.expect_exact("profile name")
    child.sendline("play")
    child.expect_exact("the address you use to log in")
    child.sendline("https://bi.acme.example")
    rest, status = _end(child)
    assert status == 6, rest
    assert 'add "bi.acme.example" to `allowed_hosts`' in rest
    assert not cli.config.exists()


@pytest.mark.parametrize(
    "given",
    [
        ["prod", "--instance", "acme"],
        ["prod", "--extends", "base"],
        ["prod", "--base-url", "https://prod.omniapp.co"],
        ["prod", "--base-url", "https://prod.omniapp.co", "--auth", "oauth"],
        ["prod", "--instance", "acme", "--key-env", "PROD_KEY"],
    ],
)
def test_add_asks_nothing_that_was_given(spawn: Spawn, cli: Cli, given: list[str]) -> None:
    cli.profiles('[instances.acme]\nbase_url = "https://acme.omniapp.co"\n[profiles.base]\ninstance = "acme"\n')
    rest, status = _end(spawn("add", *given))
    assert status == 0, rest
    assert "prod" in cli("list").out


def test_add_takes_the_address_of_the_defaults_for_given(spawn: Spawn, cli: Cli) -> None:
    cli.profiles('[defaults]\nbase_url = "https://acme.omniapp.co"\n')
    rest, status = _end(spawn("add", "prod"))
    assert status == 0, rest


def test_add_says_that_a_name_is_taken_before_it_asks_for_more(spawn: Spawn, two: Path) -> None:
    rest, status = _end(spawn("add", "staging"))
    assert (status, "already exists" in rest) == (2, True), rest


@pytest.mark.parametrize(
    "key",
    [CANARY, "omni_pat_0123456789", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl", "Zq8fT2xLw9Rb4Nc6Kd1Hs7Jv"],
)
def test_a_key_that_is_pasted_into_another_question_leaves_the_screen(cli: Cli, file_store: None, key: str) -> None:
    """Tried for every question and wrapping, on a screen."""
    terminal = Terminal([sys.executable, "-m", "omniprofile", "init"], {**os.environ, "TERM": "xterm"}, columns=66)
    try:
        for question, answer in (
            ("profile name, such as prod: ", "play"),
            ("such as https://acme.omniapp.co: ", "https://play.omniapp.co"),
        ):
            terminal.wait_for_line(question.split()[-1])
            terminal.type(key + "\n")
            terminal.see("that looks like a key")
            terminal.wait_for_line(question.split()[-1])
            assert key not in "".join(terminal.screen.split("\n"))
            terminal.type(answer + "\n")
        terminal.see("API key for play (Enter alone: log in by the browser):")
        assert key not in "".join(terminal.screen.split("\n"))
        assert key not in cli.config.read_text()
    finally:
        terminal.close()
