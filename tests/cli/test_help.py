"""`--help`: groups on the first screen, a paragraph, examples that parse, existing exit statuses, at any width."""

import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from omniprofile.cli import exit_statuses
from omniprofile.cli.parser import load, parse
from omniprofile.cli.registry import COMMANDS
from tests.programs import run_program

NAMES = [command.name for command in COMMANDS]
HELP = {command.name: load(command).HELP for command in COMMANDS}


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return the help screen of a command, or of the program, at a width."""

    def show(*name: str, columns: int = 80) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit):
            parse([*name, "--help"])
        return capsys.readouterr().out

    return show


def test_the_first_screen_groups_every_command(screen: Callable[..., str]) -> None:
    out = screen()
    sections = {
        title: body.splitlines() for title, body in re.findall(r"^([a-z ,]+):\n((?:  .*\n)+)", out, re.MULTILINE)
    }
    for command in COMMANDS:
        assert any(line.split()[0] == command.name for line in sections[command.group]), command.name
    assert next(iter(sections)) == "everyday"
    assert list(sections)[-2:] == ["options", "examples"]
    assert "man omniprofile" in out
    assert "positional" not in out


def test_the_manual_is_named_as_it_can_be_read(
    screen: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`man` searches beside the folders of PATH, where a tool installer may link only the command."""
    page = tmp_path / "tool" / "share" / "man" / "man1" / "omniprofile-use.1"
    page.parent.mkdir(parents=True)
    page.write_text(".TH OMNIPROFILE-USE 1\n.SH NAME\nuse \\- found by its folder\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "tool"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    line = re.findall("`(man [^`]*)`", screen("use"))[0]
    assert line == f"man -M {tmp_path / 'tool' / 'share' / 'man'} omniprofile-use"
    if shutil.which("man"):
        shown = run_program(["sh", "-c", line], check=True)
        assert "found by its folder" in shown.stdout
    monkeypatch.setenv("PATH", str(tmp_path / "tool" / "bin"))
    assert "`man omniprofile-use`" in screen("use")


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_a_paragraph_and_two_examples(name: str) -> None:
    assert len(HELP[name].description) > 60
    assert len(HELP[name].examples) >= 2
    for paragraph in HELP[name].description.split("\n\n"):
        assert paragraph.endswith("."), paragraph


@pytest.mark.parametrize("line", [line for name in NAMES for line, _ in HELP[name].examples])
def test_every_example_is_accepted_by_the_parser(line: str) -> None:
    """Commands are found in pipes and substitutions too; a shell expansion counts as one word."""
    calls = re.findall(r'(?:^|[|(] ?|\s)omniprofile ((?:[^|)<>"]|"[^"]*")+)', line)
    assert calls, line
    for call in calls:
        parse(shlex.split(call))


@pytest.mark.parametrize("name", NAMES)
def test_the_statuses_and_the_commands_that_help_names_exist(name: str) -> None:
    known = {value for value in vars(exit_statuses).values() if isinstance(value, int)}
    statuses = [status for status, _ in HELP[name].exits]
    assert set(statuses) <= known
    assert statuses == sorted(statuses)
    assert set(HELP[name].see) <= set(NAMES)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", ["", "exec", "init", "test"])
def test_help_keeps_to_the_width_and_breaks_nothing_that_is_typed(
    screen: Callable[..., str], name: str, columns: int
) -> None:
    out = screen(*filter(None, [name]), columns=columns)
    typed = [line for line, _ in HELP[name].examples] if name else []
    for line in out.splitlines():
        assert len(line) <= columns or line.strip() in typed or line.startswith("usage: omniprofile exec"), line
    for line in typed:
        assert line in out


def test_help_of_a_command_shows_examples_and_statuses(screen: Callable[..., str]) -> None:
    out = screen("exec")
    assert "examples:\n  omniprofile exec staging -- omni whoami whoami\n      the vendor's CLI\n" in out
    assert re.search(r"^exit status:\n  4  ", out, re.MULTILINE)
    assert "man omniprofile-exec" in out


def test_a_hidden_command_without_examples_has_no_heading_for_them(screen: Callable[..., str]) -> None:
    assert "examples:" not in screen("__complete")
    assert "examples:" in screen("status")
