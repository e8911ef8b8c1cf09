"""Which layer chooses the profile, and how a plain pin reads: for the full path (`selection`) and the fast one.

On the fast path: imports only what a bare interpreter has loaded.
"""

from omniprofile.model.names import is_valid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

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
    """The name in a pin that is the one line `profile = "NAME"` and nothing else; None for any other, good or bad."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    key, _, value = text.strip(" \t\n").partition("=")
    value = value.strip(" \t")
    name = value[1:-1]
    return name if key.rstrip(" \t") == "profile" and value == f'"{name}"' and is_valid(name) else None
