"""stdin, stdout and stderr in bad states: closed in every combination, full, without a reader, slow.

Every command of the registry runs with each of them, in a real process: no traceback; the exit status is the usual one, or 1
if output could not be written; and output for one stream never goes to the other.
A run of the tests takes a sample; `OMNIPROFILE_TEST_SWEEP=all` takes every command with every form.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from omniprofile.cli.registry import COMMANDS, HIDDEN
from tests import warm
from tests.conftest import CANARY, Cli
from tests.programs import run_program
from tests.sampling import WHOLE, sample

pytestmark = [
    pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here"),
    pytest.mark.usefixtures("profiles"),
]

SAMPLE = 14

LINES: dict[str, list[tuple[str, ...]]] = {
    "use": [("use", "a"), ("use", "-"), ("use",), ("use", "--shell", "a"), ("use", "b", "--json")],
    "current": [("current",), ("current", "--json"), ("current", "-p", "none")],
    "list": [("list",), ("list", "--json")],
    "open": [("open", "--print")],
    "each": [("each", "a", "b", "-j", "1", "--", "echo", "x"), ("each", "a", "--json", "--", "echo", "x")],
    "log": [("log",), ("log", "--json")],
    "gateway": [("gateway", "--help")],  # it stays until its terminal ends
    "show": [("show",), ("show", "--json")],
    "explain": [("explain",), ("explain", "--json")],
    "env": [("env",), ("env", "a", "--shell", "json")],
    "exec": [("exec", "--", "true"), ("exec", "a", "--", "no-such-command")],
    "token": [("token",), ("token", "--json"), ("token", "none")],
    "login": [("login", "s", "--no-test")],
    "logout": [("logout", "s")],
    "init": [("init",), ("init", "--name", "n", "--base-url", "https://n.omniapp.co", "--no-login")],
    "add": [("add", "c", "--base-url", "https://c.omniapp.co"), ("add", "c", "--extends", "a", "--diff")],
    "set": [("set", "a", "description", "x"), ("set", "a", "description", "x", "--diff")],
    "unset": [("unset", "a", "description", "--diff")],
    "rename": [("rename", "a", "z")],
    "remove": [("remove", "b"), ("remove", "b", "--yes")],
    "edit": [("edit",)],
    "lint": [("lint",), *[("lint", "--format", kind) for kind in ("json", "sarif", "github")]],
    "test": [("test", "t"), ("test", "t", "--json")],
    "doctor": [("doctor", "--offline"), ("doctor", "--offline", "--json")],
    "import": [("import", "omni-cli"), ("import", "dotenv")],
    "export": [("export", "omni-cli", "--dry-run")],
    "schema": [("schema",)],
    "completion": [("completion", "bash")],
    "hook": [("hook", "zsh")],
    "demo": [("demo", "--help")],  # the tour itself is long, and runs the commands above
    "status": [("status",), ("status", "--json")],
    "__complete": [("__complete", "profiles"), ("__complete", "commands")],
    "": [(), ("--help",), ("--version",), ("use", "--help"), ("nonsense",), ("--json",)],
}
CLOSED = [closed for length in (1, 2, 3) for closed in itertools.combinations((0, 1, 2), length)]
FORMS = [" ".join(f"{number}>&-" for number in closed) for closed in CLOSED]
FORMS += [">/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full", ">/dev/full 2>&-", ">&- 2>/dev/full"]


@pytest.fixture(autouse=True)
def buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffer output as for users, because buffered output can fail at the very end."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.fixture
def profiles(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile with a key in a file, one with a key in a variable, one with none, and one whose instance cannot be reached."""
    key = cli.home / "key"
    key.write_text(CANARY)
    key.chmod(0o600)
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")
    monkeypatch.setenv("K", CANARY)
    cli.profiles(
        'version = 1\ndefault = "a"\n'
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = {{ file = "{key}" }}\n'
        '[profiles.b]\nbase_url = "https://b.omniapp.co"\nkey = { env = "K" }\n'
        '[profiles.s]\nbase_url = "https://s.omniapp.co"\n'
        '[profiles.t]\nbase_url = "https://127.0.0.1:1"\nkey = { env = "K" }\n'
        '[settings]\nallowed_hosts = ["127.0.0.1"]\n'
    )


def test_every_command_is_in_the_table() -> None:
    assert set(LINES) - {""} == {command.name for command in (*COMMANDS, *HIDDEN)}


def _run(line: tuple[str, ...], form: str) -> "subprocess.CompletedProcess[str]":
    return run_program(["sh", "-c", f'exec "$@" {form}', "sh", sys.executable, "-m", "omniprofile", *line])


