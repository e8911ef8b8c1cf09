"""The credential that `exec` hands to a child, as its variable `OMNIPROFILE_CHILD` describes it to omniprofile in that child.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

from omniprofile.model.export_mark import checksum, own_values, read_mark
from omniprofile.model.variable_names import CHILD, PROFILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from omniprofile.model.credential_variables import Handed

_RENEW_AHEAD = 300.0
"""How many seconds before expiry a session is renewed. One that lives shorter is left to the store's own rule each time."""


def handed_over(credential: "Handed", base_url: str, token: str, config: str = "") -> dict[str, str]:
    """Return the variable that tells our `omni` in a child what the child was given.

    `config` is the profile file given by a flag. Like the checksum in `OMNIPROFILE_EXPORTED`, the token's only has to detect a
    change, not withstand an attacker.
    """
    expires_at = credential.expires_at if base_url == credential.base_url else None  # a gateway renews its own
    renew = "" if expires_at is None else f"{expires_at.timestamp() - _RENEW_AHEAD:.0f}"
    profile = credential.profile if credential.of_profile else ""
    # Only the file's path may contain a comma.
    told = ",".join([profile, credential.auth, renew, checksum(token), base_url, credential.base_url, config])
    return {CHILD: told}


def _handed(environ: "Mapping[str, str]") -> tuple[str, list[str]]:
    """Return the token in `environ`, and the fields that `handed_over` put there, empty if there are none or they are damaged."""
    fields = environ.get(CHILD, "").split(",", 6)
    whole = len(fields) == 7 and (not fields[2] or fields[2].removeprefix("-").isdecimal())
    return environ.get("OMNI_API_TOKEN") or environ.get("OMNI_API_KEY", ""), fields if whole else []


def outer_gateway(environ: "Mapping[str, str]", profile: str, origin: str) -> "tuple[str, str] | None":
    """Return base URL and token of the gateway to `profile` at `origin` that an enclosing `exec` has opened, or None."""
    token, fields = _handed(environ)
    if not fields:
        return None
    handed_profile, _, _, handed_sum, base_url, handed_origin, _ = fields
    same = handed_profile == profile and handed_origin == origin and checksum(token) == handed_sum
    return (base_url, token) if same and base_url != origin else None


class ChildCredential:
    """The credential in the environment of a child.

    `profile` is empty if the environment supplied its own pair. `origin` is the instance, even if `base_url` is a gateway to
    it. `allowed` says that omniprofile handed over the credential, and so has checked its host. `renew` is when a session must
    be renewed, in seconds since the epoch.
    """

    __slots__ = ("allowed", "auth", "base_url", "config", "origin", "profile", "renew", "token")

    def __init__(
        self, profile: str, auth: str, base_url: str, token: str, origin: str = "", renew: str = "", config: str = ""
    ) -> None:
        self.profile, self.auth, self.base_url, self.token = profile, auth, base_url, token
        self.origin, self.renew, self.config = origin or base_url, float(renew) if renew else None, config
        self.allowed = True


def child_credential(environ: "Mapping[str, str]", tell: "Callable[[str], None]") -> ChildCredential:
    """Return the credential that omniprofile put into `environ`. Raises Refused.

    Passes a sentence to `tell` if the environment's own pair replaces it.
    """
    from omniprofile.handover.omni_refusals import refusal, same_origin

    base_url = environ.get("OMNI_BASE_URL", "")
    token, fields = _handed(environ)
    if fields:
        profile, auth, renew, handed_sum, handed_url, origin, config = fields
        same_token = checksum(token) == handed_sum
        same_url = not base_url or same_origin(base_url, handed_url)
        if same_token and same_url:
            return ChildCredential(profile, auth, handed_url, token, origin, renew, config)
        if token and base_url and not same_token and not same_url:
            tell(f"using the token and the base URL of the environment ({base_url}), not what `exec` handed over")
            pair = ChildCredential("", "", base_url, token)
            pair.allowed = False
            return pair
        whose = f"`{profile}`" if profile else "the environment that `exec` was called in"
        if not token:
            raise refusal(
                f"the token of {whose} is no longer in the environment: `omni` would go on with its own config",
                f"run `omniprofile exec {environ.get(PROFILE) or profile or 'NAME'} -- omni …`",
            )
        changed, kept = ("OMNI_BASE_URL", "token") if same_token else ("OMNI_API_TOKEN", "base URL")
        raise refusal(
            f"`{changed}` was changed, and the {kept} is still that of {whose} ({origin}): they do not belong together",
            "run `omniprofile exec NAME -- omni …` with the profile that is meant, or set both `OMNI_BASE_URL` and "
            "`OMNI_API_TOKEN`",
        )
    mark = read_mark(environ)
    if mark and {"OMNI_BASE_URL", "OMNI_API_TOKEN"} <= own_values(environ):
        return ChildCredential(mark.profile, "", base_url, token)
    raise refusal(
        "nothing that `omniprofile exec` handed over is in the environment: `omni` would go on with its own config",
        "run `omniprofile exec NAME -- omni …`, or call the real `omni` by its path",
    )
