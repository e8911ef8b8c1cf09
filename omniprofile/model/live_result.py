"""The result of a live check: the credential's identity, or what is wrong and how to fix it."""

from dataclasses import dataclass
from enum import StrEnum

from omniprofile.errors import Error
from omniprofile.model.declaration import Identity
from omniprofile.model.names import printable


class Status(StrEnum):
    """The outcome: the instance accepts the credential, refuses it, cannot be reached, or was never asked."""

    OK = "ok"
    INVALID = "invalid"
    UNREACHABLE = "unreachable"
    UNTESTED = "untested"


@dataclass(frozen=True, slots=True)
class LiveResult:
    """The live check of one profile. `latency_ms` is how long the answered request took, in milliseconds.

    `symptom` is a stable kebab-case name for what is wrong; `reason` and `remedy` are one sentence each. `error` is what a
    command that needs the credential raises; None if it is ok.
    """

    profile: str
    status: Status
    http_status: int | None = None
    reason: str | None = None
    remedy: str | None = None
    identity: Identity | None = None
    latency_ms: float | None = None
    symptom: str | None = None
    error: Error | None = None

    def as_json(self) -> dict[str, object]:
        """Return the documented JSON shape."""
        return {
            "profile": self.profile,
            "status": self.status.value,
            "http_status": self.http_status,
            "reason": self.reason,
            "remedy": self.remedy,
            "identity": (self.identity or Identity())._asdict(),
            "latency_ms": None if self.latency_ms is None else round(self.latency_ms, 1),
            "symptom": self.symptom,
        }


def differences(expect: Identity, identity: Identity) -> list[str]:
    """Return one phrase for each way in which whoami differs from what the profile expects."""
    return [
        f"whoami says {name} {_shown(getattr(identity, name))}, the profile expects {_shown(wanted)}"
        for name in expect._fields
        if (wanted := getattr(expect, name)) is not None and getattr(identity, name) != wanted
    ]


def _shown(value: str | None) -> str:
    return f"`{printable(value, 64)}`" if value is not None else "nothing"
