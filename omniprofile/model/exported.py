"""`OMNIPROFILE_EXPORTED`: the mark that `omniprofile env` sets in a shell along with the variables that it exports.

Without it, an exported token would look like the user's own override, and `omniprofile exec prod` would run with the token
of staging. The mark names the profile and every exported variable, with a checksum of its value: a variable that the user
changes afterwards is an override again. Variables with a prefix of `exec --as` have a mark with that prefix.

The checksum is a CRC-32: it must detect a change, not an attack, since anyone who can set the mark can set the token too.
It reveals 32 bits of a secret, but only to those who can read the environment, and so the secret itself.

On the fast path: imports only what a bare interpreter has loaded, and the checksum function when it is needed.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MARKER = "OMNIPROFILE_EXPORTED"
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

_NEVER_OURS = frozenset(
    {
        "APPDATA", "COMSPEC", "HOME", "IFS", "LANG", "LOCALAPPDATA", "LOGNAME", "OLDPWD", "PATH", "PATHEXT", "PWD", "SHELL",
        "SYSTEMROOT", "TEMP", "TERM", "TMP", "TMPDIR", "USER", "USERPROFILE", "WINDIR",
    }
)  # fmt: skip
"""Variables that every program needs. A mark's claim to one is ignored, so that a forged mark cannot remove it."""

_LONGEST_MARK = 64 * 1024
_ORIGIN = "@"
"""Stands for the base URL in the mark. No variable can have this name."""


def is_reserved(variable: str) -> bool:
    """Whether a profile's `env` may not set `variable`: it carries the credential, or controls omniprofile or a consumer.

    Names are compared in upper case, as Windows does. The models decide which values are allowed for OWN.
    """
    name = variable.upper()
    return variable not in OWN and (name in RESERVED or name.startswith(RESERVED_PREFIXES))


class Exported:
    """The content of a mark: the profile, the checksum of its base URL, and that of each exported variable, in order."""

    def __init__(self, profile: str, base_url: str, variables: "Mapping[str, str]") -> None:
        self.profile = profile
        self.base_url = base_url
        self.variables = variables


def marker(profile: str, variables: "Mapping[str, str]", base_url: str) -> str:
    """Return the value of the mark for `variables`, exported for `base_url`, which they may hold in another form or not at all.

    It is `PROFILE,@=CHECKSUM,NAME=CHECKSUM,…`, which needs no quotes in any shell or file.
    """
    summed = {_ORIGIN: base_url} | {name: value for name, value in variables.items() if name != MARKER}
    return ",".join([profile, *(f"{name}={checksum(value)}" for name, value in summed.items())])


def exported(environ: "Mapping[str, str]", prefix: str = "") -> Exported | None:
    """Read the mark of the variables that begin with `prefix`.

    Returns None if there is none, or if it is damaged or not omniprofile's.
    """
    text = environ.get(prefix + MARKER)
    if not text or len(text) > _LONGEST_MARK:
        return None
    profile, *pairs = text.split(",")
    variables = {}
    for pair in pairs:
        name, _, summed = pair.partition("=")
        if len(summed) != 8 or not (name == _ORIGIN or (name.isidentifier() and name.isascii())):
            return None
        if name.upper() not in _NEVER_OURS:
            variables[name] = summed
    base_url = variables.pop(_ORIGIN, "")
    return Exported(profile, base_url, variables) if profile and variables else None


def own_values(environ: "Mapping[str, str]", prefix: str = "") -> frozenset[str]:
    """Return the variables that still have the value that `omniprofile env` gave them, so are not overrides by the user.

    With `prefix`, return those that `exec --as` gave its child with this prefix.
    """
    mark = exported(environ, prefix)
    given = [(prefix + name, summed) for name, summed in mark.variables.items()] if mark else ()
    return frozenset(name for name, summed in given if name in environ and checksum(environ[name]) == summed)


def _marks(environ: "Mapping[str, str]") -> "Iterator[tuple[str, Exported]]":
    """Yield every mark with its prefix, which is empty or one of `exec --as`."""
    for name in environ:
        if name.endswith(MARKER) and (mark := exported(environ, prefix := name.removesuffix(MARKER))) is not None:
            yield prefix, mark


def values_of_another(environ: "Mapping[str, str]", profile: str, base_url: str) -> dict[str, str]:
    """Return the variables that still hold a value exported for another profile, or for this one at another base URL.

    Maps each to the profile that it was exported for. Such a value belongs to that profile and origin alone, and is never a key
    of `profile`. The marks are included.
    """
    return {
        name: mark.profile
        for prefix, mark in _marks(environ)
        if (mark.profile, mark.base_url) != (profile, checksum(base_url))
        for name in (prefix + MARKER, *own_values(environ, prefix))
    }


def exported_secret(
    environ: "Mapping[str, str]", profile: str, base_url: str, names: "tuple[str, ...]" = TOKENS
) -> str:
    """Return the unchanged value that was exported as one of `names` for `profile` at `base_url`, or an empty text.

    It replaces the variable that the key or secret came from, which `exec` removes from its child.
    """
    for prefix, mark in _marks(environ):
        if (mark.profile, mark.base_url) == (profile, checksum(base_url)):
            own = own_values(environ, prefix)
            for name in names:
                if prefix + name in own:
                    return environ[prefix + name]
    return ""


def key_in_environment(
    environ: "Mapping[str, str]", variable: str, profile: str, base_url: str, exported_as: "tuple[str, ...]" = TOKENS
) -> str:
    """Return the key or secret that `variable` holds for `profile` at `base_url`, or an empty text.

    A value exported for another profile or base URL does not count. If `variable` is unset, a value exported for this profile
    and base URL as one of `exported_as` replaces it.
    """
    if variable in values_of_another(environ, profile, base_url):
        return ""
    return environ.get(variable) or exported_secret(environ, profile, base_url, exported_as)


def without_values_of_another(environ: "Mapping[str, str]", profile: str, base_url: str) -> "dict[str, str]":
    """Return `environ` without the values exported for another profile or base URL, and without their marks."""
    theirs = values_of_another(environ, profile, base_url)
    return {name: value for name, value in environ.items() if name not in theirs}


def checksum(value: str) -> str:
    """Return the CRC-32 of `value`, in eight hexadecimal digits.

    A value that Python could not decode in the process's locale has the same checksum as the text.
    """
    from binascii import crc32

    try:
        octets = value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate, which Windows allows
        octets = value.encode("utf-8", "surrogatepass")
    return f"{crc32(octets):08x}"
