"""The authorization response from the browser's redirect: a code, or the reason there is none. No input or output."""

import hmac
from dataclasses import dataclass
from urllib.parse import parse_qsl

from omniprofile.errors import CredentialRefused, LoginFailed, OriginMismatch, Unreachable
from omniprofile.instance.endpoints import Endpoints, is_issuer
from omniprofile.instance.oauth_requests import CALLBACK_PATH, AuthorizationRequest
from omniprofile.instance.responses import InvalidResponse, is_token, said
from omniprofile.model.names import holds_key
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret

_LONGEST_PASTED = 8192
_MOST_FIELDS = 50
PERSONAL_TOKENS = (
    "an Organization Admin may have to enable Personal Access Tokens: Settings > API access > Personal tokens"
)


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback's code, or its error with a description, both safe to display.

    `issuer` is the server that claims to have sent it, if named (RFC 9207).
    """

    code: Secret | None
    error: str | None = None
    description: str | None = None
    issuer: str | None = None


def read_callback(query: str, request: AuthorizationRequest) -> Callback:
    """Read the query of a callback. Raises InvalidResponse if it does not belong to this login.

    Compares the state first, in constant time, before using any other field.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as problem:
        raise InvalidResponse("it has too many fields") from problem
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in ("state", "code", "error", "iss")):
        raise InvalidResponse("it says something twice")
    fields = dict(pairs)
    state = fields.get("state", "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(state, request.state.reveal().encode()):
        raise InvalidResponse("its state is another login's" if state else "it has no state")
    if error := fields.get("error"):
        description = fields.get("error_description")
        sent = (request.state, request.verifier, Secret(request.challenge))
        shown = said(description, 300, sent) if description else None
        return Callback(None, said(error, 60, sent), shown, fields.get("iss"))
    code = fields.get("code", "")
    return Callback(Secret(code) if is_token(code) else None, issuer=fields.get("iss"))


def read_pasted(line: str, request: AuthorizationRequest) -> Callback:
    """Read a callback URL that the user pasted. Raises InvalidResponse."""
    text = line.strip().strip("\"'<>").strip()
    if not text:
        raise InvalidResponse("it is empty")
    if len(text) > _LONGEST_PASTED:
        raise InvalidResponse("it is too long")
    if holds_key(text):
        raise InvalidResponse("it is an API key, and this login takes none")
    address, _, rest = text.partition("?")
    if not rest or not (address == "" or address.endswith(CALLBACK_PATH)):
        raise InvalidResponse(f"it is not an address that ends in `{CALLBACK_PATH}?code=…`")
    return read_callback(rest.partition("#")[0], request)


def code_of(callback: Callback, endpoints: Endpoints, origin: Origin) -> Secret:
    """Return the code of a callback. Raises OriginMismatch, LoginFailed, Unreachable or CredentialRefused if it has none."""
    _check_issuer(callback, endpoints, origin)
    if callback.code is not None:
        return callback.code
    if callback.error is None:
        raise LoginFailed(
            f"{origin.host} sent the browser back without a code",
            hint=f"run the login again; if it keeps happening, {PERSONAL_TOKENS}",
        )
    words = f"`{callback.error}`" + (f": {callback.description}" if callback.description else "")
    if callback.error == "access_denied":
        raise LoginFailed(
            f"the login was denied in the browser ({words})",
            hint=f"run the login again and click Authorize; if you did, {PERSONAL_TOKENS}",
        )
    if callback.error in ("server_error", "temporarily_unavailable"):
        raise Unreachable(f"{origin.host} could not authorize the login ({words})", hint="try again later")
    raise CredentialRefused(f"{origin.host} refuses the login ({words})", hint=f"check the base URL; {PERSONAL_TOKENS}")


def _check_issuer(callback: Callback, endpoints: Endpoints, origin: Origin) -> None:
    """Raise OriginMismatch if the callback came from another issuer (RFC 9207, section 2.4).

    Otherwise an instance could redirect the browser to another one and receive that one's code together with its verifier.
    """
    if callback.issuer is None and not endpoints.names_issuer:
        return
    if callback.issuer is None or not is_issuer(callback.issuer, origin):
        who = f"`{said(callback.issuer, 80, ())}`" if callback.issuer else "an unnamed server"
        raise OriginMismatch(
            f"the browser was sent back by {who}, not by {origin}",
            hint=f"run the login again, and authorize it on a page of {origin.host} only",
        )
