"""What is known about a profile's own credential without reading a secret, unlocking a store or running a command."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from omniprofile.credentials.env_variables import belongs_elsewhere
from omniprofile.model.declaration import KeySource, uses_store
from omniprofile.model.exported import TOKENS, key_in_environment
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


def credential_status(
    profile: str,
    auth: str,
    key: KeySource,
    *,
    environ: Mapping[str, str],
    stored: Mapping[Origin, StoredSummary],
    origin: Origin | None,
    now: datetime,
    store: str,
    variable: str | None = None,
) -> CredentialStatus:
    """Return what is known about the credential of `profile`, with this auth method and key source, for `origin`.

    With `variable`, returns it for that secret of its `env`, whose source is `key`. `stored` has the store's summaries of that
    credential or secret, for every origin.
    """
    if uses_store(auth, key):
        summary = stored.get(origin) if origin else None
        if summary is None:
            return CredentialStatus("unknown" if stored else "missing", elsewhere=tuple(stored), store=store)
        if summary.stored_at is None:
            return CredentialStatus("unknown", store=store)
        expired = summary.expires_at is not None and summary.expires_at <= now
        return CredentialStatus("expired" if expired else "present", summary.expires_at, store=store)
    if key.kind == "env":
        base_url = str(origin) if origin else ""
        value = key_in_environment(environ, key.variable or "", profile, base_url, (variable,) if variable else TOKENS)
        if belongs_elsewhere(key.variable, base_url, environ):
            return CredentialStatus("missing")
        return CredentialStatus("present", masked=Secret(value).masked) if value else CredentialStatus("missing")
    if key.kind == "file":
        return CredentialStatus("present" if os.path.isfile(key.path or "") else "missing")
    return CredentialStatus("unknown")
