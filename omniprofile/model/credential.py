"""The result of resolution: an origin and a token that belong together."""

from collections.abc import Callable
from datetime import datetime
from typing import NoReturn, Self

from omniprofile.model.credential_variables import credential_variables, encodable
from omniprofile.model.declaration import AuthMethod
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret


class Variables(dict[str, str]):
    """Environment variables by name, some of them secret: `repr` shows only the names."""

    def __repr__(self) -> str:
        return f"Variables({', '.join(self)})"

    __str__ = __repr__


ReadEnv = Callable[[], tuple[tuple[str, str | tuple[str, str] | Secret], ...]]


class Credential:
    """A token and the only origin that it may be sent to. It cannot be changed.

    `base_url` has no trailing slash. `expires_at` is an aware UTC time, or None for a key that does not expire.
    `of_profile` is false if the base URL and token are the environment's own. `read_env` reads the profile's `env`, including
    its secrets, once. `token` never appears in `repr`.
    """

    # Not a dataclass: that module alone imports a fifth of what `each` needs. Not a tuple, which callers could unpack.
    __slots__ = ("auth", "expires_at", "of_profile", "origin", "profile", "read_env", "secret")
    profile: str
    origin: Origin
    auth: AuthMethod
    secret: Secret
    expires_at: datetime | None
    of_profile: bool
    read_env: ReadEnv

    def __init__(
        self,
        profile: str,
        origin: Origin,
        auth: AuthMethod,
        secret: Secret,
        expires_at: datetime | None = None,
        *,
        of_profile: bool = True,
        read_env: ReadEnv = tuple,
    ) -> None:
        parts = {"profile": profile, "origin": origin, "auth": auth, "secret": secret, "expires_at": expires_at}
        for name, value in {**parts, "of_profile": of_profile, "read_env": read_env}.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a credential cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a credential cannot be changed")

    def __copy__(self) -> Self:
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Credential) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        return f"Credential({self.profile!r}, {self.base_url!r}, {self.auth!r}, {self.secret!r}, {self.expires_at!r})"

    def _parts(self) -> tuple[object, ...]:
        return self.profile, self.origin, self.auth, self.secret, self.expires_at, self.of_profile

    @property
    def token(self) -> str:
        """The bearer token (RFC 6750), in plain text."""
        return self.secret.reveal()

    @property
    def base_url(self) -> str:
        """The instance's base URL, such as `https://acme.omniapp.co`."""
        return str(self.origin)

    @property
    def organization_name(self) -> str | None:
        """NAME if the instance is `https://NAME.omniapp.co`, else None."""
        return self.origin.organization_name

    @property
    def env(self) -> tuple[tuple[str, str | tuple[str, str]], ...]:
        """The profile's `env` as `credential_variables` takes it, secrets in plain text. Raises what reading a secret raises."""
        return tuple((name, value.reveal() if isinstance(value, Secret) else value) for name, value in self.read_env())

    @property
    def secrets(self) -> list[Secret]:
        """The token and the secrets of the profile's `env`. Raises what reading a secret raises."""
        return [self.secret, *(value for _, value in self.read_env() if isinstance(value, Secret))]

    def variables(self) -> Variables:
        """Return every variable that `exec` would set for a command: the credential and the profile's `env`, unmasked.

        Use it in `subprocess.run(…, env=os.environ | credential.variables())`. Reads the secrets of `env` now, and raises
        `omniprofile.Error` if one is missing or refused.
        """
        return Variables(encodable(credential_variables(self, self.base_url, self.token)))
