"""A user's home on Windows, and omniprofile in it: the installed command, and its command lines in this process."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import keyring.core

from omniprofile.cli.main import main
from omniprofile.model import secret
from omniprofile.system.environment import Environment

EXE = Path(sys.executable).parent / "Scripts" / "omniprofile.exe"
SECONDS = 300
CREATE_NEW_CONSOLE = 0x10  # subprocess has it on Windows alone, where mypy does not run


def user_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a user whose home is `folder`."""
    kept = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(("OMNI", "XDG_", "PYTHON"))
    }
    places = {
        "USERPROFILE": folder,
        "APPDATA": folder / "AppData" / "Roaming",
        "LOCALAPPDATA": folder / "AppData" / "Local",
    }
    return {**kept, **{name: str(place) for name, place in places.items()}, "PYTHONUTF8": "1"}


@dataclass
class Ran:
    """The result of a command."""

    status: int
    out: str
    err: str


@dataclass
class Home:
    """A user's home. `run` runs a command line in this process, with that home; `exe` runs the installed `omniprofile.exe`.

    Starting an interpreter with all imports takes a second or two under Wine, so use `exe` only where a process is needed.
    """

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """The profile file."""
        return Path(self.environ["APPDATA"]) / "omniprofile" / "profiles.toml"

    @property
    def state(self) -> Path:
        """The state folder."""
        return Path(self.environ["LOCALAPPDATA"]) / "omniprofile" / "state"

    def write(self, text: str) -> None:
        """Write the profile file, byte for byte."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_bytes(text.encode())

    def start(self, *argv: str, **environ: str) -> "subprocess.Popen[bytes]":
        """Start a command."""
        return subprocess.Popen(
            [str(EXE), *argv],
            env={**self.environ, **environ},
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def exe(
        self,
        *argv: str,
        stdin: str = "",
        status: int | None = 0,
        environ: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> Ran:
        """Run the installed command with pipes for all streams, and check its exit status."""
        process = self.start(*argv, **(environ or {}))
        out, err = process.communicate(stdin.encode(), timeout=seconds)
        return _checked(argv, status, process.returncode, out, err)

    def run(self, *argv: str, stdin: str = "", status: int | None = 0, environ: Mapping[str, str] | None = None) -> Ran:
        """Run a command line in this process, and check its exit status."""
        given, out, err = io.BytesIO(stdin.encode()), io.BytesIO(), io.BytesIO()
        streams = [io.TextIOWrapper(each, encoding="utf-8", newline="") for each in (given, out, err)]
        with self._entered(environ or {}), redirect_stdout(streams[1]):  # where argparse prints its help
            secret._obtained.clear()
            secret._starts.clear()
            keyring.core._keyring_backend = None
            try:
                ended = main(
                    argv, Environment(os.environ, os.getcwd(), sys.platform, streams[0], streams[1], streams[2])
                )
            except SystemExit as leaving:
                ended = int(leaving.code or 0)
        for stream in streams[1:]:
            stream.flush()
        return _checked(argv, status, ended, out.getvalue(), err.getvalue())

    @contextmanager
    def _entered(self, environ: Mapping[str, str]) -> Iterator[None]:
        """Run the body with the home's variables and as the working directory."""
        before, folder = dict(os.environ), os.getcwd()
        try:
            os.environ.clear()
            os.environ.update({**self.environ, **environ})
            os.chdir(self.folder)
            yield
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(before)


def _checked(argv: tuple[str, ...], wanted: int | None, status: int, out: bytes, err: bytes) -> Ran:
    ran = Ran(status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
    assert wanted in (None, status), f"omniprofile {argv}: {ran}"
    assert "Traceback" not in ran.err, ran.err
    return ran
