"""`exec` without a command: a shell, but only on a terminal."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import PRODUCTION_KEY, STAGING_KEY
from tests.cli.terminal import Terminal
from tests.conftest import Cli

SHELL = (
    '#!/bin/sh\nprintf "%s " in shell $# "$OMNI_PROFILE" "${OMNI_API_TOKEN#?????????}" "<$OMNIPROFILE_HOOK>"\nexit 7\n'
)


@pytest.fixture
def terminal(tmp_path: Path, two: Path) -> Iterator[Callable[..., Terminal]]:
    """Run omniprofile on a terminal, with a shell that prints its credential and exits with 7."""
    shell = tmp_path / "my shell"
    shell.write_text(SHELL)
    shell.chmod(0o755)
    opened: list[Terminal] = []

    def run(*argv: str, **environ: str) -> Terminal:
        env = {**os.environ, "SHELL": str(shell), "OMNIPROFILE_HOOK": "bash", "TERM": "xterm", **environ}
        opened.append(Terminal([sys.executable, "-m", "omniprofile", *argv], env, columns=200))
        return opened[-1]

    yield run
    for each in opened:
        each.close()


@pytest.mark.parametrize(
    "argv", [("exec", "staging"), ("exec", "staging", "--"), ("-p", "staging", "exec", "--for", "2h")]
)
def test_on_a_terminal_exec_without_a_command_is_the_person_s_shell(
    terminal: Callable[..., Terminal], argv: tuple[str, ...]
) -> None:
    shell = terminal(*argv)
    shell.see(f"in shell 0 staging {STAGING_KEY[9:]} <>", "`staging`", "until it ends")
    assert shell.end() == 7


def test_without_a_shell_of_their_own_a_person_gets_the_system_s(terminal: Callable[..., Terminal]) -> None:
    shell = terminal("-q", "exec", "staging", SHELL="", PS1="ready> ")
    shell.see("ready>")
    shell.type('echo "it is $OMNI_PROFILE"; exit 3\r')
    shell.see("it is staging")
    assert "until it ends" not in shell.screen
    assert shell.end() == 3


def test_a_shell_with_a_protected_profile_is_asked_for(terminal: Callable[..., Terminal]) -> None:
    shell = terminal("exec", "prod")
    shell.see("`prod` is protected", "Really run `")
    shell.type("y\r")
    shell.see(f"in shell 0 prod {PRODUCTION_KEY[9:]}")
    assert shell.end() == 7


@pytest.mark.parametrize("argv", [("exec",), ("exec", "staging"), ("exec", "staging", "--"), ("exec", "--yes")])
def test_without_a_terminal_a_command_must_be_given(cli: Cli, two: Path, argv: tuple[str, ...]) -> None:
    ran = cli(*argv)
    assert (ran.status, ran.out) == (2, "")
    assert "-- COMMAND`" in ran.err
