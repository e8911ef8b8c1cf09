"""Everything that can go wrong between us and an instance, each with its own remedy.

The symptoms are those of the vendor's troubleshooting page (docs.omni.co, developers/cli/authentication) and of networks.
"""

from dataclasses import dataclass

from omniprofile.model.live_result import Status


@dataclass(frozen=True, slots=True)
class Symptom:
    """One possible problem. `reason` and `remedy` may contain `{host}`, `{profile}`, `{detail}`, `{proxy}`."""

    name: str
    status: Status
    reason: str
    remedy: str


_LOGIN = "run `omniprofile login {profile}`"
_RIGHT_URL = "check the base URL: it is the address that you use to log in"
_SOURCE = "`omniprofile explain {profile}` shows where it is read from"

_INVALID = {
    "organization-key-refused": (
        "{host} refuses the organization API key",
        f"check that it is correct, not revoked (Settings > API access) and belongs to this instance; {_SOURCE}",
    ),
    "personal-token-refused": (
        "{host} refuses the personal access token",
        f"check in your profile's settings in Omni that it is not revoked, and that it belongs to this instance; {_SOURCE}",
    ),
    "key-refused": (
        "{host} refuses the API key",
        f"check that the key is correct, not revoked and belongs to this instance; {_SOURCE}",
    ),
    "session-refused": (
        "{host} refuses the session: it has expired or was revoked",
        _LOGIN + "; if it happens again, check whether the CLI's token was revoked in Omni's settings",
    ),
    "given-token-refused": (
        "{host} refuses the token from the {detail}",
        (
            "check that it is correct, not revoked and belongs to this instance; without it the profile's own credential is "
            "used: `omniprofile explain {profile}`"
        ),
    ),
    "personal-tokens-disabled": (
        "personal access tokens are not enabled on {host}",
        "an Organization Admin enables them: Settings > API access > Personal tokens",
    ),
    "permission-missing": (
        "{host} accepts the credential, but it lacks the permission (HTTP 403)",
        "check that its user or key has the permission, and access to the resource",
    ),
    "session-forbidden": (
        "{host} gives the session no access (HTTP 403)",
        (
            "personal access tokens may be off: an Organization Admin enables them in Settings > API access > Personal tokens; "
            "if they are on, check that the user is active and has the permission"
        ),
    ),
    "forbidden-page": (
        "{host} answers with a web page that forbids the request (HTTP 403)",
        "a firewall or a VPN's gateway may be in the way; else check that its user or key has the permission",
    ),
    "identity-mismatch": (
        "{detail}",
        "the profile expects another credential: log in with the right one, or change `expect`",
    ),
    "identity-unknown": (
        "{host} has no whoami, so `expect` cannot be checked",
        "update the instance, or remove `expect` from the profile",
    ),
}
_NOT_OMNI = {
    "wrong-instance-url": ("{host} answers, but not as Omni's API does ({detail})", _RIGHT_URL),
    "redirect": ("{host} redirects to another address ({detail})", _RIGHT_URL),
    "server-error": ("{host} returned an error (HTTP {detail})", "try again later, and look at the instance's status"),
}
_UNTESTED = {
    "rate-limited": ("{host} limits the rate of requests (60 a minute for one key)", "wait a minute and try again"),
}
_NETWORK = {
    "dns": _RIGHT_URL + "; and that you are online, or on the VPN",
    "offline": "check that you are online, or on the VPN",
    "refused": _RIGHT_URL + "; a firewall may be in the way",
    "tls": "a proxy that reads TLS may be in the way: its certificate must be in the operating system's trust store, or named "
    "by `SSL_CERT_FILE`",
    "tls-name": _RIGHT_URL + "; on a guest network, sign in to it first",
    "tls-expired": "check this machine's clock; if it is right, tell whoever runs the instance or the proxy before it",
    "tls-handshake": _RIGHT_URL + "; a firewall may be blocking TLS",
    "tls-refused": _RIGHT_URL
    + "; if it is right, tell whoever runs {host} that it must accept TLS 1.2 or newer without a client "
    "certificate",
    "timeout": "try again, and check that you are online, or on the VPN",
    "proxy": "check {proxy}, or name {host} in `NO_PROXY`",
    "certificates": "unset the variable to use the system's certificates",
    "socks": "install `httpx[socks]` beside omniprofile, name an HTTP proxy, or name {host} in `NO_PROXY`",
    "protocol": _RIGHT_URL,
    "compressed": _RIGHT_URL + "; tell whoever runs the gateway before it to respect `Accept-Encoding: identity`",
    "too-large": _RIGHT_URL,
}
"""Remedies for the client's errors; the error's own text is the reason."""

SYMPTOMS = {
    name: Symptom(name, status, reason, remedy)
    for status, table in (
        (Status.INVALID, _INVALID),
        (Status.UNREACHABLE, _NOT_OMNI),
        (Status.UNTESTED, _UNTESTED),
        (Status.UNREACHABLE, {name: ("{detail}", remedy) for name, remedy in _NETWORK.items()}),
    )
    for name, (reason, remedy) in table.items()
}
