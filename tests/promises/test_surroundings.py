"""Unusual homes, variables, limits and interpreters: a command works or prints a message, never a traceback.

Every command line of `LINES` runs in every one of the `SURROUNDINGS`, in its own process and home. A run of the tests
takes a sample, and all of a few promises; `OMNIPROFILE_TEST_SWEEP=all` takes all of them.
"""

import os
import resource
import shutil
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import CANARY
from tests.programs import run_program
from tests.sampling import sample
from tests.sockets import NOBODY

STATUSES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
SAMPLE = 18
UNPRIVILEGED = (
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
)  # fmt: skip
"""Run as nobody, who may read everything (the tree under test may be in a private folder) but write nothing."""

LINES = (
    ("current",), ("token", "a"), ("token", "b"), ("env", "--shell", "bash"), ("exec", "a", "--", "true"), ("list",),
    ("explain", "a"), ("use", "b"), ("__complete", "profiles"), ("lint",), ("doctor", "--offline"),
    ("login", "s", "--no-test"), ("logout", "s"), ("add", "c", "--base-url", "https://c.omniapp.co"),
    ("set", "a", "description", "x"), ("remove", "b", "--yes"), ("test", "a", "--timeout", "0.3"), ("--help",),
    ("--version",),
)  # fmt: skip


