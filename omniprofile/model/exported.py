"""`OMNIPROFILE_EXPORTED`: the mark that `omniprofile env` leaves in a shell beside what it exported.

Without it, an exported token would look like an override that the user made, and `omniprofile exec prod` would run with the
token of staging. The mark names the profile and every exported variable with a checksum of its value: a variable that the
user has changed since is an override again. Variables with a prefix of `exec --as` have a mark with that prefix.

The checksum is a CRC-32: it must find a change, not withstand an attacker, for who can set the mark can set the token too.
Of a secret it gives 32 bits away to who can read the environment, and so can read the secret itself.

On the fast path: imports only what a bare interpreter has loaded, and the checksum when there is something to sum.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MARKER = "OMNIPROFILE_EXPORTED"
CHILD = "OMNIPROFILE_CHILD"
"""What `exec` handed over to its child, for our `omni` (`handover.omni`)."""

TOKENS = TOKEN, TOKEN_FOR_SDK = "OMNI_API_TOKEN", "OMNI_API_KEY"
"""The token: for the vendor's CLI, and for the Python SDKs."""
BASE_URL, PROFILE, ORGANIZATION = "OMNI_BASE_URL", "OMNI_PROFILE", "OMNI_ORGANIZATION_NAME"
OWN = (*TOKENS, BASE_URL, PROFILE, ORGANIZATION)
"""What the credential itself is handed over in. A profile's `env` may make an alias of each, or leave it out by an empty text."""

RESERVED = frozenset(
    {
        *OWN,
        # What would make a consumer take another credential, or send this one in the clear.
        "OMNI_CONFIG_PATH",
        "OMNI_CONFIG_DIR",
        "OMNI_CLI_DANGEROUSLY_ALLOW_INSECURE_REQUESTS",
    }
)
"""Variables that a profile's `env` may not set, but for OWN; nor any that begins with one of RESERVED_PREFIXES."""
RESERVED_PREFIXES = ("OMNIPROFILE_", "OMNI_PROFILE_")

_NEVER_OURS = frozenset(
    {
        "APPDATA", "COMSPEC", "HOME", "IFS", "LANG", "LOCALAPPDATA", "LOGNAME", "OLDPWD", "PATH", "PATHEXT", "PWD", "SHELL",
        "SYSTEMROOT", "TEMP", "TERM", "TMP", "TMPDIR", "USER", "USERPROFILE", "WINDIR",
    }
)  # fmt: skip
"""Variables that every program needs: a mark that claims one is not believed, so that a forged mark removes none of them."""

_LONGEST_MARK = 64 * 1024
_ORIGIN = "@"
"""Stands in the mark for the base URL: no variable is called so."""


def is_reserved(variable: str) -> bool:
    """Whether a profile's `env` may not set `variable`: it carries the credential, or steers omniprofile or a consumer.

    Names are compared in capitals, as Windows does; what may stand for one of OWN is for the models to say.
    """
    name = variable.upper()
    return variable not in OWN and (name in RESERVED or name.startswith(RESERVED_PREFIXES))


class Exported:
    """What the mark says: the profile, the checksum of its base URL, and that of each exported variable, in order."""

    __slots__ = ("base_url", "profile", "variables")

    def __init__(self, profile: str, base_url: str, variables: "Mapping[str, str]") -> None:
        self.profile = profile
        self.base_url = base_url
        self.variables = variables


def marker(profile: str, variables: "Mapping[str, str]", base_url: str) -> str:
    """Return the value of the mark for `variables`, exported for `base_url`, which they may have in another form or not at all.

    It is `PROFILE,@=CHECKSUM,NAME=CHECKSUM,…` and needs quotes in no shell and no file.
    """
    summed = {_ORIGIN: base_url} | {name: value for name, value in variables.items() if name != MARKER}
    return ",".join([profile, *(f"{name}={checksum(value)}" for name, value in summed.items())])


def exported(environ: "Mapping[str, str]", prefix: str = "") -> Exported | None:
    """Read the mark of the variables that begin with `prefix`.

    None if there is none, or if it is not one of ours: a damaged mark says nothing.
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
    """Return the variables that still have the value that `omniprofile env` gave them: no overrides by the user.

    With `prefix`, those that `exec --as` gave to its child with this prefix.
    """
    mark = exported(environ, prefix)
    given = [(prefix + name, summed) for name, summed in mark.variables.items()] if mark else ()
    return frozenset(name for name, summed in given if name in environ and checksum(environ[name]) == summed)


def _marks(environ: "Mapping[str, str]") -> "Iterator[tuple[str, Exported]]":
    """Yield every mark, without a prefix and with those of `exec --as`."""
    for name in environ:
        if name.endswith(MARKER) and (mark := exported(environ, prefix := name.removesuffix(MARKER))) is not None:
            yield prefix, mark


def values_of_another(environ: "Mapping[str, str]", profile: str, base_url: str) -> dict[str, str]:
    """Return the variables that still hold what was exported for another profile, or for this one at another base URL.

    Each has the name of the profile that it was exported for. Such a value is a credential of that profile and origin, and of
    no other: it is not a key of `profile`. The marks are among them.
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
    """Return what was exported as one of `names` for `profile` at `base_url` and is unchanged, or an empty text.

    It stands in for the variable that the key or secret came from, which `exec` removes from its child.
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

    What was exported for another profile or base URL is none; what was exported for this one as one of `exported_as` stands in
    for an unset one.
    """
    if variable in values_of_another(environ, profile, base_url):
        return ""
    return environ.get(variable) or exported_secret(environ, profile, base_url, exported_as)


def without_values_of_another(environ: "Mapping[str, str]", profile: str, base_url: str) -> "dict[str, str]":
    """Return `environ` without what was exported for another profile or base URL, and without the mark of that."""
    theirs = values_of_another(environ, profile, base_url)
    return {name: value for name, value in environ.items() if name not in theirs}


def checksum(value: str) -> str:
    """Return the CRC-32 of `value`, in eight hexadecimal digits.

    A value that comes back from a process whose locale cannot decode it has the checksum of the text.
    """
    from binascii import crc32

    try:
        octets = value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair, which Windows may hold
        octets = value.encode("utf-8", "surrogatepass")
    return f"{crc32(octets):08x}"
