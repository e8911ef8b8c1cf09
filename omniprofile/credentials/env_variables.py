"""The variables that can take the place of a profile's own values, and of its store.

What the former do is in `overrides`.

On the fast path: imports nothing.
"""

from omniprofile.model.exported import BASE_URL, TOKENS, own_values
from omniprofile.model.names import base_url_variable, token_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

STORE_VARIABLE = "OMNIPROFILE_SECRET_STORE"
TIMEOUT_VARIABLE = "OMNIPROFILE_KEYRING_TIMEOUT"


def asked_store(environ: "Mapping[str, str]") -> str | None:
    """Return the store that `OMNIPROFILE_SECRET_STORE` asks for, `keyring` or `file`. Raises ConfigInvalid for another."""
    asked = environ.get(STORE_VARIABLE) or None
    if asked not in (None, "keyring", "file"):
        from omniprofile.errors import ConfigInvalid
        from omniprofile.model.names import printable

        raise ConfigInvalid(
            f"the value of `{STORE_VARIABLE}` is `{printable(asked)}`",
            hint="set it to `keyring` or `file`, or unset it",
        )
    return asked


def profile_variables(profile: str) -> tuple[str, ...]:
    """Return the profile's own variables: they apply to it always."""
    return token_variable(profile), base_url_variable(profile)


def environment_pair(profile: str, environ: "Mapping[str, str]") -> tuple[str, ...]:
    """Return the variables of a base URL and a token that the user set and that together replace `profile`, or nothing.

    That holds where no profile is named on the command line.
    """
    own = own_values(environ)
    tokens = [name for name in TOKENS if environ.get(name) and name not in own]
    base_urls = [base_url_variable(profile)] + [BASE_URL] * (BASE_URL not in own)
    given = [name for name in base_urls if environ.get(name)]
    if not tokens or not given or environ.get(token_variable(profile)):
        return ()
    return given[0], tokens[0]


def belongs_elsewhere(variable: str | None, base_url: str, environ: "Mapping[str, str]") -> str:
    """Return the origin that the token in `variable` goes with, where the user set that beside it and it is not `base_url`.

    An empty text where it may go to `base_url`: it is none of the vendor's variables, or no base URL was set with it.
    """
    own = own_values(environ)
    given = environ.get(BASE_URL)
    if variable not in TOKENS or variable in own or not given or BASE_URL in own:
        return ""
    from omniprofile.model.origin import NotAnOrigin, Origin

    try:
        origin = str(Origin.parse(given))
    except NotAnOrigin as problem:
        origin = problem.suggestion or "an invalid base URL"
    return "" if origin == base_url else origin


def nothing_overrides(profile: str, environ: "Mapping[str, str]") -> bool:
    """Whether no variable applies to `profile`, nor would if it were not named: the files alone decide."""
    if any(environ.get(variable) for variable in profile_variables(profile)):
        return False
    given = [variable for variable in (*TOKENS, BASE_URL) if environ.get(variable)]
    return not given or own_values(environ).issuperset(given)
