"""What is known of a profile's own credential without reading a secret, unlocking a store or running a command."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from omniprofile.model.declaration import KeySource, uses_store
from omniprofile.model.origin import Origin
from omniprofile.model.secret import MASK, Secret
from omniprofile.model.stored import StoredSummary

State = Literal["present", "missing", "expired", "unknown"]


@dataclass(frozen=True, slots=True)
class Peek:
    """`state` is the documented one of `list`; `origin` is what a stored secret is bound to; `store` names the store."""

    state: State
    expires_at: datetime | None = None
    origin: Origin | None = None
    masked: str = MASK
    store: str | None = None


def peek_key(
    auth: str, key: KeySource, *, environ: Mapping[str, str], summary: StoredSummary | None, now: datetime, store: str
) -> Peek:
    """Peek at the credential of a profile with this auth method and key source; `summary` is what the store says of it."""
    if uses_store(auth, key):
        if summary is None:
            return Peek("missing", store=store)
        expired = summary.expires_at is not None and summary.expires_at <= now
        return Peek("expired" if expired else "present", summary.expires_at, summary.origin, store=store)
    if key.kind == "env":
        value = environ.get(key.variable or "")
        return Peek("present", masked=Secret(value).masked) if value else Peek("missing")
    if key.kind == "file":
        return Peek("present" if os.path.isfile(key.path or "") else "missing")
    return Peek("unknown")