def _cases() -> list[tuple[tuple[str, ...], str]]:
    cases = [(line, form) for lines in LINES.values() for line in lines for form in FORMS]
    return sample(cases, SAMPLE, "streams")


def test_no_stream_makes_a_command_fail_otherwise_than_documented(cli: Cli) -> None:
    before = cli.home.with_name("before")
    shutil.copytree(cli.home, before)
    for line, form in _cases():
        shutil.rmtree(cli.home)
        shutil.copytree(before, cli.home)
        well = warm.run(*line)
        shutil.rmtree(cli.home)
        shutil.copytree(before, cli.home)
        ran = _run(line, form)
        shown = f"{line} {form}: {ran.returncode}\n{ran.stdout}{ran.stderr}\n{well}"
        mute = bool(well.stdout) and any(part.startswith((">", "1>")) for part in form.split())
        fails = "omniprofile: error: " in well.stderr  # as JSON on stdout, too: the status stays
        assert ran.returncode == (1 if mute and not fails else well.returncode), shown
        out, expected = (re.sub(r'(?<=_ms": )[\d.]+', "0", each.stdout) for each in (ran, well))
        assert out == ("" if mute else expected), shown
        for word in ("Traceback", "this is a bug", "Exception ignored", CANARY):
            assert word not in ran.stderr, shown


def test_a_closed_stdout_is_not_an_error_if_nothing_is_printed(cli: Cli) -> None:
    ran = _run(("lint",), ">&-")
    assert (ran.returncode, ran.stderr) == (0, "omniprofile: 1 file checked: no errors, no warnings\n")


@pytest.mark.parametrize(
    "line",
    [
        ("token", "a"),  # the fast path, the full one, argparse's two ways to print
        ("current", "--json"),
        ("--help",),
        ("use", "--help"),
        *([("env", "b"), ("__complete", "profiles"), ("list",), ("--version",)] if WHOLE else []),
    ],
    ids=" ".join,
)
def test_output_that_cannot_be_written_is_a_failure_that_says_so(line: tuple[str, ...]) -> None:
    full = _run(line, ">/dev/full")
    assert (full.returncode, full.stdout) == (1, "")
    assert full.stderr == "omniprofile: error: the output cannot be written: no space left on device\n"
    closed = _run(line, ">&-")
    assert (closed.returncode, closed.stderr) == (
        1,
        "omniprofile: error: the output cannot be written: stdout is closed\n",
    )
    deaf = _run(line, ">/dev/full 2>/dev/full")
    assert (deaf.returncode, deaf.stdout, deaf.stderr) == (1, "", "")


@pytest.mark.parametrize("line", [("current",), ("token", "a"), ("list",), ("lint",), ("use", "a"), ("none",)])
def test_a_full_stderr_changes_no_status_and_no_output(line: tuple[str, ...]) -> None:
    well, deaf = warm.run(*line), _run(line, "2>/dev/full")
    assert (deaf.returncode, deaf.stdout) == (well.returncode, well.stdout)


@pytest.mark.parametrize(
    "line", [("schema",), ("token", "a"), ("current",), ("completion", "bash"), ("--help",)], ids=" ".join
)
def test_a_reader_that_goes_away_ends_it_in_silence(line: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    gone = subprocess.run(
        [sys.executable, "-m", "omniprofile", *line],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert (gone.returncode, gone.stderr) == (141, "")


def test_head_gets_its_line() -> None:
    ran = run_program(["bash", "-c", '"$0" -m omniprofile schema | head -1; echo "${PIPESTATUS[0]}"', sys.executable])
    first, status = ran.stdout.splitlines()
    assert (first, ran.stderr) == ("{", "")
    assert status in ("0", "141")


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("line", [("schema",), ("token", "a"), ("--help",)], ids=" ".join)
def test_a_pipe_that_does_not_wait_and_is_full_gets_all_of_it(
    line: tuple[str, ...], unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parent that reads without blocking leaves the pipe non-blocking: a write fails with "try again" instead of waiting."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    read, write = os.pipe()
    os.set_blocking(write, False)
    filled = 0
    with suppress(BlockingIOError):
        while True:
            filled += os.write(write, b"." * 4096)
    running = subprocess.Popen(
        [sys.executable, "-m", "omniprofile", *line], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    parts: list[bytes] = []

    def drink() -> None:
        while part := os.read(read, 512):
            parts.append(part)

    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(0.5)
    drinking = threading.Thread(target=drink)
    drinking.start()
    _, err = running.communicate(timeout=60)
    drinking.join(60)
    os.close(read)
    assert (running.returncode, err) == (0, "")
    assert b"".join(parts)[filled:].decode() == warm.run(*line).stdout
