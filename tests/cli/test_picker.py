"""`use` without a name on a real terminal: the picker, its keys, the restored screen, and the simpler ways to choose."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.shells import START, install_program
from tests.cli.terminal import Terminal
from tests.conftest import CANARY, Cli

Spawn = Callable[..., Terminal]


@pytest.fixture
def use(two: Path) -> Iterator[Spawn]:
    """Start `omniprofile use` on a terminal."""
    started: list[Terminal] = []

    def start(
        *argv: str, env: dict[str, str] | None = None, columns: int = 80, rows: int = 24, program: tuple[str, ...] = ()
    ) -> Terminal:
        command = program or (sys.executable, "-m", "omniprofile", "use", *argv)
        environ = {**os.environ, "TERM": "xterm", **(env or {})}
        started.append(Terminal(command, environ, columns, rows))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()


def test_typing_filters_and_enter_takes(use: Spawn, cli: Cli) -> None:
    terminal = use()
    screen = terminal.see("profile>", "2 of 2   * current   ! protected", "esc: leave")
    assert "> *! prod     acme.omniapp.co          Production" in screen
    assert "     staging  acme-staging.omniapp.co" in screen
    assert "tab:" not in screen, "without the hook this shell cannot be switched"
    terminal.type("stag")
    assert "prod " not in terminal.see("profile> stag", "1 of 2", ">    staging")
    terminal.type("\r")
    assert terminal.end() == 0
    assert cli("current").out == "staging\n"
    assert terminal.restored
    assert "profile>" not in terminal.screen, "the first screen is as it was"


def test_arrows_move_and_a_protected_profile_still_asks(use: Spawn, cli: Cli) -> None:
    cli("use", "staging")
    terminal = use()
    terminal.see("> *  staging")
    terminal.type("\x1b[A")
    terminal.see(">  ! prod")
    terminal.type("\x1bOB")
    terminal.see("> *  staging")
    terminal.type("\x10\r")
    terminal.see("`prod` is protected (https://acme.omniapp.co). Really switch to it? [y/N]")
    terminal.type("y\r")
    assert terminal.end() == 0
    assert cli("current").out == "prod\n"


@pytest.mark.parametrize("key", ["\x1b", "\x03", "\x04"], ids=["esc", "ctrl-c", "ctrl-d"])
def test_leaving_changes_nothing_and_is_130(use: Spawn, cli: Cli, key: str) -> None:
    terminal = use()
    terminal.see("profile>")
    terminal.type("sta")
    terminal.see("1 of 2")
    terminal.type(key)
    assert terminal.end() == 130
    assert "nothing was changed" in terminal.screen
    assert not (cli.state / "active").exists()
    assert terminal.restored


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_gives_the_terminal_back_first(use: Spawn, cli: Cli, number: signal.Signals) -> None:
    terminal = use()
    terminal.see("profile>")
    assert not terminal.restored
    terminal.child.kill(number)
    assert terminal.end() == (130 if number is signal.SIGINT else -number)
    assert "\x1b[?1049l" in terminal.raw or "interrupted" in terminal.screen
    assert terminal.restored


def test_stopped_from_elsewhere_it_gives_the_terminal_back_and_goes_on(use: Spawn, cli: Cli) -> None:
    shell = use(program=("bash", "--norc", "-i"))
    shell.type(f"PS1='ready> '; '{sys.executable}' -m omniprofile use\r")
    shell.see("profile>")
    (child,) = Path(f"/proc/{shell.child.pid}/task/{shell.child.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGTSTP)
    shell.see("Stopped", "ready>")
    shell.type("fg\r")
    shell.see("profile>", "2 of 2")
    shell.type("\x1b")
    shell.see("nothing was changed")


def test_nothing_that_matches_cannot_be_taken(use: Spawn, cli: Cli) -> None:
    terminal = use()
    terminal.see("profile>")
    terminal.type("zzz\r")
    terminal.see("0 of 2", "nothing matches")
    terminal.type("\x15pro\r")
    terminal.see("Really switch to it?")
    terminal.type("n\r")
    assert terminal.end() == 6  # a no refuses; Ctrl-C interrupts


def test_the_window_may_change_its_size(use: Spawn) -> None:
    terminal = use(columns=120)
    terminal.see("enter: use it")
    terminal.resize(50, 8)
    screen = terminal.until(lambda screen: screen.count("\n") == 7 and "esc: leave" in screen, "eight lines")
    assert max(map(len, screen.splitlines())) <= 50


def test_a_thousand_profiles_scroll(use: Spawn, cli: Cli) -> None:
    cli.profiles(
        '[defaults]\nkey = { env = "K" }\n'
        + "".join(f'[profiles.c{number:04}]\nbase_url = "https://c{number:04}.omniapp.co"\n' for number in range(1000))
    )
    terminal = use(rows=12)
    terminal.see("1000 of 1000", ">    c0000")
    terminal.type("\x1b[6~")
    terminal.see(">    c0009")
    terminal.type("\x1b[F")
    terminal.see(">    c0999")
    terminal.type("c042")
    terminal.see("10 of 1000")
    terminal.type("\x1b[B\r")
    assert terminal.end() == 0
    assert cli("current").out == "c0421\n"


def test_erasing_brings_back_and_a_key_that_is_typed_is_not_shown(use: Spawn) -> None:
    terminal = use()
    terminal.see("2 of 2")
    terminal.type("prod stag")
    terminal.see("profile> prod stag", "0 of 2")
    terminal.type("\x17\x7f\x7f")
    terminal.see("profile> pro", "1 of 2")
    terminal.type(f"\x15{CANARY}")
    terminal.see("profile> " + "*" * len(CANARY), "nothing matches")
    assert CANARY[10:20] not in terminal.raw
    terminal.type("\x15")
    terminal.see("2 of 2")
    terminal.type("\x1b")
    assert terminal.end() == 130


def test_wide_and_right_to_left_texts_keep_the_columns(use: Spawn, cli: Cli) -> None:
    cli.profiles(
        '[profiles.tokyo]\ndescription = "東京オフィスのダッシュボード、本番環境、東京オフィスのダッシュボード"\n'
        'base_url = "https://tokyo.omniapp.co"\n'
        '[profiles.telaviv]\ndescription = "לוח המחוונים \\u202e"\nbase_url = "https://telaviv.omniapp.co"\n'
    )
    terminal = use()
    screen = terminal.see("東", "telaviv.omniapp.co  לוח המחוונים \\u202e")
    assert "enter: use it" in screen.splitlines()[-1], "no line was too wide and wrapped"


@pytest.mark.parametrize(
    ("env", "rows"), [({"TERM": "dumb"}, 24), ({"OMNIPROFILE_PICKER": "list"}, 24), ({}, 4)], ids=str
)
def test_a_dumb_or_small_terminal_has_a_plain_list(use: Spawn, cli: Cli, env: dict[str, str], rows: int) -> None:
    terminal = use(env=env, rows=rows)
    terminal.see("profile (number or name, empty to leave):")
    assert "\x1b" not in terminal.raw
    terminal.type("nothing-like-it\r")
    terminal.see("no profile matches")
    terminal.type("2\r")
    assert terminal.end() == 0
    assert "1  *  prod     acme.omniapp.co          [protected] Production" in terminal.raw
    assert cli("current").out == "staging\n"


@pytest.mark.parametrize("answer", ["\r", "\x03"], ids=["empty", "ctrl-c"])
def test_the_plain_list_is_left_with_nothing_changed(use: Spawn, cli: Cli, answer: str) -> None:
    terminal = use(env={"TERM": "dumb"})
    terminal.see("empty to leave")
    terminal.type(answer)
    assert terminal.end() == 130
    assert not (cli.state / "active").exists()


def test_fzf_is_used_where_it_is_wanted(use: Spawn, cli: Cli) -> None:
    assert shutil.which("fzf"), "tests/all installs it"
    terminal = use(env={"OMNIPROFILE_PICKER": "fzf", "FZF_DEFAULT_OPTS": "--print-query"})
    terminal.see("2/2", "acme-staging.omniapp.co")
    terminal.type("stag")
    terminal.see("1/2")
    terminal.type("\r")
    assert terminal.end() == 0
    assert cli("current").out == "staging\n"


def test_leaving_fzf_is_130(use: Spawn, cli: Cli) -> None:
    terminal = use(env={"OMNIPROFILE_PICKER": "fzf"})
    terminal.see("2/2")
    terminal.type("\x1b")
    assert terminal.end() == 130
    assert not (cli.state / "active").exists()


def test_a_missing_fzf_is_reported_and_not_required(use: Spawn, cli: Cli, tmp_path: Path) -> None:
    terminal = use(env={"OMNIPROFILE_PICKER": "fzf", "PATH": str(tmp_path)})
    terminal.see("profile>")
    terminal.type("stag\r")
    assert terminal.end() == 0
    assert "`fzf` not found on `PATH`" in terminal.screen


def test_another_picker_is_an_error_that_names_the_three(use: Spawn, cli: Cli) -> None:
    terminal = use(env={"OMNIPROFILE_PICKER": "rofi"})
    assert terminal.end() == 2
    assert "set it to `screen`, `fzf` or `list`" in terminal.screen


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_with_the_hook_tab_switches_this_shell_alone(use: Spawn, cli: Cli, tmp_path: Path, shell: str) -> None:
    programs = install_program(tmp_path)
    hook = tmp_path / "hook"
    hook.write_text(cli("hook", shell).out)
    terminal = use(
        program=(*START[shell], "-i"), env={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}, columns=120
    )
    terminal.wait_for_prompt()
    terminal.type(f". {hook}; clear; omniprofile use\r")
    terminal.see("tab: use it in this shell alone")
    terminal.type("stag\t")
    terminal.see("this shell now uses `staging` (https://acme-staging.omniapp.co); other shells are unchanged")
    assert not (cli.state / "active").exists()
    terminal.type("omniprofile use staging; echo '<'$OMNI_PROFILE'>'\r")
    terminal.see("<staging>")
    # Plain `use` offers the same if this shell would not see the switch.
    terminal.type("clear; omniprofile use prod --yes; echo '<'$OMNI_PROFILE'>'\r")
    terminal.see(
        "this shell does not see it: `OMNI_PROFILE` is set to `staging`", "switch this shell to it as well? [y/N]"
    )
    terminal.type("y\r")
    terminal.see("<prod>")
