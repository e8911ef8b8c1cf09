"""The result of a check of `doctor`. Checks return these and do not raise."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial


class Health(StrEnum):
    """The outcome of a check. `warning`: it works, but look; `problem`: broken or unsafe; `skipped`: with the reason."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The finding of a check in one sentence, and what to do about it. Never holds a secret."""

    status: Health
    message: str
    remedy: str | None = None

    @property
    def actionable(self) -> bool:
        """Whether the user should do something."""
        return self.status in (Health.WARNING, Health.PROBLEM)


ok = partial(Diagnosis, Health.OK)
warning = partial(Diagnosis, Health.WARNING)
problem = partial(Diagnosis, Health.PROBLEM)
skipped = partial(Diagnosis, Health.SKIPPED)
