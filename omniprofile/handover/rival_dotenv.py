"""A `.env` that names another instance than the one a command is given: programs that load it may go there.

Most loaders keep variables that are already set; `load_dotenv(override=True)` silently replaces them.

On the fast path: imports only what a bare interpreter has loaded.
"""

import os

from omniprofile.model.variable_names import BASE_URL, ORGANIZATION
from omniprofile.system.files import Unreadable, read_regular, upward

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 64 * 1024
"""The largest file that is read, in bytes."""


def rival_dotenv(folder: str, base_url: str) -> "tuple[str, str, str] | None":
    """Return the `.env` that programs in `folder` find if it names another origin than that of `base_url`, else None.

    With its path come the first variable that does so, and the origin. Ignores a file that cannot be read, and values that refer
    to other variables.
    """
    path = find_dotenv(folder)
    try:
        text = read_regular(path, LARGEST).decode("utf-8", "replace") if path else ""
    except (FileNotFoundError, Unreadable):
        return None
    for name, value in dict(_assignments(text)).items():
        address = f"{value}.omniapp.co" if name == ORGANIZATION else value
        if path and value and "$" not in value and (origin := _origin(address)) != _origin(base_url):
            return path, name, origin
    return None


def find_dotenv(folder: str) -> str | None:
    """Return the `.env` that python-dotenv's `find_dotenv(usecwd=True)` finds from `folder`: the nearest one upward, or None."""
    return next((path for above in upward(folder) if os.path.isfile(path := os.path.join(above, ".env"))), None)


def _assignments(text: str) -> "Iterator[tuple[str, str]]":
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip() in (BASE_URL, ORGANIZATION):
            value = value.strip()
            quote = value[:1]
            if quote in ("'", '"') and quote in value[1:]:
                value = value[1 : value.index(quote, 1)]
            else:
                value = value.partition(" #")[0].rstrip()
            yield name.strip(), value


def _origin(address: str) -> str:
    """Return scheme, host and port in a form to compare and display; the default scheme is https."""
    scheme, separator, rest = address.partition("://")
    scheme, rest = (scheme.lower(), rest) if separator else ("https", address)
    host = rest.replace("\\", "/").partition("/")[0].rpartition("@")[2].lower()
    return f"{scheme}://{host.removesuffix(':443' if scheme == 'https' else ':80')}"
