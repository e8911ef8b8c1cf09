"""The program as a whole: help, usage errors, JSON errors, bugs, broken pipes, closed streams."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import omniprofile
import omniprofile.__main__
from omniprofile import errors
from omniprofile.app import App
from omniprofile.cli import exit_statuses
from omniprofile.cli.registry import COMMANDS
from tests.conftest import CANARY, Cli
from tests.programs import run_program

Process = Callable[..., subprocess.CompletedProcess[str]]


def test_version(process: Process) -> None:
    assert process("--version").stdout == f"omniprofile {omniprofile.__version__}\n"


def test_an_older_python_gets_an_error_with_the_required_version() -> None:
    """The installed script runs with any Python that its first line finds, such as macOS's 3.9."""
    program = "import sys, runpy; sys.version_info = (3, 9, 6); runpy.run_path(sys.argv[1], run_name='__main__')"
    argv = [sys.executable, "-c", program, omniprofile.__main__.__file__]
    ran = run_program(argv)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert (
        ran.stderr == "omniprofile: error: Python 3.11 or newer is needed, and this is " + sys.version.split()[0] + "\n"
    )


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_has_help(process: Process, command: str) -> None:
    ran = process(command, "--help")
    assert ran.returncode == 0, ran.stderr
    assert f"omniprofile {command}" in ran.stdout


def test_help_lists_every_command(process: Process) -> None:
    out = process("--help").stdout
    assert all(command.name in out for command in COMMANDS)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["lits"], "did you mean `list`"),
        (["list", "--jsn"], "unknown option `--jsn`"),
        (["env", "--shell", "tcsh"], "the value of `--shell` must be `bash`"),
        (["token", "a", "-p", "b"], "two profiles are named"),
        (["token", ""], "empty"),
        (["test", "--timeout", "-1"], "a number of seconds"),
        (["test", "--timeout", "nan"], "a number of seconds"),
        (["token", "--base-url", ""], "empty"),
    ],
)
def test_wrong_usage_is_exit_2_with_one_error_and_a_hint(cli: Cli, argv: list[str], says: str) -> None:
    ran = cli(*argv, status=2)
    assert ran.err.startswith("omniprofile: error: ")
    assert says in ran.err
    assert ran.out == ""


def test_no_option_takes_a_token() -> None:
    from omniprofile.cli.parser import command_parser

    for command in COMMANDS:
        options = [option for action in command_parser(command).arguments for option in action.option_strings]
        assert "--config" in options
        assert not {"--token", "--key", "--api-key", "--password"} & set(options), command


def test_json_errors_have_the_documented_shape_and_stderr_says_it_too(cli: Cli) -> None:
    ran = cli("show", "gone", "--json", status=5)
    error = json.loads(ran.out)["error"]
    assert error["code"] == "no-such-profile"
    assert ran.err.startswith(f"omniprofile: error: {error['message']}\nhint: {error['hint']}\n")


def test_every_error_has_a_code_and_one_exit_status() -> None:
    def family(kind: type[errors.Error]) -> list[type[errors.Error]]:
        return [kind, *(deeper for child in kind.__subclasses__() for deeper in family(child))]

    kinds = [kind for kind in family(errors.Error) if kind.__module__ == "omniprofile.errors"]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    for kind in kinds[1:]:
        assert any(issubclass(kind, listed) for listed, _ in exit_statuses.STATUSES), (
            f"{kind.__name__} has no exit status"
        )


