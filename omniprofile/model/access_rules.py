"""Which requests a profile's `access` allows, decided from the method and the request target, without an HTTP library.

A request is allowed only if every server reads it as an allowed one: a path that servers may normalize differently (RFC 3986,
section 6.2.2; `;` parameters; backslashes) is refused, and that of a write must match a listed path letter by letter.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import normalize

from omniprofile.model.declaration import Access

READS = ("GET", "HEAD", "OPTIONS")
WRITES = ("POST", "PUT", "PATCH", "DELETE")

READING_POSTS = (
    "POST /api/v1/query/run",
    "POST /api/v1/ai/generate-query",
    "POST /api/v1/ai/pick-topic",
    "POST /api/v1/ai/search-omni-docs",
    "POST /api/v1/dashboards/{id}/download",
)
"""The POST requests of Omni's API that change nothing, according to the vendor's OpenAPI description of May 2026."""

ALLOWED_REQUEST = r"^(POST|PUT|PATCH|DELETE) (/([A-Za-z0-9_~-][A-Za-z0-9._~-]*|\{[A-Za-z][A-Za-z0-9_]*\}|\*))+$"
"""A regular expression for one entry of `allow`: a method and a path, where `{name}` or `*` stands for one segment."""

_METHOD_WORDS = {"method", "verb"}
_PATH_WORDS = {"original", "rewrite", "override", "forwarded", "replaced"}

# Not compiled: the first command after an edit imports this module without matching anything.
_PATH = r"(/([A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})*)+"
_ESCAPES = r"(?:%[0-9A-Fa-f]{2})+"
_METHOD = (
    r"(?i)(?:^|[&;])[ .]*"  # PHP drops leading spaces from a name, and turns `.` into `_`
    r"(?:[_.]method|_httpmethod|x[-_](?:http[-_]method(?:[-_]override)?|method[-_]override))(?:[=&;[\0]|$)"
)


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a request is refused: the rule's name, a sentence, and how the profile's owner can allow it, if at all."""

    rule: str
    message: str
    hint: str | None = None


def denial(profile: str, access: Access, allow: Iterable[str], method: str, target: str) -> Denial | None:
    """Return why `access` and `allow` of `profile` refuse a request, or None if they allow it.

    `target` is the request target in origin-form, or `*` (RFC 9112, section 3.2), exactly as sent.
    """
    if access != "read-only":
        return None
    if method == "OPTIONS" and target == "*":  # about the whole server (RFC 9110, section 9.3.7)
        return None
    path, _, query = target.partition("?")
    if method not in READS + WRITES:
        return Denial(
            "method",
            f"profile `{profile}` is read-only, and this method is not known to only read",
            f'the owner of the profile can let every request pass: `access = "gateway"` in `[profiles.{profile}]`',
        )
    if not is_plain(path):
        return Denial(
            "path",
            f"profile `{profile}` is read-only, and servers may read this path as another one",
            "send the path without empty and dot segments, `;`, backslashes, and escapes of letters or of those",
        )
    if method in READS:
        return None
    from urllib.parse import unquote_plus

    if re.search(_METHOD, unquote_plus(unquote_plus(query))):
        return Denial(
            "override",
            f"profile `{profile}` is read-only, and the query asks for another method, as `_method` does",
            "send the request with the method itself, and without that in the query",
        )
    request = f"{method} {path}"
    if any(_fits(request, entry) for entry in (*READING_POSTS, *allow)):
        return None
    hint = f'the owner of the profile can allow it: add "{_entry(method, path)}" to `allow` in `[profiles.{profile}]`'
    if path.endswith("/"):  # no entry of `allow` can end so
        hint = "send the path without its last slash, with which no request but a read passes"
    return Denial("read-only", f"profile `{profile}` is read-only, and this request may change something", hint)


def _entry(method: str, path: str) -> str:
    """Return the entry of `allow` for a request, with `*` for each segment that an entry cannot name."""
    return (
        f"{method} "
        + "/".join(part if is_allowed_request(f"{method} /{part}") else "*" for part in path.split("/"))[1:]
    )


def is_override(name: str) -> bool:
    """Return whether the header field `name` may make a server treat a request as a different one.

    It may change the method (`X-HTTP-Method-Override` and variants) or the path (`X-Original-URL`). Words are split at any
    separator, because CGI and its successors map them all to the same variable name (RFC 3875, section 4.1.18).
    """
    words = re.split("[^a-z0-9]+", name.lower())
    if words[:2] == ["access", "control"]:  # CORS: describes another request, not this one
        return False
    return not _METHOD_WORDS.isdisjoint(words) or (
        words[-1] in ("url", "uri", "path") and not _PATH_WORDS.isdisjoint(words)
    )


def is_allowed_request(entry: str) -> bool:
    """Return whether `entry` is a valid entry of `allow`."""
    return re.fullmatch(ALLOWED_REQUEST, entry) is not None


def is_plain(path: str) -> bool:
    """Return whether every server reads `path` as the same path, however it normalizes."""
    if not re.fullmatch(_PATH, path):
        return False
    first, *segments = path.split("/")
    if first or "" in segments[:-1] or {".", ".."} & set(segments):
        return False
    return not any(_hides(match[0]) for match in re.finditer(_ESCAPES, path))


def _hides(escapes: str) -> bool:
    """Whether percent escapes encode a character that belongs in a path unescaped, or that a server may act on."""
    try:
        text = normalize("NFKC", bytes.fromhex(escapes.replace("%", "")).decode())
    except UnicodeDecodeError:  # includes overlong encodings of ASCII characters
        return True
    return any(
        not char.isprintable() or (char.isascii() and (char.isalnum() or char in "-._~/\\;%?#")) for char in text
    )


def _fits(request: str, entry: str) -> bool:
    given, wanted = request.split("/"), entry.split("/")
    return len(given) == len(wanted) and all(
        word == pattern or (word != "" and pattern[:1] in ("{", "*"))
        for word, pattern in zip(given, wanted, strict=True)
    )
