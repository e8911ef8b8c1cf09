"""What one look of `doctor` gives: a result, not an exception."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """`ok`: nothing to do. `warning`: it works, but look. `problem`: broken or unsafe. `skipped`: not looked at, and why."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a check found, in one sentence, and what to do about it. Never holds a secret."""

    status: Health
    message: str
    remedy: str | None = None

    @property
    def actionable(self) -> bool:
        """Whether somebody should do something."""
        return self.status in (Health.WARNING, Health.PROBLEM)


def ok(message: str) -> Diagnosis:
    """Nothing to do."""
    return Diagnosis(Health.OK, message)


def warning(message: str, remedy: str) -> Diagnosis:
    """It works, but look."""
    return Diagnosis(Health.WARNING, message, remedy)


def problem(message: str, remedy: str | None) -> Diagnosis:
    """Broken or unsafe."""
    return Diagnosis(Health.PROBLEM, message, remedy)


def skipped(message: str, remedy: str | None = None) -> Diagnosis:
    """Not looked at, and why."""
    return Diagnosis(Health.SKIPPED, message, remedy)
