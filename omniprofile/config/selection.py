"""Choosing the profile: the first layer that names one decides, and nothing falls through. `select` is for the full path,
`choose` for the fast one.

On the fast path: imports only what a bare interpreter has loaded.
"""

from omniprofile.config.paths import find_pin
from omniprofile.config.state import StateFile
from omniprofile.model.compiled_profile import Undecided
from omniprofile.model.names import is_valid
from omniprofile.system.files import read_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import TypeVar

    from omniprofile.config.paths import Places
    from omniprofile.errors import Error
    from omniprofile.model.declaration import Config
    from omniprofile.model.provenance import Provenance, Sourced
    from omniprofile.model.resolution import Overridden, Selection
    from omniprofile.system.access import ForeignAccess

    T = TypeVar("T")
    AnyLayer = Callable[[], T | None]
    """A layer, asked only when no stronger one has answered. Answers, is absent (None), or raises: broken is not absent."""
    Layered = AnyLayer[Sourced[str]]

VARIABLE = "OMNI_PROFILE"

LARGEST_PIN = 64 * 1024
"""No pin is larger, in bytes: it holds one line, and may come from anybody."""


def in_order(
    *,
    named: "AnyLayer[T]",
    environment: "AnyLayer[T]",
    pin: "AnyLayer[T]",
    active: "AnyLayer[T]",
    default: "AnyLayer[T]",
    only: "AnyLayer[T]",
) -> "Iterator[AnyLayer[T]]":
    """Return the layers, strongest first.

    They are the command line, `OMNI_PROFILE`, the project pin, the active profile, `default` in the file, the only profile.
    """
    return iter((named, environment, pin, active, default, only))


def first_answer(layers: "Iterator[AnyLayer[T]]") -> "T | None":
    """Ask layers until one answers, and return that; the weaker ones are left in `layers`. Raises what a layer raises."""
    for layer in layers:
        if (answer := layer()) is not None:
            return answer
    return None


def plain_pin(content: bytes) -> str | None:
    """Return the name in a pin that is the one line `profile = "NAME"` and nothing else; None for any other, good or bad."""
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
    """Return the current profile, and the layer that selects it. Raises Undecided where there is something to say of it.

    `default`, `trusted` folders and `profiles` are what the files declare.
    """
    chosen: tuple[str, str] | None = first_answer(
        in_order(
            named=lambda: (named, "flag") if named else None,
            environment=lambda: (environ[VARIABLE], "environment") if environ.get(VARIABLE) else None,
            pin=lambda: _pinned(cwd, places, trusted),
            active=lambda: (active, "state") if (active := _active(places)) else None,
            default=lambda: (default, "defaults") if default else None,
            only=lambda: (next(iter(profiles)), "builtin") if len(profiles) == 1 else None,
        )
    )
    if chosen is None or chosen[0] not in profiles:
        raise Undecided
    return chosen


def _pinned(cwd: str, places: "Places", trusted: "Sequence[str]") -> tuple[str, str] | None:
    ignored: list[tuple[str, ForeignAccess]] = []
    path = find_pin(cwd, places.home, trusted, ignored)
    if ignored:
        raise Undecided
    if path is None:
        return None
    profile = plain_pin(read_regular(path, LARGEST_PIN))
    if profile is None:
        raise Undecided
    return profile, "project"


def _active(places: "Places") -> str | None:
    return StateFile(places.state_folder, places.home).read().active


def select(
    config: "Config",
    *,
    named: "Sourced[str] | None",
    environ: "Mapping[str, str]",
    pin: "Layered",
    state: "Layered",
    overridden: bool,
) -> "Selection":
    """Return the current profile. `named` is the one of the command line; with `overridden`, the weaker layers are asked as well.

    Raises NoSuchProfile when the deciding layer names a profile that no file defines, NoProfileSelected when no layer
    names one, and whatever a layer raises.
    """
    from omniprofile.model.resolution import Selection

    layers = in_order(
        named=lambda: named,
        environment=lambda: _from_environment(environ),
        pin=pin,
        active=state,
        default=lambda: config.default,
        only=lambda: _only_profile(config),
    )
    winner = first_answer(layers)
    if winner is None:
        raise _nothing_selected(config)
    require_profile(config, winner.value, winner.provenance)
    return Selection(winner.value, winner.provenance, tuple(_overridden(layers, winner)) if overridden else ())


def require_profile(config: "Config", name: str, provenance: "Provenance") -> None:
    """Raise NoSuchProfile unless a file defines `name`, saying which layer gave it and what was probably meant."""
    if name in config.profiles:
        return
    from omniprofile.errors import NoSuchProfile
    from omniprofile.model.names import RULE, closest, holds_key, nearest_valid, printable, quoted_list

    source = _named_by(provenance)
    if holds_key(name):
        raise NoSuchProfile(
            f"what the {_role(provenance)} gives as a profile's name looks like an API key",
            hint="`omniprofile login NAME` asks for the key without showing it; revoke this one if others can see "
            "this machine's processes or your shell's history",
        )
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


def _named_by(provenance: "Provenance") -> str:
    """Say which layer named a profile; nothing where a caller of the library did."""
    if provenance.layer == "flag":
        return " (named on the command line)" if provenance.name else ""
    return f": the {_role(provenance)} names it"


def _role(provenance: "Provenance") -> str:
    if provenance.layer == "defaults":
        return f"key `default` ({provenance.place})"
    return str(provenance)


def _from_environment(environ: "Mapping[str, str]") -> "Sourced[str] | None":
    from omniprofile.model.provenance import Layer, Provenance, Sourced

    name = environ.get(VARIABLE)
    return Sourced(name, Provenance(Layer.ENVIRONMENT, VARIABLE)) if name else None


def _only_profile(config: "Config") -> "Sourced[str] | None":
    from omniprofile.model.provenance import Layer, Provenance, Sourced

    if len(config.profiles) != 1:
        return None
    (profile,) = config.profiles.values()
    return Sourced(profile.name, Provenance(Layer.BUILTIN, "the only profile", profile.file, profile.line))


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


def _nothing_selected(config: "Config") -> "Error":
    from omniprofile.errors import NoProfileSelected
    from omniprofile.model.names import quoted_list

    if not config.profiles:
        return NoProfileSelected("no profile is defined yet", hint="run `omniprofile init` to make the first one")
    names = quoted_list(sorted(config.profiles)[:5])
    return NoProfileSelected(
        f"no profile is selected, and {len(config.profiles)} are defined",
        hint=f"name one, or choose with `omniprofile use NAME`: {names}",
    )
