"""The variables that can override a profile's values, and its store. `overrides` applies the former.

On the fast path: imports nothing.
"""

from omniprofile.model.export_mark import own_values
from omniprofile.model.variable_names import BASE_URL, TOKENS, base_url_variable, token_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

STORE_VARIABLE = "OMNIPROFILE_SECRET_STORE"
TIMEOUT_VARIABLE = "OMNIPROFILE_KEYRING_TIMEOUT"


def asked_store(environ: "Mapping[str, str]") -> str | None:
    """Return the store that `OMNIPROFILE_SECRET_STORE` asks for, `keyring` or `file`. Raises ConfigInvalid for another value."""
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
    """Return the profile's own variables, which always apply to it."""
    return token_variable(profile), base_url_variable(profile)


def environment_pair(profile: str, environ: "Mapping[str, str]") -> tuple[str, ...]:
    """Return the variables of a base URL and a token that the user set to replace `profile` together; empty if there are none.

    They do so only if no profile is named on the command line.
    """
    own = own_values(environ)
    tokens = [name for name in TOKENS if environ.get(name) and name not in own]
    base_urls = [base_url_variable(profile)] + [BASE_URL] * (BASE_URL not in own)
    given = [name for name in base_urls if environ.get(name)]
    if not tokens or not given or environ.get(token_variable(profile)):
        return ()
    return given[0], tokens[0]


def belongs_elsewhere(variable: str | None, base_url: str, environ: "Mapping[str, str]") -> str:
    """Return the origin that the user set along with the token in `variable`, if it is not `base_url`.

    Returns an empty text if the token may go to `base_url`: it is not in one of the vendor's variables, or the user set no
    base URL.
    """
    own = own_values(environ)
    given = environ.get(BASE_URL)
    if variable not in TOKENS or variable in own or not given or BASE_URL in own:
        return ""
    from omniprofile.model.origin import NotAnOrigin, Origin, without_api_path

    try:
        origin = str(Origin.parse(without_api_path(given)))
    except NotAnOrigin as problem:
        origin = problem.suggestion or "an invalid base URL"
    return "" if origin == base_url else origin


def nothing_overrides(profile: str, environ: "Mapping[str, str]") -> bool:
    """Whether no variable applies to `profile`, named or not, so that the files alone decide."""
    if any(environ.get(variable) for variable in profile_variables(profile)):
        return False
    given = [variable for variable in (*TOKENS, BASE_URL) if environ.get(variable)]
    return not given or own_values(environ).issuperset(given)
