"""A bug in the program: one line, a report that can be sent unchanged, and no secret in either."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from omniprofile.cli.crash import report_lines
from omniprofile.errors import KeySourceFailed
from tests.conftest import CANARY
from tests.programs import run_program

_FORCED = """\
import sys
from omniprofile.cli import main
from omniprofile.cli.commands import current

def run(args, app, console):
    secret = app.environment.environ["THE_SECRET"]
    try:
        raise ValueError(secret)
    except ValueError as problem:
        raise RuntimeError(f"it was {secret}") from problem

current.run = run
sys.exit(main.run())
"""


def _crash(*argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_program([sys.executable, "-c", _FORCED, *argv], env={**os.environ, "THE_SECRET": CANARY, **variables})


def test_a_bug_prints_one_line_and_the_path_of_a_report_that_only_the_user_can_read() -> None:
    ran = _crash("current", "-p", CANARY)
    assert ran.returncode == 1
    error, hint = ran.stderr.splitlines()
    assert error.startswith("omniprofile: error: unexpected RuntimeError at __main__:")
    path = Path(hint.split("`")[1])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    report = path.read_text()
    assert "command: omniprofile current -p …" in report
    assert "RuntimeError\ncaused by:\n" in report
    assert report.endswith("ValueError\n")
    assert f"Python {sys.version.split()[0]}" in report
    assert CANARY not in report + ran.stdout + ran.stderr


def test_a_bug_is_reported_as_json_where_json_was_asked_for() -> None:
    ran = _crash("current", "--json")
    error = json.loads(ran.stdout)["error"]
    assert error["code"] == "unexpected"
    assert "crash-report.txt" in error["hint"]


def test_the_second_v_shows_the_frames_without_what_they_held() -> None:
    ran = _crash("-v", "-v", "current")
    assert "in run" in ran.stderr
    assert "ValueError" in ran.stderr
    assert CANARY not in ran.stderr


def test_where_no_report_can_be_written_the_message_says_what_to_do_instead() -> None:
    ran = _crash("current", OMNIPROFILE_STATE_DIR="/dev/null/state")
    assert ran.returncode == 1
    assert "report what the same command prints with `-v -v`" in ran.stderr


def test_a_report_has_the_programs_own_words_and_nothing_that_a_user_typed() -> None:
    words = ["--config=/home/me", "exec", "secret-name", "-y", "--token-file", "/path", "--", "list", "--password", "x"]
    lines = list(report_lines(KeySourceFailed("the key of `prod` is empty"), words, "now"))
    assert lines[1] == "command: omniprofile --config=… exec … -y --token-file … -- … … …"
    assert lines[-1] == "KeySourceFailed: the key of `prod` is empty"


def test_a_library_that_cannot_be_loaded_is_not_reported_as_a_bug(tmp_path: Path) -> None:
    """The cause is a broken installation, or too little memory to map a library's code."""
    (tmp_path / "tomlkit.py").write_text("raise ImportError('failed to map segment', name='tomlkit')\n")
    ran = run_program(
        [sys.executable, "-m", "omniprofile", "add", "a", "--base-url", "https://a.omniapp.co"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("omniprofile: error: the library `tomlkit` cannot be loaded: failed to map segment\n")
    assert "hint: install omniprofile again" in ran.stderr
    assert not list(tmp_path.rglob("crash-report.txt"))
