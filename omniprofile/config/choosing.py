"""The layers that choose the profile, in their order, and how a plain pin reads.

Both the full path (`selection`) and the short one choose by this table. It imports nothing.
"""

from omniprofile.model.names import is_valid

ORDER = ("named", "environment", "pin", "state", "default", "only")
"""The command line, `OMNI_PROFILE`, the project pin, the active profile, `default` in the file, the only profile."""

VARIABLE = "OMNI_PROFILE"

LARGEST_PIN = 64 * 1024
"""No pin is larger, in bytes: it holds one line, and may come from anybody."""


def plain_pin(content: bytes) -> str | None:
    """The name in a pin that is the one line `profile = "NAME"` and nothing else; None for any other, good or bad."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    key, _, value = text.strip(" \t\n").partition("=")
    value = value.strip(" \t")
    name = value[1:-1]
    return name if key.rstrip(" \t") == "profile" and value == f'"{name}"' and is_valid(name) else None
