"""What a live check gives: who the credential is, or what is wrong and what to do about it."""

from dataclasses import asdict, dataclass, fields
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
    """The live check of one profile. `latency_ms` is the time of the answered request, in milliseconds.

    `symptom` is a stable kebab-case name of what is wrong, `reason` and `remedy` one sentence each. `error` is why the check
    could not be made, where it was omniprofile's own.
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
        """Return the documented shape."""
        return {
            "profile": self.profile,
            "status": self.status.value,
            "http_status": self.http_status,
            "reason": self.reason,
            "remedy": self.remedy,
            "identity": asdict(self.identity or Identity()),
            "latency_ms": None if self.latency_ms is None else round(self.latency_ms, 1),
            "symptom": self.symptom,
        }


def differences(expect: Identity, identity: Identity) -> list[str]:
    """Return what whoami says otherwise than the profile expects, one phrase for each; empty when all is as expected."""
    return [
        f"whoami says {name} {_shown(getattr(identity, name))}, the profile expects {_shown(wanted)}"
        for name in (field.name for field in fields(expect))
        if (wanted := getattr(expect, name)) is not None and getattr(identity, name) != wanted
    ]


def _shown(value: str | None) -> str:
    return f"`{printable(value, 64)}`" if value is not None else "nothing"
