"""The names of the variables that carry a credential or steer what uses it, and which of them a profile's `env` may set.

On the fast path: imports nothing.
"""

MARKER = "OMNIPROFILE_EXPORTED"
"""Marks the variables that `omniprofile env` exported (`model.export_mark`)."""
CHILD = "OMNIPROFILE_CHILD"
"""Describes to omniprofile in a child of `exec` what it was given (`handover.child_credential`)."""

TOKENS = TOKEN, TOKEN_FOR_SDK = "OMNI_API_TOKEN", "OMNI_API_KEY"
"""The variables for the token: the vendor's CLI reads the first, the Python SDKs the second."""
BASE_URL, PROFILE, ORGANIZATION = "OMNI_BASE_URL", "OMNI_PROFILE", "OMNI_ORGANIZATION_NAME"
OWN = (*TOKENS, BASE_URL, PROFILE, ORGANIZATION)
"""The variables that carry the credential itself. A profile's `env` may alias each, or leave it out with an empty text."""

INSECURE = "OMNI_CLI_DANGEROUSLY_ALLOW_INSECURE_REQUESTS"
"""Lets the vendor's CLI send a token to a non-Omni host, and over http."""
STEERING = ("OMNI_CONFIG_PATH", "OMNI_CONFIG_DIR", INSECURE)
"""Variables that would make the vendor's CLI use another credential, or send this one unencrypted."""
RESERVED = frozenset((*OWN, *STEERING))
"""Variables that a profile's `env` may not set, except OWN; nor may it set one that begins with one of RESERVED_PREFIXES."""
RESERVED_PREFIXES = ("OMNIPROFILE_", "OMNI_PROFILE_")


def is_reserved(variable: str) -> bool:
    """Whether a profile's `env` may not set `variable`: it carries the credential, or controls omniprofile or a consumer.

    Names are compared in upper case, as Windows does. The models decide which values are allowed for OWN.
    """
    name = variable.upper()
    return variable not in OWN and (name in RESERVED or name.startswith(RESERVED_PREFIXES))


def variable_stem(profile: str) -> str:
    """Return the middle of a profile's own variables: upper case, with `_` for other characters (`my-conn` gives `MY_CONN`)."""
    return "".join(char.upper() if char.isascii() and char.isalnum() else "_" for char in profile)


def token_variable(profile: str) -> str:
    """Return the variable that always holds a token for `profile`."""
    return f"OMNI_PROFILE_{variable_stem(profile)}_TOKEN"


def base_url_variable(profile: str) -> str:
    """Return the variable that always holds the base URL of `profile`."""
    return f"OMNI_PROFILE_{variable_stem(profile)}_BASE_URL"
