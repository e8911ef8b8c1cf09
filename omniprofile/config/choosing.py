"""Which layer chooses the profile, and how a plain pin reads, for both paths; and the whole choice for the fast one.

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
    from omniprofile.system.access import ForeignAccess

    T = TypeVar("T")
    Layer = Callable[[], T | None]

VARIABLE = "OMNI_PROFILE"

LARGEST_PIN = 64 * 1024
"""No pin is larger, in bytes: it holds one line, and may come from anybody."""


def in_order(
    *,
    named: "Layer[T]",
    environment: "Layer[T]",
    pin: "Layer[T]",
    active: "Layer[T]",
    default: "Layer[T]",
    only: "Layer[T]",
) -> "Iterator[Layer[T]]":
    """Return the layers, strongest first.

    They are the command line, `OMNI_PROFILE`, the project pin, the active profile, `default` in the file, the only profile.
    """
    return iter((named, environment, pin, active, default, only))


def first_answer(layers: "Iterator[Layer[T]]") -> "T | None":
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
