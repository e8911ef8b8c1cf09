"""Protected profiles: asked, refused or warned, by command, selection, terminal, `--yes` and `-q`."""

import io
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

from omniprofile.cli.main import main
from omniprofile.credentials.confirmations import FILE
from omniprofile.system.environment import Environment
from tests.conftest import CANARY, Cli
from tests.programs import run_program

HOST = "http://127.0.0.1:9"
"""An address where nothing listens."""
PROFILES = f"""\
DEFAULT
[profiles.prod]
base_url = "{HOST}"
allow_insecure = true
key = {{ env = "PROD_KEY" }}
protected = true

[profiles.staging]
base_url = "http://127.0.0.1:10"
allow_insecure = true
key = {{ env = "STAGING_KEY" }}
"""

COMMANDS: dict[str, dict[str, tuple[list[str], int | None, bool | None]]] = {
    # the table's name: the command line, its status if allowed, whether it requires NAME
    "run": {"use": ([], 0, True), "exec": (["--", "no-such-program"], 127, False)},
    "delete": {"logout": ([], 0, False), "remove": ([], 0, True)},
    "give": {"token": ([], 0, False), "env": (["--shell", "bash"], 0, False), "login": ([], 2, False)},
    "show": {
        "list": ([], 0, None),
        "current": ([], 0, None),
        "show": ([], 0, False),
        "explain": (["--json"], 0, False),
        "test": ([], 7, False),
        "doctor": (["--offline"], None, None),
    },
}
SELECTIONS = ("named", "variable", "state", "default", "pin")


