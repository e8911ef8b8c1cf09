"""An instance's OAuth endpoints: from its metadata (RFC 8414) if it has any, else Omni's usual paths.

Only endpoints on the instance's own origin are used: metadata may change a path, but never send a token to another host.
"""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from omniprofile.instance.client import Client
from omniprofile.instance.responses import json_object
from omniprofile.model.names import printable
from omniprofile.model.origin import NotAnOrigin, Origin

WELL_KNOWN = "/.well-known/oauth-authorization-server"
_LONGEST = 2048
"""The longest endpoint URL, in characters: its path is stored with the session."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Paths (with any query) on the instance's origin. `revocation` is None if the metadata names no such endpoint.

    `names_issuer` says that the instance identifies itself in callbacks (RFC 9207). `notices` say which metadata was ignored,
    and why.
    """

    authorization: str = "/oauth/authorize"
    token: str = "/oauth/token"  # noqa: S105 - a path
    revocation: str | None = None
    names_issuer: bool = False
    notices: tuple[str, ...] = ()


USUAL = Endpoints()


def discover(client: Client, origin: Origin, *, timeout: float | None = None) -> Endpoints:
    """Ask the instance for its endpoints. Raises InstanceError. A response that is not metadata means the usual paths."""
    answer = client.get(origin, WELL_KNOWN, timeout=timeout)
    document = json_object(answer.body) if answer.status == 200 else None
    return read_metadata(document, origin) if document is not None else USUAL


def read_metadata(document: dict[str, object], origin: Origin) -> Endpoints:
    """Return the endpoints named by a metadata document of `origin`.

    If its `issuer` is another server, the whole document is ignored (RFC 8414, section 3.3).
    """
    issuer = document.get("issuer")
    if issuer is not None and not is_issuer(issuer, origin):
        return replace(USUAL, notices=(f"the OAuth metadata of {origin} names another issuer, and is not used",))
    paths: dict[str, str] = {}
    notices = []
    for field in ("authorization", "token", "revocation"):
        url = document.get(f"{field}_endpoint")
        if path := _path_of(url, origin):
            paths[field] = path
        elif url is not None:
            shown = printable(str(url), 80)
            notices.append(
                f"the {field} endpoint in the metadata of {origin} is not its own (`{shown}`), and is not used"
            )
    named = document.get("authorization_response_iss_parameter_supported") is True
    return Endpoints(**paths, names_issuer=named, notices=tuple(notices))


def is_issuer(issuer: object, origin: Origin) -> bool:
    """Return whether `issuer` is the instance itself: its origin without a path, the only issuer an instance can have."""
    return _path_of(issuer, origin) in ("", "/")


def _path_of(url: object, origin: Origin) -> str | None:
    """Return the path and query of a URL on exactly this origin; None for anything else."""
    if (
        not isinstance(url, str)
        or len(url) > _LONGEST
        or not url.isascii()
        or not url.isprintable()
        or set(' \\#"<>') & set(url)
    ):
        return None
    try:
        parts = urlsplit(url)
        if Origin.parse(f"{parts.scheme}://{parts.netloc}") != origin:
            return None
    except (NotAnOrigin, ValueError):
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")
