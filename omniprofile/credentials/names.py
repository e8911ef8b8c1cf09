"""The variables that can take the place of a profile's own values (PRODUCT section 4), and of its store.

What the former do is in `overrides`.

On the short path: imports nothing.
"""

from omniprofile.model.exported import own_values
from omniprofile.model.names import base_url_variable, token_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VENDOR_TOKENS = ("OMNI_API_TOKEN", "OMNI_API_KEY")
VENDOR_BASE_URL = "OMNI_BASE_URL"
STORE_VARIABLE = "OMNIPROFILE_SECRET_STORE"


def profile_variables(profile: str) -> tuple[str, ...]:
    """The profile's own variables: they apply to it always."""
    return token_variable(profile), base_url_variable(profile)


def vendor_variables() -> tuple[str, ...]:
    """The vendor's variables: they apply to the profile in use."""
    return *VENDOR_TOKENS, VENDOR_BASE_URL


def nothing_overrides(profile: str, environ: "Mapping[str, str]") -> bool:
    """Whether no variable applies to `profile`, nor would if it were not named: the files alone decide."""
    if any(environ.get(variable) for variable in profile_variables(profile)):
        return False
    given = [variable for variable in vendor_variables() if environ.get(variable)]
    return not given or own_values(environ).issuperset(given)
