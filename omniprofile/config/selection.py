"""Selecting the profile: the first layer that names one decides, even if that profile does not exist.

`select` is for the full path, `choose` for the fast path, where it imports only what a bare interpreter has loaded.
"""

from omniprofile.config.pin import LARGEST_PIN, find_pin, plain_pin
from omniprofile.config.state import StateFile
from omniprofile.model.compiled_profile import Undecided
from omniprofile.system.files import read_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from omniprofile.config.paths import Places
    from omniprofile.model.declaration import Config
    from omniprofile.model.provenance import Sourced
    from omniprofile.model.resolution import Overridden, Selection

    Layered = Callable[[], Sourced[str] | None]
    """A layer, called only if no stronger one answers. It returns an answer or None, or raises: broken is not absent."""

ORDER = ("flag", "environment", "project", "state", "defaults", "builtin")
"""The layers, strongest first: the command line, `OMNI_PROFILE`, the project pin, the active profile, `default` in the file,
the only profile."""
VARIABLE = "OMNI_PROFILE"


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
    path, ignored = find_pin(cwd, places.home, lambda: trusted)
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

    by_variable = environ.get(VARIABLE)
    only = next(iter(config.profiles.values())) if len(config.profiles) == 1 else None
    says: dict[str, Layered] = {
        "flag": lambda: named,
        "environment": lambda: Sourced(by_variable, Provenance(Layer.ENVIRONMENT, VARIABLE)) if by_variable else None,
        "project": pin,
        "state": state,
        "defaults": lambda: config.default,
        "builtin": lambda: (
            Sourced(only.name, Provenance(Layer.BUILTIN, "the only profile", only.file, only.line)) if only else None
        ),
    }
    layers = iter([says[layer] for layer in ORDER])
    winner = next((answer for layer in layers if (answer := layer()) is not None), None)
    if winner is not None:
        from omniprofile.config.name_patterns import require_profile

        require_profile(config, winner.value, winner.provenance)
        return Selection(winner.value, winner.provenance, tuple(_overridden(layers, winner)) if overridden else ())
    if not config.profiles:
        raise NoProfileSelected("no profile is defined yet", hint="run `omniprofile init` to make the first one")
    from omniprofile.model.names import quoted_list

    raise NoProfileSelected(
        f"no profile is selected, and {len(config.profiles)} are defined",
        hint=f"name one, or choose with `omniprofile use NAME`: {quoted_list(sorted(config.profiles)[:5])}",
    )


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
