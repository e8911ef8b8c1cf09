"""The project pin, `.omniprofile.toml`: the nearest one, and the profile that it names.

On the fast path: imports only what a bare interpreter has loaded, and the rest for a pin that is not plain.
"""

import os

from omniprofile.model.names import is_valid
from omniprofile.system.files import Unreadable, read_regular, upward
from omniprofile.system.foreign_access import foreign_access, real_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from omniprofile.config.toml.text import Document
    from omniprofile.model.finding import Finding
    from omniprofile.model.provenance import Sourced
    from omniprofile.system.foreign_access import ForeignAccess

PIN_FILE = ".omniprofile.toml"
LARGEST_PIN = 64 * 1024
"""The most bytes in a pin, which is one line, and may come from anyone."""


def find_pin(
    cwd: str | None, home: str, trusted: "Callable[[], Sequence[str]]"
) -> "tuple[str | None, list[tuple[str, ForeignAccess]]]":
    """Return the nearest project pin in `cwd` or above it, or None. A dangling link counts: broken is not absent.

    Skips a pin that others may write, unless its real path is in one of the folders that `trusted` returns. Also returns those
    that it skipped, each with the reason.
    """
    ignored: list[tuple[str, ForeignAccess]] = []
    for folder in upward(cwd) if cwd else ():
        pin = os.path.join(folder, PIN_FILE)
        if os.path.lexists(pin):
            foreign = foreign_access(pin, home)
            if foreign is None or _is_in(real_path(pin), trusted()):
                return pin, ignored
            ignored.append((pin, foreign))
    return None, ignored


def _is_in(path: str, folders: "Sequence[str]") -> bool:
    return any(path.startswith(os.path.join(real_path(folder), "")) for folder in folders)


def plain_pin(content: bytes) -> str | None:
    """Return the name in a pin that is the one line `profile = "NAME"` and nothing else; None for any other pin, valid or not."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    key, _, value = text.strip(" \t\n").partition("=")
    value = value.strip(" \t")
    name = value[1:-1]
    return name if key.rstrip(" \t") == "profile" and value == f'"{name}"' and is_valid(name) else None


def load_pin(path: str) -> "Sourced[str]":
    """Return the profile that a pin names. Raises ConfigUnreadable, ConfigInvalid."""
    from omniprofile.config.toml.text import Document
    from omniprofile.model.finding import unreadable

    try:
        document = Document.parse(path, read_regular(path, LARGEST_PIN))
    except (FileNotFoundError, Unreadable) as problem:
        raise unreadable(path, problem).as_error() from problem
    if (name := plain_pin(document.text.encode())) is not None:
        return _named(name, document)
    pin, findings = validate_pin(document)
    if pin is None:
        raise findings[0].as_error(hint='a project pin is one line: profile = "NAME"')
    return pin


def validate_pin(document: "Document") -> "tuple[Sourced[str] | None, list[Finding]]":
    """Return the profile that a pin names, or None and the findings in the pin.

    If the pin is a link out of its folder, its target may contain secrets, so the finding quotes nothing from it.
    """
    from omniprofile.config.schema.models import Pin
    from omniprofile.config.schema.validate import read

    pin = read(document.data, Pin) if document.data is not None else None
    if isinstance(pin, Pin):
        return _named(pin.profile, document), []
    from omniprofile.config.schema.violations import findings_of
    from omniprofile.model.finding import Finding

    findings = document.findings if pin is None else findings_of(document, Pin, pin)
    if leads_out(document.file):
        message = f"`{document.file}` is a link out of its folder, to a file that is not a project pin"
        hint = 'remove the link, and write `profile = "NAME"` into a file of its own'
        return None, [Finding(document.file, 1, 1, findings[0].code, message, hint)]
    return None, findings


def _named(name: str, document: "Document") -> "Sourced[str]":
    from omniprofile.model.provenance import Layer, Provenance, Sourced

    return Sourced(name, Provenance(Layer.PROJECT, "profile", document.file, document.line(("profile",))))


def leads_out(path: str) -> bool:
    """Return whether a file is a link to one that is not below its folder."""
    folder = real_path(os.path.dirname(path) or ".")
    return not real_path(path).startswith(folder.rstrip(os.sep) + os.sep)
