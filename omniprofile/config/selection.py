"""Selecting the profile: the first layer that names one decides, even if that profile does not exist.

`select` is for the full path, `choose` for the fast path, where it imports only what a bare interpreter has loaded.
"""

from omniprofile.config.paths import find_pin
from omniprofile.config.state import StateFile
from omniprofile.model.compiled_profile import Undecided
from omniprofile.model.names import is_valid
from omniprofile.system.files import read_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from omniprofile.config.paths import Places
    from omniprofile.model.declaration import Config
    from omniprofile.model.provenance import Provenance, Sourced
    from omniprofile.model.resolution import Overridden, Selection
    from omniprofile.system.foreign_access import ForeignAccess

    Layered = Callable[[], Sourced[str] | None]
    """A layer, called only if no stronger one answers. It returns an answer or None, or raises: broken is not absent."""

ORDER = ("flag", "environment", "project", "state", "defaults", "builtin")
"""The layers, strongest first: the command line, `OMNI_PROFILE`, the project pin, the active profile, `default` in the file,
the only profile."""
VARIABLE = "OMNI_PROFILE"

LARGEST_PIN = 64 * 1024
"""The most bytes in a pin, which is one line, and may come from anyone."""


def plain_pin(content: bytes) -> str | None:
    """Return the name in a pin that is the one line `profile = "NAME"` and nothing else; None for any other pin, valid or not."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    key, _, value = text.strip(" \t\n").partition("=")
    value = value.strip(" \t")
    name = value[1:-1]
    return name if key.rstrip(" \t") == "profile" and value == f'"{name}"' and is_valid(name) else None


def choose(
    named: str | None,
    *,
    environ: "Mapping[str, str]",
    cwd: str,
    places: "Places",
    default: str | None,
    trusted: "Sequence[str]",
    profiles: "Collection[str]",
) -> tuple[str, str]:
    """Return the current profile and the layer that selects it. Raises Undecided if there is an error or notice.

    `default`, the `trusted` folders and `profiles` come from the files.
    """
    says: dict[str, Callable[[], str | None]] = {
        "flag": lambda: named,
        "environment": lambda: environ.get(VARIABLE),
        "project": lambda: _pinned(cwd, places, trusted),
        "state": lambda: StateFile(places.state_folder, places.home).read()[0],
        "defaults": lambda: default,
        "builtin": lambda: next(iter(profiles)) if len(profiles) == 1 else None,
    }
    for layer in ORDER:
        if name := says[layer]():
            if name in profiles:
                return name, layer
            break
    raise Undecided


def _pinned(cwd: str, places: "Places", trusted: "Sequence[str]") -> str | None:
    ignored: list[tuple[str, ForeignAccess]] = []
    path = find_pin(cwd, places.home, lambda: trusted, ignored)
    profile = plain_pin(read_regular(path, LARGEST_PIN)) if path else None
    if ignored or (path and profile is None):
        raise Undecided
    return profile


def select(
    config: "Config",
    *,
    named: "Sourced[str] | None",
    environ: "Mapping[str, str]",
    pin: "Layered",
    state: "Layered",
    overridden: bool,
) -> "Selection":
    """Return the current profile. `named` comes from the command line; `overridden` also asks the weaker layers.

    Raises NoSuchProfile if the deciding layer names a profile that no file defines, NoProfileSelected if no layer names one, and
    whatever a layer raises.
    """
    from omniprofile.errors import NoProfileSelected
    from omniprofile.model.provenance import Layer, Provenance, Sourced
    from omniprofile.model.resolution import Selection

    def environment() -> "Sourced[str] | None":
        name = environ.get(VARIABLE)
        return Sourced(name, Provenance(Layer.ENVIRONMENT, VARIABLE)) if name else None

    def only() -> "Sourced[str] | None":
        if len(config.profiles) != 1:
            return None
        (profile,) = config.profiles.values()
        return Sourced(profile.name, Provenance(Layer.BUILTIN, "the only profile", profile.file, profile.line))

    says: dict[str, Layered] = {
        "flag": lambda: named,
        "environment": environment,
        "project": pin,
        "state": state,
        "defaults": lambda: config.default,
        "builtin": only,
    }
    layers = iter([says[layer] for layer in ORDER])
    winner = next((answer for layer in layers if (answer := layer()) is not None), None)
    if winner is not None:
        require_profile(config, winner.value, winner.provenance)
        return Selection(winner.value, winner.provenance, tuple(_overridden(layers, winner)) if overridden else ())
    if not config.profiles:
        raise NoProfileSelected("no profile is defined yet", hint="run `omniprofile init` to make the first one")
    from omniprofile.model.names import quoted_list

    raise NoProfileSelected(
        f"no profile is selected, and {len(config.profiles)} are defined",
        hint=f"name one, or choose with `omniprofile use NAME`: {quoted_list(sorted(config.profiles)[:5])}",
    )


def require_profile(config: "Config", name: str, provenance: "Provenance") -> None:
    """Raise NoSuchProfile unless a file defines `name`. The message says which layer named it and what was probably meant."""
    if name in config.profiles:
        return
    from omniprofile.errors import NoSuchProfile
    from omniprofile.model.names import RULE, closest, holds_key, nearest_valid, printable, quoted_list

    role = f"key `default` ({provenance.place})" if provenance.layer == "defaults" else str(provenance)
    source = f": the {role} names it"
    if provenance.layer == "flag":  # or a library call, which has no name
        source = " (named on the command line)" if provenance.name else ""
    if holds_key(name):
        raise NoSuchProfile(
            f"what the {role} gives as a profile's name looks like an API key",
            hint="`omniprofile login NAME` asks for the key without showing it; revoke this one if others can see "
            "this machine's processes or your shell's history",
        )
    if not name:
        raise NoSuchProfile("the profile's name is empty", hint="`omniprofile list` shows the names")
    near = closest(name, config.profiles)
    if not is_valid(name):
        raise NoSuchProfile(
            f"`{printable(name)}` is not a valid profile name{source}",
            hint=f"did you mean {quoted_list(dict.fromkeys([*near, nearest_valid(name)]))}? A name has {RULE}",
        )
    if near:
        hint = f"did you mean {quoted_list(near)}? `omniprofile list` shows all"
    elif config.profiles:
        more = "; `omniprofile list` shows all" if len(config.profiles) > 5 else ""
        hint = f"available profiles: {', '.join(f'`{each}`' for each in sorted(config.profiles)[:5])}{more}"
    else:
        hint = "no profile is defined yet: run `omniprofile init`"
    raise NoSuchProfile(f"profile `{name}` not found{source}", hint=hint)


def _overridden(weaker: "Iterator[Layered]", winner: "Sourced[str]") -> "Iterator[Overridden]":
    from omniprofile.errors import ConfigInvalid
    from omniprofile.model.provenance import Layer, Provenance
    from omniprofile.model.resolution import Overridden

    for layer in weaker:
        try:
            answer = layer()
        except ConfigInvalid as problem:
            yield Overridden(None, Provenance(Layer.PROJECT), f"cannot be read: {problem}")
            continue
        if answer is not None and answer.provenance.layer is not Layer.BUILTIN:
            yield Overridden(answer.value, answer.provenance, f"{winner.provenance} takes precedence")
