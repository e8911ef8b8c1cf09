"""Text as it is shown: colours, masked secrets, escaped control characters; and values as JSON."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from omniprofile.model.names import legible
from omniprofile.model.secret import masked

COLOURS = {
    "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36",
}  # fmt: skip
MARK = f"\x1b{os.urandom(6).hex()}["
"""Starts a colour until the text is written. It is random, so any other control character must be data."""


class Style(NamedTuple):
    """Colour for one stream, or none. Colour never carries meaning alone."""

    on: bool

    def __call__(self, colour: str, text: str) -> str:
        """Return `text` in `colour`, one of COLOURS, if colour is on."""
        return f"{MARK}{COLOURS[colour]}m{text}{MARK}0m" if self.on and text else text


def shown(text: str) -> str:
    """Return `text` for display: secrets masked, control and bidi characters escaped, except for our own colours."""
    return "\x1b[".join(legible(masked(part)) for part in text.split(MARK))


def as_json(value: object, *, exact: bool = False) -> str:
    """Return `value` as JSON text, with its secrets masked unless it is `exact`.

    Characters that a terminal could act on are escaped, which every JSON reader decodes to the same character.
    """
    import json

    text = json.dumps(value if exact else _masked(value), indent=2, ensure_ascii=False)
    if not text.replace("\n", "").isprintable():
        text = "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
    return text.replace("\x7f", "\\u007f") + "\n"


def _masked(value: object) -> object:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {_masked(key): _masked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(item) for item in value]
    return value
