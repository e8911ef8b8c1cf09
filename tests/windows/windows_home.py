"""A user's home on Windows, and the installed command in it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

EXE = Path(sys.executable).parent / "Scripts" / "omniprofile.exe"
SECONDS = 60
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
    """How one command ended."""

    status: int
    out: str
    err: str


@dataclass
class Home:
    """A user's home. `run` runs the installed `omniprofile.exe` in it, with pipes for all streams."""

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

    def run(
        self,
        *argv: str,
        stdin: str = "",
        status: int | None = 0,
        environ: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> Ran:
        """Run a command; it must end with `status`."""
        process = self.start(*argv, **(environ or {}))
        out, err = process.communicate(stdin.encode(), timeout=seconds)
        ran = Ran(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
        if status is not None:
            assert ran.status == status, f"omniprofile {argv}: {ran}"
        assert "Traceback" not in ran.err, ran.err
        return ran
