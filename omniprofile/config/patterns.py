"""What the models judge by code, as regular expressions for the JSON Schema, so that an editor objects where lint does.

Every dialect that editors use takes them (no lookaround, no classes of Unicode); they say as much as such an expression can:
of a host name's whole length and of an IPv6 address's inner form lint alone knows. Imports nothing but the names.
"""

from omniprofile.model.exported import RESERVED, RESERVED_PREFIXES
from omniprofile.model.names import MAX_LENGTH


def _any_case(word: str) -> str:
    return "".join(f"[{char.upper()}{char.lower()}]" if char.isalpha() else char for char in word)


NAME = rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_LENGTH - 1}}}$"
VARIABLE = "^[A-Za-z_][A-Za-z0-9_]*$"
RESERVED_VARIABLE = (
    f"^(({'|'.join(_any_case(name) for name in sorted(RESERVED))})$"
    f"|{'|'.join(_any_case(prefix) for prefix in RESERVED_PREFIXES)})"
)
NO_NUL = r"^[^\u0000]*$"

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_REST_OF_LABEL = "([A-Za-z0-9-]*[A-Za-z0-9])?"
# A host whose last part is a number (`127.1`, `0x7f`) is an IPv4 address, and must be a canonical one.
_LAST_LABEL = (
    "([A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    f"|[0-9]+(-[A-Za-z0-9-]*[A-Za-z0-9]|[A-WYZa-wyz]{_REST_OF_LABEL})"
    f"|([1-9]|[0-9][0-9]+)[Xx]{_REST_OF_LABEL})"
)
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_HOST = rf"({_BYTE}(\.{_BYTE}){{3}}|({_LABEL}\.)*{_LAST_LABEL}|\[[0-9A-Fa-f:.]+\])"
_PORT = (
    "(0{0,4}[1-9]|0{0,3}[1-9][0-9]|0{0,2}[1-9][0-9]{2}|0?[1-9][0-9]{3}"
    "|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
HOST = f"^{_HOST}$"
BASE_URL = f"^{_any_case('http')}[Ss]?://{_HOST}(:{_PORT})?/?$"
