"""What a check found: a result, not an exception."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad: errors make `lint` exit 1, warnings only with `--strict`."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One finding of one rule at one place. `line` and `column` count from 1, columns in characters (code points)."""

    file: str
    line: int
    column: int
    code: str
    level: Level
    message: str
    suggestion: str | None = None

    @property
    def place(self) -> str:
        """`file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"
