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
    """What a check saw, in one sentence, and what to do about it. Never holds a secret."""

    status: Health
    saw: str
    remedy: str | None = None

    @property
    def needs_a_hand(self) -> bool:
        """Whether somebody should do something."""
        return self.status in (Health.WARNING, Health.PROBLEM)


def ok(saw: str) -> Diagnosis:
    """Nothing to do."""
    return Diagnosis(Health.OK, saw)


def warning(saw: str, remedy: str) -> Diagnosis:
    """It works, but look."""
    return Diagnosis(Health.WARNING, saw, remedy)


def problem(saw: str, remedy: str | None) -> Diagnosis:
    """Broken or unsafe."""
    return Diagnosis(Health.PROBLEM, saw, remedy)


def skipped(saw: str, remedy: str | None = None) -> Diagnosis:
    """Not looked at, and why."""
    return Diagnosis(Health.SKIPPED, saw, remedy)
