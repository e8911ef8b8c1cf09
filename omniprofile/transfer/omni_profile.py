"""A profile in the config of the vendor's CLI: its credential, and what that program makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from omniprofile.model.declaration import AuthMethod
from omniprofile.model.not_a_key import command_for, not_a_key
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.shell_words import quoted_place
from omniprofile.model.stored import StoredSecret
from omniprofile.model.times import parse_time
from omniprofile.transfer.foreign_file import ForeignFile
from omniprofile.transfer.found_profiles import Found
from omniprofile.transfer.omni_format import SECRETS, Json, check_profile, text_of

CLIENT_ID, SCOPE = "omni-cli", "user:default"
"""The client and scope of the CLI's sessions, which a refresh must name (exploreomni/cli)."""

CREDENTIAL: Mapping[AuthMethod, tuple[str, ...]] = {
    "api-key": ("apiKey",),
    "oauth": ("accessToken", "refreshToken", "tokenExpiresAt"),
}
"""The keys that hold the credential of each auth method: its secrets, then when it expires."""
_NO_TIME = "0001-01-01T00:00:00"
"""How Go writes a time that was never set."""

_AHEAD = timedelta(seconds=10)
"""How long before its expiry `omni` renews a session."""


@dataclass(frozen=True, slots=True)
class OmniProfile:
    """A profile in a config: its object there, None if it is something else, and the output format of the whole file."""

    file: ForeignFile
    name: str
    table: Json | None = field(repr=False)
    common_format: str | None

    def text(self, key: str) -> str | None:
        """Return the text at `key`, None if it is empty or missing."""
        return text_of(self.table or {}, key)

    @property
    def auth(self) -> AuthMethod:
        """Return the auth method: API key if unset, as in the CLI itself."""
        return "oauth" if self.text("authMethod") == "oauth" else "api-key"

    @property
    def output_format(self) -> str | None:
        """Return the output format that `omni` uses with this profile: its own, else the file's, else None."""
        return self.text("defaultOutputFormat") or self.common_format

    @property
    def is_renewed(self) -> bool:
        """Return whether the profile is a session that `omni` renews."""
        return self.auth == "oauth" and self.text("refreshToken") is not None

    def has_expired(self, now: datetime) -> bool:
        """Return whether `omni` would renew the session now. It treats an unreadable time as "never"."""
        try:
            return now >= parse_time(self.text("tokenExpiresAt")) - _AHEAD
        except ValueError:
            return False

    def secrets(self) -> list[str]:
        """Return the keys of all secrets in plain text."""
        return [key for key in SECRETS if self.text(key)]

    def unused_secrets(self) -> list[str]:
        """Return the keys of the secrets that the auth method does not use: left over from another method."""
        return [key for key in self.secrets() if key not in CREDENTIAL[self.auth]]

    def found(self, now: datetime) -> Found:
        """Return the profile for an import. Raises ConfigInvalid if its content, endpoint or expiry time is invalid."""
        check_profile(self.file, self.name, self.table)
        endpoint = self.text("apiEndpoint")
        if endpoint is None:
            raise self.file.wrong(f"profile `{self.name}`", "has no `apiEndpoint`", "give it one")
        origin = self.file.origin(f"profile `{self.name}`: `apiEndpoint`", endpoint)
        if self.auth == "oauth":
            return Found(self.name, origin, "oauth", self._session(origin, now), self.output_format)
        return Found.with_key(self.name, origin, self._key("apiKey"), now, self.output_format)

    def _session(self, origin: Origin, now: datetime) -> StoredSecret | None:
        token, refresh, expires_at = self._key("accessToken"), self._key("refreshToken"), self._expires_at()
        if token is None:
            return None
        session = StoredSecret(origin, Secret(token), now, expires_at, client_id=CLIENT_ID, scope=SCOPE)
        if refresh is None:
            return session
        # Without an expiry time it may have expired, so it is refreshed before its first use.
        return replace(session, refresh_token=Secret(refresh), expires_at=expires_at or now)

    def _key(self, name: str) -> str | None:
        """Return the secret at `name`. Raises ConfigInvalid if it is neither a key nor a reference to one."""
        value = self.text(name)
        what = not_a_key(value) if value else None
        if what and value and not (name == "apiKey" and command_for(value)):
            raise self.file.wrong(f"profile `{self.name}`: `{name}`", f"is {what}, not a key", "write the key itself")
        return value

    def _expires_at(self) -> datetime | None:
        text = self.text("tokenExpiresAt")
        if text is None or text.startswith(_NO_TIME):
            return None
        try:
            return parse_time(text)
        except ValueError as problem:
            raise self.file.wrong(
                f"profile `{self.name}`: `tokenExpiresAt`",
                f"{problem}, such as `2026-11-24T10:00:00Z`",
                f"run `omni config login {quoted_place(self.name)}`",
            ) from None
