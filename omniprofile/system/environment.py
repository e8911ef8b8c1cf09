"""What is around the process: its variables, folder, streams, user and clock. The one module that reads them."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from omniprofile.system.files import home_in_database, user_id


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything of its surroundings that the program sees. `cwd` is None where the working directory is gone."""

    environ: Mapping[str, str]
    cwd: str | None
    platform: str
    stdin: TextIO | None
    stdout: TextIO | None
    stderr: TextIO | None
    uid: int | None = None
    checkpoint: Callable[[str], None] = lambda _: None
    """Called with the name of each moment of a login, refresh or logout that the process may be killed at."""

    @classmethod
    def real(cls) -> "Environment":
        """This process's own."""
        try:
            cwd = os.getcwd()
        except OSError:
            cwd = None
        return cls(os.environ, cwd, sys.platform, sys.stdin, sys.stdout, sys.stderr, user_id())

    def user_home(self) -> str | None:
        """Return the home folder by the user database, for when no variable says it."""
        return home_in_database(self.uid)

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC)
