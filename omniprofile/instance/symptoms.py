"""Everything that can be wrong between here and an instance, each with its own remedy.

The symptoms are those of the vendor's troubleshooting page (docs.omni.co, developers/cli/authentication) and of a network.
"""

from dataclasses import dataclass

from omniprofile.model.live import Status

_MAYBE_THE_PROXY = frozenset(("timeout", "protocol", "tls", "tls-handshake", "tls-name", "compressed", "too-large"))


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that can be wrong. `reason` and `remedy` may hold `{host}`, `{profile}`, `{detail}`, `{proxy}`.

    `in_test` is what to do besides where it was `omniprofile test` that met it.
    """

    name: str
    status: Status
    reason: str
    remedy: str
    in_test: str = ""

    def words(
        self, *, host: str, detail: str, profile: str = "", proxy: str | None = None, testing: bool = False
    ) -> tuple[str, str]:
        """Return the reason and the remedy for one case.

        `proxy` is what names the proxy that the request went by, None for no proxy. Only what the live check alone can find
        speaks of the profile.
        """
        case = {"host": host, "profile": profile, "detail": detail, "proxy": proxy or "the proxy variables"}
        remedy = self.remedy.format_map(case) + (self.in_test if testing else "")
        if proxy is not None and self.name in _MAYBE_THE_PROXY:
            remedy += f"; check the proxy, which {proxy} names"
        return self.reason.format_map(case), remedy


_LOGIN = "run `omniprofile login {profile}`"
_RIGHT_URL = "check the base URL: it is the address that you use to log in"

SYMPTOMS = {
    symptom.name: symptom
    for symptom in (
        Symptom(
            "organization-key-refused",
            Status.INVALID,
            "{host} refuses the organization API key",
            "check that it is correct, not revoked (Settings > API access) and belongs to this instance; "
        "`omniprofile explain {profile}` shows where it is read from",
        ),
        Symptom(
            "personal-token-refused",
            Status.INVALID,
            "{host} refuses the personal access token",
            "check in your profile's settings in Omni that it is not revoked, and that it belongs to this instance; "
        "`omniprofile explain {profile}` shows where it is read from",
        ),
        Symptom(
            "key-refused",
            Status.INVALID,
            "{host} refuses the API key",
            "check that the key is correct, not revoked and belongs to this instance; "
        "`omniprofile explain {profile}` shows where it is read from",
        ),
        Symptom(
            "session-refused",
            Status.INVALID,
            "{host} refuses the session: it has expired or was revoked",
            _LOGIN + "; if it happens again, check whether the CLI's token was revoked in Omni's settings",
        ),
        Symptom(
            "given-token-refused",
            Status.INVALID,
            "{host} refuses the token from the {detail}",
            "check that it is correct, not revoked and belongs to this instance; without it the profile's own credential is "
        "used: `omniprofile explain {profile}`",
        ),
        Symptom(
            "personal-tokens-disabled",
            Status.INVALID,
            "personal access tokens are not enabled on {host}",
            "an Organization Admin enables them: Settings > API access > Personal tokens",
        ),
        Symptom(
            "permission-missing",
            Status.INVALID,
            "{host} accepts the credential, but it lacks the permission (HTTP 403)",
            "check that its user or key has the permission, and access to the resource",
        ),
        Symptom(
            "session-forbidden",
            Status.INVALID,
            "{host} gives the session no access (HTTP 403)",
            "personal access tokens may be off: an Organization Admin enables them in Settings > API access > Personal tokens; "
            "if they are on, check that the user is active and has the permission",
        ),
        Symptom(
            "forbidden-page",
            Status.INVALID,
            "{host} answers with a web page that forbids the request (HTTP 403)",
            "a firewall or a VPN's gateway may be in the way; else check that its user or key has the permission",
        ),
        Symptom(
            "identity-mismatch",
            Status.INVALID,
            "{detail}",
            "this is another credential than the profile expects: log in with the right one, or change `expect`",
        ),
        Symptom(
            "identity-unknown",
            Status.INVALID,
            "{host} has no whoami, so `expect` cannot be checked",
            "update the instance, or remove `expect` from the profile",
        ),
        Symptom(
            "wrong-instance-url",
            Status.UNREACHABLE,
            "{host} answers, but not as Omni's API does ({detail})",
            _RIGHT_URL,
        ),
        Symptom("redirect", Status.UNREACHABLE, "{host} redirects to another address ({detail})", _RIGHT_URL),
        Symptom(
            "rate-limited",
            Status.UNTESTED,
            "{host} limits the rate of requests (60 a minute for one key)",
            "wait a minute and try again",
            "; with a longer `--timeout` this command waits by itself",
        ),
        Symptom(
            "server-error",
            Status.UNREACHABLE,
            "{host} returned an error (HTTP {detail})",
            "try again later, and look at the instance's status",
        ),
        Symptom("dns", Status.UNREACHABLE, "{detail}", _RIGHT_URL + "; and that you are online, or on the VPN"),
        Symptom("offline", Status.UNREACHABLE, "{detail}", "check that you are online, or on the VPN"),
        Symptom("refused", Status.UNREACHABLE, "{detail}", _RIGHT_URL + "; a firewall may be in the way"),
        Symptom(
            "tls",
            Status.UNREACHABLE,
            "{detail}",
            "a proxy that reads TLS may be in the way: its certificate must be in the operating system's trust store, or named "
            "by `SSL_CERT_FILE`",
        ),
        Symptom("tls-name", Status.UNREACHABLE, "{detail}", _RIGHT_URL + "; on a guest network, sign in to it first"),
        Symptom(
            "tls-expired",
            Status.UNREACHABLE,
            "{detail}",
            "check this machine's clock; if it is right, tell whoever runs the instance or the proxy before it",
        ),
        Symptom("tls-handshake", Status.UNREACHABLE, "{detail}", _RIGHT_URL + "; a firewall may be blocking TLS"),
        Symptom(
            "timeout",
            Status.UNREACHABLE,
            "{detail}",
            "try again, and check that you are online, or on the VPN",
            "; with a longer `--timeout` this command waits longer",
        ),
        Symptom("proxy", Status.UNREACHABLE, "{detail}", "check {proxy}, or name {host} in `NO_PROXY`"),
        Symptom("certificates", Status.UNREACHABLE, "{detail}", "unset the variable to use the system's certificates"),
        Symptom(
            "socks",
            Status.UNREACHABLE,
            "{detail}",
            "install `httpx[socks]` beside omniprofile, name an HTTP proxy, or name {host} in `NO_PROXY`",
        ),
        Symptom("protocol", Status.UNREACHABLE, "{detail}", _RIGHT_URL),
        Symptom(
            "compressed",
            Status.UNREACHABLE,
            "{detail}",
            _RIGHT_URL + "; tell whoever runs the gateway before it to respect `Accept-Encoding: identity`",
        ),
        Symptom("too-large", Status.UNREACHABLE, "{detail}", _RIGHT_URL),
    )
}  # fmt: skip
