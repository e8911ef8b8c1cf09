"""Where an instance's OAuth endpoints are: by its metadata (RFC 8414) where it has some, else Omni's usual paths.

Only endpoints of the instance's own origin count: metadata may move a path, never send a token to another host.
"""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from omniprofile.instance.client import Client
from omniprofile.instance.oauth_messages import json_object
from omniprofile.model.names import printable
from omniprofile.model.origin import NotAnOrigin, Origin

WELL_KNOWN = "/.well-known/oauth-authorization-server"
_LONGEST = 2048
"""Characters of an endpoint's address: its path is stored with the session."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Paths (with their query, if any) under the instance's origin. `revocation` is None where the instance names none.

    `names_issuer` says that the instance names itself when it sends a browser back (RFC 9207). `notices` say what of the
    metadata was left aside, and why.
    """

    authorization: str = "/oauth/authorize"
    token: str = "/oauth/token"  # noqa: S105 - a path
    revocation: str | None = None
    names_issuer: bool = False
    notices: tuple[str, ...] = ()


USUAL = Endpoints()


def discover(client: Client, origin: Origin, *, timeout: float | None = None) -> Endpoints:
    """Ask the instance for its endpoints. Raises TransportError; an answer that is no metadata means the usual paths."""
    answer = client.get(origin, WELL_KNOWN, timeout=timeout)
    document = json_object(answer.body) if answer.status == 200 else None
    return read_metadata(document, origin) if document is not None else USUAL


def read_metadata(document: dict[str, object], origin: Origin) -> Endpoints:
    """Return the endpoints that a metadata document of `origin` names.

    A document whose `issuer` is another one is not used at all (RFC 8414, section 3.3).
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
    """Tell whether an issuer is the instance itself, which has one at most: an address without a path."""
    return _path_of(issuer, origin) in ("", "/")


def _path_of(url: object, origin: Origin) -> str | None:
    """Path and query of an address of this very origin; None for anything else."""
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
