"""What one look of `doctor` gives: a result, not an exception."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial


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


ok = partial(Diagnosis, Health.OK)
warning = partial(Diagnosis, Health.WARNING)
problem = partial(Diagnosis, Health.PROBLEM)
skipped = partial(Diagnosis, Health.SKIPPED)
