"""The status of a profile's credential, found without reading a secret, unlocking a store or running a command."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from omniprofile.credentials.env_variables import belongs_elsewhere
from omniprofile.model.declaration import KeySource
from omniprofile.model.export_mark import key_in_environment
from omniprofile.model.origin import Origin
from omniprofile.model.secret import MASK, Secret
from omniprofile.model.stored import StoredSummary

State = Literal["present", "missing", "expired", "unknown"]


@dataclass(frozen=True, slots=True)
class CredentialStatus:
    """The status of a credential. `state` is as `list` shows it; `elsewhere` has the origins if it is stored only for others."""

    state: State
    expires_at: datetime | None = None
    elsewhere: tuple[Origin, ...] = ()
    masked: str = MASK
    store: str | None = None

    @property
    def shown(self) -> str | None:
        """The mask to show for it, or None if it is missing."""
        return None if self.state == "missing" else self.masked


def in_store(
    stored: Mapping[Origin, StoredSummary], origin: Origin | None, store: str, now: datetime
) -> CredentialStatus:
    """Return the status of a credential or secret for `origin`. `stored` has its summaries in `store` for every origin."""
    summary = stored.get(origin) if origin else None
    if summary is None:
        return CredentialStatus("unknown" if stored else "missing", elsewhere=tuple(stored), store=store)
    if summary.stored_at is None:
        return CredentialStatus("unknown", store=store)
    expired = summary.expires_at is not None and summary.expires_at <= now
    return CredentialStatus("expired" if expired else "present", summary.expires_at, store=store)


def at_source(
    key: KeySource, profile: str, origin: Origin | None, environ: Mapping[str, str], exported_as: tuple[str, ...]
) -> CredentialStatus:
    """Return the status of a key of `profile` outside the store. `exported_as` are the variables that `exec` puts it into."""
    if key.kind == "env":
        base_url = str(origin) if origin else ""
        value = key_in_environment(environ, key.variable or "", profile, base_url, exported_as)
        if value and not belongs_elsewhere(key.variable, base_url, environ):
            return CredentialStatus("present", masked=Secret(value).masked)
        return CredentialStatus("missing")
    if key.kind == "file":
        return CredentialStatus("present" if os.path.isfile(key.path or "") else "missing")
    return CredentialStatus("unknown")
