"""What a gateway lets through, and what came of it."""

import secrets
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from omniprofile.model.secret import remember

if TYPE_CHECKING:
    from omniprofile.credentials.held_credential import HeldCredential
    from omniprofile.model.declaration import Access

_MOST_REFUSED = 100
"""How many refused requests of one run are recorded one by one."""
_COUNTED = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Methods that are counted apart (RFC 9110, section 9.1; RFC 5789). Programs may make up any number of other
ones, with any text in their names.
"""


class Guard:
    """Who may ask a gateway for what, with which credential, and how the requests were answered.

    `token` is good for this gateway alone; `hosts` are what it may be called. `requests` counts the answers by method and status.
    `record` takes, by name, the `requests` of the whole run at its end, and the method and path of each one that was `refused`,
    at most a hundred.
    """

    hosts: frozenset[str]

    def __init__(
        self,
        profile: str,
        credential: "HeldCredential",
        access: "Access",
        allow: tuple[str, ...],
        record: Callable[..., None],
    ) -> None:
        self.profile = profile
        self.credential = credential
        self.access = access
        self.allow = allow
        self.record = record
        self.token = secrets.token_urlsafe(32)
        remember(self.token)
        self.requests: Counter[tuple[str, int]] = Counter()
        self._refused = 0

    def note(self, method: str, status: int) -> None:
        """Count a request that was passed on."""
        self.requests[method if method in _COUNTED else "other", status] += 1

    def note_refused(self, method: str, path: str, status: int) -> None:
        """Count a request that was refused, and record it."""
        self.note(method, status)
        self._refused += 1
        if self._refused <= _MOST_REFUSED:
            self.record(refused={"method": method, "path": path})

    def summary(self) -> dict[str, dict[str, int]]:
        """Return how many requests were answered, by method and then by status."""
        summary: dict[str, dict[str, int]] = {}
        for (method, status), count in sorted(self.requests.items()):
            summary.setdefault(method, {})[str(status)] = count
        return summary
