"""The layers that choose the profile, in their order (PRODUCT section 3), and how the two that are small files read.

Both the full path (`selection`, `state`) and the short one choose by this table. It imports nothing.
"""

from omniprofile.model.names import is_valid

ORDER = ("named", "environment", "pin", "state", "default", "only")
"""The command line, `OMNI_PROFILE`, the project pin, the active profile, `default` in the file, the only profile."""

VARIABLE = "OMNI_PROFILE"

ACTIVE_FILE = "active"
LARGEST_ACTIVE_FILE = 64 * 1024
LARGEST_PIN = 64 * 1024
"""No pin is larger, in bytes: it holds one line, and may come from anybody."""


def active_names(content: bytes) -> tuple[str | None, str | None]:
    """The active and the previous profile that a state file names, None for an empty or missing line."""
    active, previous, *_ = *content.decode("utf-8", "replace").split("\n"), ""
    return active.strip() or None, previous.strip() or None


def plain_pin(content: bytes) -> str | None:
    """The name in a pin that is the one line `profile = "NAME"` and nothing else; None for any other, good or bad."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    key, _, value = text.strip(" \t\n").partition("=")
    value = value.strip(" \t")
    name = value[1:-1]
    return name if key.rstrip(" \t") == "profile" and value == f'"{name}"' and is_valid(name) else None
