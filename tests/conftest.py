"""Fixtures for every test: a temporary home, no variables or keyring of the developer's, and a secret that no output may show."""

import errno
import gc
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import keyring.core
import pytest
from hypothesis import HealthCheck, settings

from omniprofile.cli import everyday_forms, exit_statuses, fast_path
from omniprofile.cli.main import main
from omniprofile.credentials import keyring_time_limit
from omniprofile.errors import StoreUnavailable
from omniprofile.model import secret
from omniprofile.system.environment import Environment
from omniprofile.system.user_lock import temporary_locks, user_lock_folders
from tests import warm
from tests.outputs import check_output
from tests.sampling import WHOLE

collect_ignore = ["windows"]  # `tests/windows/run` runs it, in a Python for Windows

# Every run generates the same examples; a whole sweep generates new ones. The time of an example depends on the machine's load,
# not on the program.
settings.register_profile(
    "omniprofile", deadline=None, derandomize=not WHOLE, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("omniprofile")

CANARY = "omni_osk_C4n4ry" + "x" * 24
"""The secret in every test that needs one. `Ran` searches all output of a command for it."""


def pytest_configure() -> None:
    """Restore the signals that `nohup` or a shell's `&` ignores: otherwise children would ignore those that tests send."""
    for name in ("SIGTERM", "SIGHUP", "SIGQUIT"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Remove the locks that tests leave in the developer's real home, which no variable can redirect."""
    mine = sys.platform != "win32" and not hasattr(session.config, "workerinput")
    with temporary_locks(user_lock_folders(sys.platform, {}, os.getuid())[:1] if mine else []):
        return (yield)


def pytest_collection_finish() -> None:
    """Exempt the collected tests from garbage collection: each later collection would take a quarter of a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set up a temporary home with XDG folders, no OMNI variables, no keyring and no proxy."""
    for name in list(os.environ):
        if name.startswith("OMNIPROFILE_TEST_"):
            continue  # set by the developer who runs the tests
        if name.startswith(("OMNI", "XDG_", "GITHUB_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    for name, folder in (
        ("HOME", ""),
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_STATE_HOME", ".local/state"),
        ("XDG_CACHE_HOME", ".cache"),
    ):
        (home / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture(autouse=True)
def forget_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the secrets of earlier tests, which would be masked here too."""
    monkeypatch.setattr(secret, "_obtained", {})
    monkeypatch.setattr(secret, "_starts", {})


@pytest.fixture(autouse=True)
def forget_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reset the chosen keyring, even if an earlier test's call to it has not returned."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    monkeypatch.setattr(keyring_time_limit, "_stuck", [])


@dataclass(frozen=True)
class Ran:
    """The result of one command line. `shows` is for the few commands whose purpose is to print the secret."""

    line: str
    status: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"$ omniprofile {self.line}\n{self.out}--- stderr, exit {self.status}\n{self.err}"


class Became(BaseException):
    """Raised in place of replacing the process, as `exec` does."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        super().__init__(argv[0])
        self.child = (list(argv), dict(environ))


def _become(program: str, argv: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Stand in for `os.execvpe`."""
    if shutil.which(program, path=environ.get("PATH")) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    raise Became(argv, environ)


class Cli:
    """Runs command lines in this process, against the isolated home.

    Everyday commands also run on the fast path, which must decline or print, exit and execute exactly as the full path.
    """

    def __init__(self, folder: Path) -> None:
        self.home = Path(os.environ["HOME"])
        self.config = Path(os.environ["XDG_CONFIG_HOME"], "omniprofile", "profiles.toml")
        self.state = Path(os.environ["XDG_STATE_HOME"], "omniprofile")
        self.work = folder / "work"

    def profiles(self, text: str, name: str = "profiles.toml") -> Path:
        """Write a profile file beside the main one."""
        path = self.config.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def __call__(
        self,
        *argv: str,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        shows: bool = False,
        status: int | None = None,
    ) -> Ran:
        """Run `omniprofile *argv`, and check its exit status if `status` is given.

        Unless it `shows` the secret by design, its output must not contain the canary.
        """
        streams = [io.TextIOWrapper(io.BytesIO(data), encoding="utf-8") for data in (stdin.encode(), b"", b"")]
        environment = Environment(
            {**os.environ, **(env or {})},
            str(cwd or Path.cwd()),
            sys.platform,
            streams[0],
            streams[1],
            streams[2],
            os.getuid(),
        )
        child = None
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(os, "execvpe", _become)
                ended = main(argv, environment)
        except SystemExit as leaving:
            ended = int(leaving.code or 0)
        except Became as became:
            ended, child = 0, became.child
        out, err = (_text(stream) for stream in streams[1:])
        ran = Ran(" ".join(argv), ended, out, err)
        assert status in (None, ended), f"not exit {status}\n{ran}"
        assert CANARY not in err, f"the secret is on stderr\n{ran}"
        assert shows or CANARY not in out, f"the secret is on stdout\n{ran}"
        assert "Traceback" not in err, str(ran)
        assert "this is a bug" not in err, str(ran)
        check_output(argv, out)
        if everyday_forms.USES.keys() & set(argv):
            self._check_fast_path(argv, environment, ran, child)
        return ran

    @staticmethod
    def _check_fast_path(argv: Sequence[str], environment: Environment, ran: Ran, child: object) -> None:
        try:
            answer = fast_path.answer(argv, environment.environ, environment.platform, environment.cwd)
        except StoreUnavailable:
            assert ran.status == exit_statuses.STORE_UNAVAILABLE, ran
            return
        if answer is None or ran.status in (exit_statuses.COMMAND_NOT_RUNNABLE, exit_statuses.COMMAND_NOT_FOUND):
            return
        expected = (0, answer, "", None) if isinstance(answer, str) else (0, "", "", answer)
        assert (ran.status, ran.out, ran.err, child) == expected


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8", "surrogateescape")


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run command lines in this process."""
    return Cli(tmp_path)


@pytest.fixture
def process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `omniprofile …` as a process of its own, with no terminal."""

    def run(
        *argv: str, env: Mapping[str, str] | None = None, stdin: str = "", timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        return warm.run(*argv, stdin=stdin, timeout=timeout, env={**os.environ, **(env or {})})

    return run