def test_a_bug_is_one_line_without_a_traceback_and_without_its_text(
    cli: Cli, two: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(self: App, *args: object, **kwargs: object) -> None:
        raise KeyError(CANARY)

    monkeypatch.setattr(App, "select", broken)
    with pytest.raises(AssertionError, match="this is a bug"):
        cli("current")
    with pytest.raises(AssertionError) as caught:
        cli("-v", "-v", "current")
    assert CANARY not in str(caught.value)


def test_a_vanished_reader_causes_no_traceback(two: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [sys.executable, "-m", "omniprofile", "list"], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert ran.returncode == exit_statuses.BROKEN_PIPE
    assert ran.stderr == ""


def test_a_full_disk_is_an_error_not_a_lie(two: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "omniprofile", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ran.returncode == 1
    assert "omniprofile: error: the output cannot be written" in ran.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_survived(two: Path, closed: str) -> None:
    line = f'"{sys.executable}" -m omniprofile use staging {closed}'
    ran = run_program(["bash", "-c", line], check=True)
    assert "Traceback" not in ran.stderr


def test_a_working_directory_that_is_gone_is_survived(two: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    line = f'mkdir "{gone}" && cd "{gone}" && rmdir "{gone}" && "{sys.executable}" -P -m omniprofile current'
    ran = run_program(["bash", "-c", line])
    assert (ran.returncode, ran.stdout) == (0, "prod\n"), ran.stderr


def test_quiet_keeps_errors_and_drops_notes(cli: Cli, two: Path) -> None:
    assert cli("-q", "use", "staging").err == ""
    assert cli("use", "staging", "-q").err == ""
    assert "omniprofile: error:" in cli("-q", "use", "gone").err


def test_colour_obeys_no_color_and_never_goes_into_a_pipe(process: Process, two: Path) -> None:
    assert "\x1b" not in process("list", env={"NO_COLOR": "", "TERM": "xterm-256color"}).stdout


def test_an_explicit_config_that_is_missing_is_exit_3(cli: Cli) -> None:
    ran = cli("--config", "/nowhere/profiles.toml", "list", status=3)
    assert "/nowhere/profiles.toml" in ran.err
    assert cli("list", env={"OMNIPROFILE_CONFIG": "/nowhere/p.toml"}).status == 3


def test_any_command_with_an_invalid_file_is_exit_3_with_place_and_hint(cli: Cli) -> None:
    file = cli.profiles('version = 1\n[profiles.a]\nbase_url = "https://a.omniapp.co"\nprotectd = true\n')
    for argv in (("list",), ("current",), ("token", "a"), ("use", "a"), ("env", "a"), ("show",), ("test", "a")):
        ran = cli(*argv, status=3)
        assert f"{file}:4:" in ran.err
        assert "protected" in ran.err


def test_control_characters_of_a_file_never_reach_the_terminal(cli: Cli) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\ndescription = "\\u001b]0;owned\\u0007\\u202e"\n')
    ran = cli("list", status=0)
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


def test_lint_prints_file_line_column_code_message(cli: Cli) -> None:
    file = cli.profiles('version = 1\n[profiles.a]\nbase_url = "https://a.omniapp.co"\n  protectd = true\n')
    ran = cli("lint", status=1)
    first, *rest = ran.out.splitlines()
    place, code, _ = first.split(" ", 2)
    assert place == f"{file}:4:3:"
    assert code.startswith("OP")
    assert rest == ["    4 |   protectd = true", "      |   ^^^^^^^^", "    did you mean `protected`?"]


def test_lint_json_has_the_documented_keys(cli: Cli) -> None:
    file = cli.profiles(f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = "{CANARY}"\n')
    ran = cli("lint", "--format", "json", status=1)
    (finding,) = json.loads(ran.out)["findings"]
    assert set(finding) == {"file", "line", "column", "code", "level", "message", "suggestion"}
    assert finding["file"] == str(file)
    assert (finding["line"], finding["level"]) == (3, "error")


def test_lint_of_named_files_needs_no_profile_file(cli: Cli) -> None:
    good = cli.work / "good.toml"
    good.write_text('[profiles.a]\nbase_url = "https://a.omniapp.co"\n')
    assert cli("lint", str(good)).status == 0
    assert cli("lint", "gone.toml").status == 1


def test_schema_is_json(cli: Cli) -> None:
    schema = json.loads(cli("schema").out)
    assert schema["$schema"].startswith("https://json-schema.org/")


def test_demo_shows_everything_and_touches_nothing_of_the_users(process: Process, cli: Cli) -> None:
    ran = process("demo", env={"OMNI_PROFILE": "mine", "OMNI_API_TOKEN": CANARY}, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for words in (
        "did you mean `instance`?",
        "accepts the key",
        "is now `staging`",
        "by one refresh",
        "gateway: 403",
        "were revoked",
    ):
        assert words in ran.stdout
    assert "127.0.0.1" not in ran.stdout.replace("http://127.0.0.1", "", 1), "real addresses, but for the gateway's"
    assert 40 <= len(ran.stdout.splitlines()) <= 65
    assert [path for path in cli.home.rglob("*") if path.is_file()] == []


def test_a_profile_named_like_a_command_is_not_a_command(cli: Cli) -> None:
    ran = cli("-p", "token", "list", "--json", "--no-such-option", status=2)
    assert json.loads(ran.out)["error"]["code"] == "usage"
