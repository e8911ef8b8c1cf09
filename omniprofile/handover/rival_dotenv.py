"""A `.env` that names another instance than the one a command is given: programs that load it may go there.

Most loaders keep variables that are already set; `load_dotenv(override=True)` silently replaces them.

On the fast path if there is such a file: imports only what a bare interpreter has loaded.
"""

from omniprofile.model.exported import BASE_URL, ORGANIZATION
from omniprofile.system.files import Unreadable, read_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 64 * 1024
"""The largest file that is read, in bytes."""


def other_instance(path: str, base_url: str) -> "tuple[str, str] | None":
    """Return the first variable in the file that names an origin other than that of `base_url`, and its origin; else None.

    Ignores a file that cannot be read, and values that refer to other variables.
    """
    try:
        text = read_regular(path, LARGEST).decode("utf-8", "replace")
    except (FileNotFoundError, Unreadable):
        return None
    found = dict(_assignments(text))
    for name, value in found.items():
        address = f"{value}.omniapp.co" if name == ORGANIZATION else value
        if value and "$" not in value and (origin := _origin(address)) != _origin(base_url):
            return name, origin
    return None


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