@dataclass(frozen=True)
class Surrounding:
    """How a command is started. `{home}` is replaced."""

    env: dict[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    wrap: tuple[str, ...] = ()
    prepare: Callable[[Path], None] = field(default=lambda _: None)
    limit: Callable[[], object] | None = None


def _nobodys(home: Path) -> None:
    """Make the home readable but not writable for nobody, who owns the key file."""
    for path in (home, *home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    os.chown(home / "key", 65534, 65534)
    (home / "key").chmod(0o400)


def _limited(kind: int, value: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (value, value))


def _many() -> dict[str, str]:
    return {f"VARIABLE_{number}": "x" * 20 for number in range(20_000)}


def _hostile(home: Path) -> None:
    """Make a folder with a `sitecustomize`, which the interpreter runs at its start."""
    (home / "lib").mkdir()
    (home / "lib/sitecustomize.py").write_text("import sys\nsys.stderr.write('')\nRAN = True\n")


SURROUNDINGS = {
    "no HOME": Surrounding(unset=("HOME",), wrap=UNPRIVILEGED),  # the one of the user's account is not there
    "HOME is a file": Surrounding(env={"HOME": "{home}/key"}),
    "HOME is relative": Surrounding(env={"HOME": "rel"}, wrap=UNPRIVILEGED),  # it counts as unset
    "HOME is not there": Surrounding(env={"HOME": "{home}/nowhere/home"}),
    "HOME takes no file": Surrounding(env={"HOME": "/proc/1"}),
    "HOME is read-only": Surrounding(wrap=UNPRIVILEGED, prepare=_nobodys),
    "XDG relative": Surrounding(env={"XDG_CONFIG_HOME": "r", "XDG_STATE_HOME": "r", "XDG_CACHE_HOME": "r"}),
    "XDG takes no file": Surrounding(env={"XDG_STATE_HOME": "/proc/self", "XDG_CACHE_HOME": "/proc"}),
    "XDG is a file": Surrounding(env={"XDG_STATE_HOME": "{home}/key", "XDG_CACHE_HOME": "{home}/key"}),
    "no working directory": Surrounding(wrap=("sh", "-c", 'mkdir gone; cd gone; rmdir ../gone; exec "$@"', "sh")),
    "odd TMPDIR": Surrounding(env={"TMPDIR": "/nonexistent", "TEMP": "\n", "TMP": "rel"}),
    "C locale": Surrounding(env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
    "locale that is not there": Surrounding(env={"LC_ALL": "xx_YY.KOI8-R", "LANG": "\x01"}),
    "ASCII streams": Surrounding(env={"PYTHONIOENCODING": "ascii:strict"}),
    "UTF-16 streams": Surrounding(env={"PYTHONIOENCODING": "utf-16"}),
    "optimized": Surrounding(env={"PYTHONOPTIMIZE": "2"}),
    "warnings are errors": Surrounding(env={"PYTHONWARNINGS": "error"}),
    "-W error -X dev": Surrounding(options=("-W", "error", "-X", "dev")),
    "umask 000": Surrounding(limit=lambda: os.umask(0)),
    "umask 777": Surrounding(limit=lambda: os.umask(0o777)),
    "few files": Surrounding(limit=_limited(resource.RLIMIT_NOFILE, 16)),
    "hardly a file": Surrounding(limit=_limited(resource.RLIMIT_NOFILE, 6)),
    "no byte to write": Surrounding(limit=_limited(resource.RLIMIT_FSIZE, 0)),
    "100 bytes to write": Surrounding(limit=_limited(resource.RLIMIT_FSIZE, 100)),
    "little memory": Surrounding(limit=_limited(resource.RLIMIT_AS, 60 << 20)),
    "many variables": Surrounding(env=_many()),
    "odd terminal": Surrounding(
        env={"TERM": "\x1b[", "COLUMNS": "-3", "LINES": "x", "NO_COLOR": "", "FORCE_COLOR": "1"}
    ),
    "huge terminal": Surrounding(env={"COLUMNS": "9" * 5000}),
    "sitecustomize": Surrounding(env={"PYTHONPATH": "{home}/lib"}, prepare=_hostile),
}


EVERY = {line[0] for line in LINES} - {"--help", "--version"}
NO_PROFILE = dict.fromkeys(EVERY - {"list", "__complete", "lint", "doctor", "add"}, 5)
OTHERWISE: dict[str, dict[str, int]] = {
    "no HOME": {**NO_PROFILE, "add": 1},
    "HOME is a file": {**dict.fromkeys(EVERY, 3), "doctor": 1},
    "HOME is relative": {**NO_PROFILE, "add": 1},
    "HOME is not there": NO_PROFILE,
    "HOME takes no file": {**NO_PROFILE, "add": 1},
    "HOME is read-only": {"use": 1, "doctor": 1, "login": 9, "add": 1, "set": 1, "remove": 1},
    "XDG takes no file": {"use": 1, "doctor": 1, "login": 9, "remove": 1},
    "XDG is a file": {"current": 3, "env": 3, "use": 3, "doctor": 1, "login": 9, "logout": 9, "remove": 3},
    "no byte to write": {"use": 1, "login": 9, "add": 1, "set": 1, "remove": 1},
    "100 bytes to write": {"login": 9, "add": 1, "set": 1, "remove": 1},
}
"""The exit statuses in these surroundings; elsewhere 0, except for `test`, whose instance does not exist."""


@pytest.fixture(autouse=True)
def as_users_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set no folder except those that a case names."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "PYTHONUNBUFFERED"):
        monkeypatch.delenv(name, raising=False)


def _home(folder: Path) -> Path:
    home = folder / "user"
    shutil.rmtree(home, ignore_errors=True)
    (home / ".config/omniprofile").mkdir(parents=True)
    key = home / "key"
    key.write_text(CANARY)
    key.chmod(0o600)
    (home / ".config/omniprofile/profiles.toml").write_text(
        'version = 1\ndefault = "a"\n'
        f'[profiles.a]\nbase_url = "{NOBODY.replace("http:", "https:")}"\nkey = {{ file = "{key}" }}\n'
        '[profiles.b]\nbase_url = "https://b.omniapp.co"\ndescription = "B\u00fcro \u202e"\nkey = { env = "K" }\n'
        '[profiles.s]\nbase_url = "https://s.omniapp.co"\n'
        '[settings]\nallowed_hosts = ["127.0.0.1"]\n'
    )
    return home


def _run(around: Surrounding, line: tuple[str, ...], home: Path) -> "subprocess.CompletedProcess[str]":
    around.prepare(home)
    environ = {**os.environ, "HOME": str(home), "OMNIPROFILE_SECRET_STORE": "file", "K": CANARY}
    environ |= {name: value.replace("{home}", str(home)) for name, value in around.env.items()}
    for name in around.unset:
        del environ[name]
    ran = run_program(
        [*around.wrap, sys.executable, *around.options, "-m", "omniprofile", *line],
        env=environ,
        cwd=home,
        input=CANARY if line[0] == "login" else "",
        errors="replace",
        preexec_fn=around.limit,
    )
    for path in home.rglob("secrets.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return ran


def _cases() -> list[tuple[str, tuple[str, ...]]]:
    cases: list[tuple[str, tuple[str, ...]]] = [(name, line) for name in SURROUNDINGS for line in LINES]
    return sample(cases, SAMPLE, "surroundings")


def test_no_surrounding_makes_a_command_fail_otherwise_than_documented(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        for name in ("HOME is read-only", "HOME is relative", "no HOME"):
            SURROUNDINGS.pop(name, None)
    for name, line in _cases():
        ran = _run(SURROUNDINGS[name], line, _home(tmp_path))
        shown = f"{name}, {line}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
        wanted = OTHERWISE.get(name, {}).get(line[0], 7 if line[0] == "test" else 0)
        assert ran.returncode in (STATUSES if name == "little memory" else {wanted}), shown
        for word in ("Traceback", "this is a bug", "Exception ignored", "Warning", CANARY):
            assert word not in ran.stderr, shown
        assert not ran.returncode or "omniprofile: error: " in ran.stderr or line[0] in ("test", "lint", "doctor"), (
            shown
        )
        assert "\u202e" not in ran.stderr, shown


EVERYDAY = {
    ("current",): "a\n",
    ("token", "a"): CANARY + "\n",
    ("token", "b"): CANARY + "\n",
    ("exec", "a", "--", "sh", "-c", 'echo "$OMNI_API_TOKEN"'): CANARY + "\n",
}


UNWRITABLE = (
    "HOME is read-only", "no working directory", "XDG takes no file", "C locale", "UTF-16 streams", "optimized",
    "-W error -X dev", "umask 777", "few files", "no byte to write", "many variables",
)  # fmt: skip


@pytest.mark.parametrize("name", sample(UNWRITABLE, 4, "unwritable"))
def test_everyday_commands_do_their_work_where_nothing_can_be_written(tmp_path: Path, name: str) -> None:
    if SURROUNDINGS.get(name) is None or (SURROUNDINGS[name].wrap == UNPRIVILEGED and os.geteuid() != 0):
        pytest.skip("only root can become nobody")
    for line, out in EVERYDAY.items():
        ran = _run(SURROUNDINGS[name], line, _home(tmp_path))
        if name == "no byte to write" and line[0] == "exec":
            continue  # the child cannot write either
        assert (ran.returncode, ran.stdout) == (0, out), f"{line}: {ran.stderr}"


@pytest.mark.parametrize("mask", [0o000, 0o777, 0o022], ids=oct)
def test_no_umask_opens_what_holds_secrets_or_loses_it(tmp_path: Path, mask: int) -> None:
    home = _home(tmp_path)
    around = Surrounding(limit=lambda: os.umask(mask))
    for line in (("login", "s", "--no-test"), ("use", "s"), ("set", "s", "description", "x"), ("token", "s")):
        ran = _run(around, line, home)
        assert ran.returncode == 0, ran.stderr
    assert ran.stdout == CANARY + "\n"
    state = home / ".local/state/omniprofile"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700 & ~mask or stat.S_IMODE(state.stat().st_mode) == 0o700
    for path in state.iterdir():
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


PROGRAM = """
import multiprocessing, os, sys
import httpx
import omniprofile

def ask(auth):
    request = httpx.Request("GET", omniprofile.resolve("a").base_url)
    flow = auth.sync_auth_flow(request)
    return next(flow).headers["Authorization"]

def fresh(name):
    return ask(omniprofile.Auth(name))

if __name__ == "__main__":
    auth = omniprofile.Auth("a")
    before = ask(auth)
    answers = []
    for _ in range(3):
        read, write = os.pipe()
        if os.fork() == 0:
            os.write(write, ask(auth).encode())
            os._exit(0)
        os.close(write)
        answers.append(os.read(read, 999).decode())
        os.wait()
    answers.append(ask(auth))
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            answers += pool.map(fresh, ["a", "a"])
    assert set(answers) == {before}, len(set(answers))
    print(len(answers))
"""


def test_a_program_that_forks_uses_auth_on_both_sides(tmp_path: Path) -> None:
    home = _home(tmp_path)
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    ran = run_program([sys.executable, str(program)], env={**os.environ, "HOME": str(home)})
    assert (ran.returncode, ran.stdout) == (0, "10\n"), ran.stderr
