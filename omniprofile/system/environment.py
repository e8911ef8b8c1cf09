"""The process's surroundings: its variables, folder, streams, user and clock. The only module that reads them."""

import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, TextIO

from omniprofile.system.files import user_id


class Environment(NamedTuple):
    """Everything the program sees of its surroundings. `cwd` is None if the working directory has been deleted."""

    environ: Mapping[str, str]
    cwd: str | None
    platform: str
    stdin: TextIO | None
    stdout: TextIO | None
    stderr: TextIO | None
    uid: int | None = None
    checkpoint: Callable[[str], None] = lambda _: None
    """Called with the name of each point in a login, refresh or logout at which the process might be killed."""

    @classmethod
    def real(cls) -> "Environment":
        """Return the environment of this process."""
        try:
            cwd = os.getcwd()
        except OSError:
            cwd = None
        return cls(os.environ, cwd, sys.platform, sys.stdin, sys.stdout, sys.stderr, user_id())

    def now(self) -> datetime:
        """Return the current time in UTC, as an aware datetime."""
        return datetime.now(UTC)
