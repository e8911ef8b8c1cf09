"""One run of a gateway: its token, its hosts, the `access` that requests are checked against, and how they were answered."""

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from omniprofile.model.secret import remember

if TYPE_CHECKING:
    from omniprofile.credentials.held_credential import HeldCredential
    from omniprofile.model.declaration import Access

_MOST_REFUSED = 100
"""How many refused requests of one run are recorded individually."""
_COUNTED = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Methods counted by name (RFC 9110, section 9.1; RFC 5789). Programs may invent any number of others, with any text."""


@dataclass(kw_only=True, eq=False, repr=False)
class GatewayRun:
    """The access rules of a gateway while it runs, its credential, and the counts of its responses.

    `token` is valid for this gateway only; `hosts` are its accepted names. `requests` counts responses by method and status.
    `record` is called with `refused`, the method and path, for each of the first hundred refused requests, and with `requests`,
    the summary of the run, at its end.
    """

    profile: str
    credential: "HeldCredential"
    access: "Access"
    allow: tuple[str, ...]
    record: Callable[..., None]
    hosts: frozenset[str] = frozenset()
    token: str = field(init=False, default_factory=lambda: secrets.token_urlsafe(32))
    requests: Counter[tuple[str, int]] = field(init=False, default_factory=Counter)
    _refused: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        remember(self.token)

    def note(self, method: str, status: int) -> None:
        """Count a request that was answered."""
        self.requests[method if method in _COUNTED else "other", status] += 1

    def note_refused(self, method: str, path: str, status: int) -> None:
        """Count a refused request and record it."""
        self.note(method, status)
        self._refused += 1
        if self._refused <= _MOST_REFUSED:
            self.record(refused={"method": method, "path": path})

    def summary(self) -> dict[str, dict[str, int]]:
        """Return the number of responses by method, then by status."""
        summary: dict[str, dict[str, int]] = {}
        for (method, status), count in sorted(self.requests.items()):
            summary.setdefault(method, {})[str(status)] = count
        return summary
