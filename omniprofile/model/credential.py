"""What resolution gives: an origin and a token that belong together."""

from dataclasses import dataclass
from datetime import datetime

from omniprofile.model.declaration import AuthMethod
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and the one origin that it may be sent to.

    `base_url` has no trailing slash. `expires_at` is an aware UTC time, or None for a key that does not expire.
    `of_profile` is false for a base URL and token of the environment's own. `token` never appears in `repr`.
    """

    profile: str
    origin: Origin
    auth: AuthMethod
    secret: Secret
    expires_at: datetime | None = None
    env: tuple[tuple[str, str], ...] = ()
    of_profile: bool = True

    @property
    def token(self) -> str:
        """The bearer token (RFC 6750), in clear."""
        return self.secret.reveal()

    @property
    def base_url(self) -> str:
        """The instance's base URL, such as `https://acme.omniapp.co`."""
        return str(self.origin)

    @property
    def organization_name(self) -> str | None:
        """NAME where the instance is `https://NAME.omniapp.co`, else None."""
        return self.origin.organization_name
