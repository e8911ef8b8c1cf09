"""Tables: aligned for any letters, complete at any width, coloured only on terminals."""

import os

import pytest

from omniprofile.cli.render.tables import indented, table, width, wrapped
from omniprofile.cli.style import MARK
from tests.cli.terminal import spawn
from tests.conftest import CANARY, Cli


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("prod", 4),
        ("ステージング", 12),
        ("café", 4),
        ("cafe\u0301", 4),
        ("سطح المكتب", 10),
        ("👍", 2),
        ("👍🏽", 2),
        ("❤", 1),
        ("❤\ufe0f", 2),
        pytest.param(f"{MARK}1mprod{MARK}0m", 4, id="coloured"),
        ("", 0),
    ],
)
def test_a_width_is_what_a_terminal_takes(text: str, columns: int) -> None:
    assert width(text) == columns


def test_columns_are_aligned_whatever_the_letters() -> None:
    lines = table([["ステージ", "a"], ["cafe\u0301", "b"], [f"{MARK}1mx{MARK}0m", "c"]]).splitlines()
    assert {width(line[:-1]) for line in lines} == {10}
    assert not any(line.endswith(" ") for line in table([["a", ""], ["b", "c"]]).splitlines())


def test_a_masked_cell_keeps_the_columns_aligned() -> None:
    first, second = table([[CANARY, "one"], ["acme", "two"]]).splitlines()
    assert CANARY not in first
    assert first.index("one") == second.index("two")


def test_a_column_that_is_empty_everywhere_is_left_out() -> None:
    assert table([["", "a", "b"], ["", "c", "d"]]) == "a  b\nc  d\n"
    assert table([]) == ""


def test_in_a_pipe_nothing_is_broken() -> None:
    text = "word " * 100
    assert table([["name", text]]) == f"name  {text.rstrip()}\n"
    assert indented(text.rstrip(), None) == f"    {text.rstrip()}\n"


def test_on_a_terminal_the_last_cell_goes_on_in_its_column_and_no_word_is_lost_or_cut() -> None:
    path = "/a/very/long/path/that/one/must/copy/profiles.toml:12"
    text = f"one two three four five six seven eight {path} nine"
    for columns in (30, 40, 60, 80, 200):
        shown = table([["name", text], ["longer", "x"]], columns=columns)
        assert shown.split() == ["name", *text.split(), "longer", "x"]
        assert path in shown
        for line in shown.splitlines():
            assert width(line) <= columns or line.strip() == path


def test_a_wrapped_cell_keeps_its_colour_on_every_line() -> None:
    lines = wrapped(f"{MARK}2mone two three{MARK}0m", 5)
    assert lines == [f"{MARK}2m{word}{MARK}0m" for word in ("one", "two", "three")]


PROFILES = """\
default = "prod"

[profiles.prod]
description = "ステージング環境 (日本) for the analytics team and everybody who tries new models before they are released"
base_url = "https://acme.omniapp.co"
protected = true
key = { env = "PROD_KEY" }

[profiles.the-playground-of-the-consultants]
description = "سطح المكتب"
base_url = "https://the-playground-of-the-consultants.omniapp.co"
key = { command = ["op", "read", "op://Work/Omni staging/credential"] }
"""


def test_a_column_of_marks_stays_one_where_rows_are_folded() -> None:
    rows = [["*", "prod", "https://acme.omniapp.co", "x"], ["", "staging", "https://acme-staging.omniapp.co", "x"]]
    shown = table(rows, ["", "NAME", "INSTANCE", "AUTH"], columns=30)
    starts = [line.index(name) for line in shown.splitlines() for name in ("prod", "staging") if f"  {name}" in line]
    assert starts == [3, 3], shown


@pytest.mark.parametrize("command", [["explain", "prod"], ["lint"], ["doctor", "--offline"], ["add", "prod"]])
@pytest.mark.parametrize("no_color", ["1", ""], ids=["plain", "coloured"])
def test_paths_are_short_on_a_terminal_alone(command: list[str], no_color: str, cli: Cli) -> None:
    cli.profiles(
        PROFILES.replace("[profiles.prod]", "[instances.unused]\nbase_url = 'https://a.omniapp.co'\n[profiles.prod]")
    )
    environ = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm"}
    child = spawn(*command, env=environ, dimensions=(50, 300))
    shown = child.read()
    child.close()
    assert "~/.config/omniprofile" in shown
    assert str(cli.home) not in shown
    ran = cli(*command)
    assert str(cli.config.parent) in ran.out + ran.err


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", [["list"], ["explain", "the-playground-of-the-consultants"], ["show"]])
def test_screens_fit_a_terminal(command: list[str], columns: int, cli: Cli) -> None:
    cli.profiles(PROFILES)
    child = spawn(*command, dimensions=(50, columns))
    shown = child.read()
    child.close()
    assert child.exitstatus == 0, shown
    assert "ステージング環境" in shown or command[0] == "explain"
    for line in shown.splitlines():
        assert width(line) <= columns, line


@pytest.mark.parametrize("given", ["0", "-3", "x", "9" * 30, "9" * 5000])
def test_an_invalid_width_is_ignored(given: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.profiles(PROFILES)
    monkeypatch.setenv("COLUMNS", given)
    child = spawn("list", dimensions=(50, 80))
    shown = child.read()
    child.close()
    assert child.exitstatus == 0, shown
    assert all(width(line) <= 80 for line in shown.splitlines())