class _Stream(io.TextIOWrapper):
    """A stream that claims to be a terminal, or not."""

    def __init__(self, content: str, *, terminal: bool) -> None:
        super().__init__(io.BytesIO(content.encode()), encoding="utf-8", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


@dataclass(frozen=True)
class Done:
    status: int
    err: str


def run(*argv: str, answer: str | None = None) -> Done:
    """Run a command line in this process; on a terminal, with `answer` typed."""
    stdin = _Stream(f"{answer or ''}\n", terminal=answer is not None)
    stdout, stderr = _Stream("", terminal=False), _Stream("", terminal=answer is not None)
    environment = Environment(os.environ, str(Path.cwd()), sys.platform, stdin, stdout, stderr, os.getuid())
    status = main(argv, environment)
    return Done(status, stderr.text())


@pytest.fixture
def select(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Select `prod` in one of the SELECTIONS; return the words that name it on the command line."""
    monkeypatch.setenv("PROD_KEY", CANARY + "P")
    monkeypatch.setenv("STAGING_KEY", CANARY + "S")
    pin = cli.work / ".omniprofile.toml"

    def by(how: str) -> list[str]:
        cli.profiles(PROFILES.replace("DEFAULT", 'default = "prod"' if how == "default" else ""))
        monkeypatch.delenv("OMNI_PROFILE", raising=False)
        pin.unlink(missing_ok=True)
        cli.state.mkdir(mode=0o700, exist_ok=True)
        (cli.state / "active").write_text("prod\n" if how == "state" else "")
        (cli.state / FILE).unlink(missing_ok=True)
        if how == "variable":
            monkeypatch.setenv("OMNI_PROFILE", "prod")
        if how == "pin":
            pin.write_text('profile = "prod"\n')
        return ["prod"] if how == "named" else []

    return by


def _expected(use: str, how: str, answer: str | None, *, yes: bool) -> bool:
    """Whether the table allows it."""
    if use in ("run", "delete"):
        return yes or answer == "y"
    return use == "show" or how != "pin" or yes


@pytest.mark.parametrize(
    ("use", "command"), [(use, command) for use, commands in COMMANDS.items() for command in commands]
)
def test_the_table(select: Callable[[str], list[str]], use: str, command: str) -> None:
    more, allowed, always_named = COMMANDS[use][command]
    for how in SELECTIONS:
        for answer in (None, "y", "n", ""):
            for yes in (False, True) if use != "show" else (False,):
                for quiet in ([], ["-q"]):
                    name = ["prod"] if always_named else select(how) if always_named is False else []
                    select(how)
                    if not name and how == "named":
                        continue
                    argv = [*quiet, command, *name, *(["--yes"] if yes else []), *more]
                    done = run(*argv, answer=answer)
                    case = f"{argv} with prod by {how}, answer {answer!r}: {done}"
                    if _expected(use, how, answer, yes=yes):
                        assert done.status == allowed or (allowed is None and done.status in (0, 1)), case
                    else:
                        assert done.status == 6, case
                        assert "error: `prod` is protected" in done.err, case
                        assert ("hint: " in done.err) == (answer is None or use == "give"), case
                    asked = use in ("run", "delete") and not yes and answer is not None
                    by_pin = how == "pin" and not always_named
                    selects = (
                        f", and the project pin ({Path.cwd() / '.omniprofile.toml'}:1) selects it" if by_pin else ""
                    )
                    assert (f"`prod` is protected ({HOST}){selects}. Really " in done.err) == asked, case
                    warned = by_pin and (use == "show" or yes)
                    if command != "use":  # which shows what hides the switch, too
                        assert ("warning: `prod` is protected" in done.err and selects in done.err) == warned, case
                    # Said once; a no is said again by the error.
                    assert not by_pin or done.err.count("is protected") == 1 + (asked and answer != "y"), case
                    if how != "pin" and use in ("give", "show"):
                        assert "is protected" not in done.err, case


def test_json_errors_and_codes_are_of_the_same_decision(select: Callable[[str], list[str]], cli: Cli) -> None:
    select("pin")
    assert json.loads(cli("use", "prod", "--json").out)["error"]["code"] == "protected-profile"
    token = cli("token", "--json")
    assert (token.status, token.out) == (6, "")
    shown = cli("-q", "current", "--json")
    assert json.loads(shown.out)["profile"] == "prod"
    assert "warning: `prod` is protected" in shown.err


def test_the_hint_of_exec_is_a_command_that_can_be_run(select: Callable[[str], list[str]], cli: Cli) -> None:
    assert "hint: run `omniprofile exec --yes prod -- omni x`" in cli("exec", *select("named"), "--", "omni", "x").err
    assert "hint: run `omniprofile exec --yes -- omni x`" in cli("exec", *select("state"), "--", "omni", "x").err


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["use", "prod", "--shell"], "use --yes prod --shell"),
        (
            ["exec", "prod", "--gateway", "--for", "2h", "--", "omni", "x"],
            "exec --yes prod --gateway --for 2h -- omni x",
        ),
        (["exec", "--as", "A_=prod", "--", "omni"], "exec --yes --as A_=prod -- omni"),
        (["-p", "prod", "gateway", "--port", "8123"], "gateway --yes -p prod --port 8123"),
        (["logout", "prod"], "logout --yes prod"),
        (["rm", "prod", "--leave-secret"], "remove --yes prod --leave-secret"),
    ],
)
def test_the_hint_runs_the_same_command_line_with_a_yes(cli: Cli, two: Path, argv: list[str], line: str) -> None:
    """Without its options, the command would do something else: switch all shells, hand out the token, delete the secret."""
    ran = cli(*argv, status=6)
    assert f"hint: run `omniprofile {line}`" in ran.err
    file = str(cli.config)
    assert f"hint: run `omniprofile --config {file} {line}`" in cli("--config", file, *argv).err


def test_a_profile_without_an_address_is_asked_about_by_its_name_alone(cli: Cli) -> None:
    cli.profiles("[profiles.a]\n")
    assert "remove the profile `a`? [y/N]" in run("remove", "a", answer="y").err


@pytest.fixture
def shells(select: Callable[[str], list[str]]) -> Iterator[Callable[[], "pexpect.spawn[str]"]]:
    """Start shells, each in its own terminal session, with `prod` active."""
    select("state")
    opened = []

    def start() -> "pexpect.spawn[str]":
        shell = pexpect.spawn(
            "sh", [], env={**os.environ, "PS1": "", "TERM": "dumb"}, encoding="utf-8", timeout=60, echo=False
        )
        opened.append(shell)
        return shell

    yield start
    for shell in opened:
        shell.close(force=True)


def _exec(shell: "pexpect.spawn[str]", *, before: str = "", after: str = "") -> bool:
    """Run `exec` in a shell, answer yes where it asks; return whether it asked. The child must run."""
    shell.sendline(f"{before} {sys.executable} -m omniprofile exec {after} -- echo ran with '$OMNI_PROFILE'")
    asked: bool = shell.expect([r"\[y/N\] ", "ran with"]) == 0
    if asked:
        assert HOST in (shell.before or "")
        shell.sendline("y")
        shell.expect("ran with")
    return asked


@pytest.mark.skipif(sys.platform != "linux", reason="when a session began is known from /proc")
def test_exec_asks_once_an_hour_in_one_terminal_session(shells: Callable[[], "pexpect.spawn[str]"], cli: Cli) -> None:
    first = shells()
    assert [_exec(first) for _ in range(3)] == [True, False, False]
    file = cli.state / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert _exec(shells()), "another terminal"
    assert not _exec(first), "both are kept"

    pin = cli.work / ".omniprofile.toml"
    pin.write_text('profile = "prod"\n')
    first.sendline(f"{sys.executable} -m omniprofile exec -- echo ran with")
    first.expect("warning: `prod` is protected, and the project pin"), "a pin is never silent"
    first.expect("ran with")
    pin.unlink()

    no_terminal = "</dev/null; echo status $?"
    first.sendline(f"{sys.executable} -m omniprofile exec -- true {no_terminal}")
    first.expect("status 6"), "never without a terminal"

    file.write_text(json.dumps([[*row[:3], row[3] - 3601] for row in json.loads(file.read_text())]))
    assert _exec(first), "after an hour"
    file.write_text(json.dumps([[*row[:3], row[3] + 9999] for row in json.loads(file.read_text())]))
    assert _exec(first), "a clock that was set back"
    file.write_text("{")
    assert _exec(first), "a damaged file"
    assert not _exec(first)
    file.chmod(0o666)
    assert _exec(first), "a file that others may write"
    assert not _exec(first)
    cli.profiles(PROFILES.replace("DEFAULT", "").replace(HOST, "http://127.0.0.1:11"))
    first.sendline(f"{sys.executable} -m omniprofile exec -- true")
    first.expect(r"\(http://127.0.0.1:11\)\. Really"), "another origin"


@pytest.mark.skipif(sys.platform != "linux", reason="when a session began is known from /proc")
def test_a_session_is_known_by_its_leader_while_that_lives() -> None:
    script = """
import os
from omniprofile.system.terminal_session import terminal_session
mine = terminal_session()
read, write = os.pipe()
leader = os.fork()
if leader == 0:
    os.setsid()
    ended, end = os.pipe()
    if os.fork():
        os.write(write, f"{terminal_session()};".encode())
        os._exit(0)
    os.close(end)
    os.read(ended, 1)
    while os.path.exists(f"/proc/{os.getsid(0)}"):
        pass
    os.write(write, f"{terminal_session()}".encode())
    os._exit(0)
os.waitpid(leader, 0)
os.close(write)
with open(read) as theirs:
    print(os.getpid(), mine, theirs.read(), sep=";")
"""
    # A new session: in a container, the leader of the tests' session may be outside, where it is not visible.
    ran = run_program([sys.executable, "-c", script], start_new_session=True, check=True)
    pid, mine, leader, orphan = ran.stdout.strip().split(";")
    assert mine.split()[0] == pid
    assert leader.split()[0] != mine.split()[0]
    assert orphan == "None", "its leader's number may be another process's by now"
