"""`OMNIPROFILE_EXPORTED`: the mark that `omniprofile env` sets in a shell along with the variables that it exports.

Without it, an exported token would look like the user's own override, and `omniprofile exec prod` would run with the token
of staging. The mark names the profile and every exported variable, with a checksum of its value: a variable that the user
changes afterwards is an override again. Variables with a prefix of `exec --as` have a mark with that prefix.

The checksum is a CRC-32: it must detect a change, not an attack, since anyone who can set the mark can set the token too.
It reveals 32 bits of a secret, but only to those who can read the environment, and so the secret itself.

On the fast path: imports only what a bare interpreter has loaded, and the checksum function when it is needed.
"""

from omniprofile.model.variable_names import MARKER, TOKENS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


class Mark:
    """The content of a mark: the profile, the checksum of its base URL, and that of each exported variable, in order."""

    def __init__(self, profile: str, base_url: str, variables: "Mapping[str, str]") -> None:
        self.profile = profile
        self.base_url = base_url
        self.variables = variables

    def is_for(self, profile: str, base_url: str) -> bool:
        """Whether the variables were exported for `profile` at `base_url`."""
        return (self.profile, self.base_url) == (profile, checksum(base_url))


def mark_of(profile: str, variables: "Mapping[str, str]", base_url: str) -> str:
    """Return the value of the mark for `variables`, exported for `base_url`, which they may hold in another form or not at all.

    It is `PROFILE,@=CHECKSUM,NAME=CHECKSUM,…`, which needs no quotes in any shell or file.
    """
    summed = {_ORIGIN: base_url} | {name: value for name, value in variables.items() if name != MARKER}
    return ",".join([profile, *(f"{name}={checksum(value)}" for name, value in summed.items())])


def read_mark(environ: "Mapping[str, str]", prefix: str = "") -> Mark | None:
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
    return Mark(profile, base_url, variables) if profile and variables else None


def own_values(environ: "Mapping[str, str]", prefix: str = "") -> frozenset[str]:
    """Return the variables that still have the value that `omniprofile env` gave them, so are not overrides by the user.

    With `prefix`, return those that `exec --as` gave its child with this prefix.
    """
    mark = read_mark(environ, prefix)
    given = [(prefix + name, summed) for name, summed in mark.variables.items()] if mark else ()
    return frozenset(name for name, summed in given if name in environ and checksum(environ[name]) == summed)


def _marks(environ: "Mapping[str, str]") -> "Iterator[tuple[str, Mark]]":
    """Yield every mark with its prefix, which is empty or one of `exec --as`."""
    for name in environ:
        if name.endswith(MARKER) and (mark := read_mark(environ, prefix := name.removesuffix(MARKER))) is not None:
            yield prefix, mark


def values_of_another(environ: "Mapping[str, str]", profile: str, base_url: str) -> dict[str, str]:
    """Return the variables that still hold a value exported for another profile, or for this one at another base URL.

    Maps each to the profile that it was exported for. Such a value belongs to that profile and origin alone, and is never a key
    of `profile`. The marks are included.
    """
    return {
        name: mark.profile
        for prefix, mark in _marks(environ)
        if not mark.is_for(profile, base_url)
        for name in (prefix + MARKER, *own_values(environ, prefix))
    }


def key_in_environment(
    environ: "Mapping[str, str]", variable: str, profile: str, base_url: str, exported_as: "tuple[str, ...]" = TOKENS
) -> str:
    """Return the key or secret that `variable` holds for `profile` at `base_url`, or an empty text.

    A value exported for another profile or base URL does not count. If `variable` is unset, as `exec` leaves it for its child, an
    unchanged value exported for this profile and base URL as one of `exported_as` replaces it.
    """
    if variable in values_of_another(environ, profile, base_url):
        return ""
    given = [variable]
    for prefix, mark in _marks(environ):
        if mark.is_for(profile, base_url):
            own = own_values(environ, prefix)
            given += [prefix + name for name in exported_as if prefix + name in own]
    return next(filter(None, map(environ.get, given)), "")


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
