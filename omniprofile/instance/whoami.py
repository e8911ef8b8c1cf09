"""Asking an instance who a credential is, and telling every symptom apart, each with its own remedy.

The symptoms are those of the vendor's troubleshooting page (docs.omni.co, developers/cli/authentication) and of a network.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import monotonic

from omniprofile.instance.client import Answer, Client, NoAnswer
from omniprofile.model.credential import Credential
from omniprofile.model.live import Identity, Status
from omniprofile.model.names import printable

WHOAMI = "/api/v1/whoami"
MODELS = "/api/v1/models?pageSize=1"
"""The cheapest authenticated call, for an instance that has no whoami yet."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that can be wrong. `reason` and `remedy` may hold `{host}`, `{origin}`, `{profile}`, `{detail}`."""

    name: str
    status: Status
    reason: str
    remedy: str


_LOGIN = "run `omniprofile login {profile}`"
_RIGHT_URL = "check the base URL: it is the address that you use to log in"

SYMPTOMS = {
    symptom.name: symptom
    for symptom in (
        Symptom(
            "organization-key-refused",
            Status.INVALID,
            "{host} refuses the organization API key",
            "check that it is right and not revoked (Settings > API access), and that it is this instance's; then put the new "
            "one where the profile takes it from: `omniprofile explain {profile}` says where",
        ),
        Symptom(
            "personal-token-refused",
            Status.INVALID,
            "{host} refuses the personal access token",
            "check in your profile's settings in Omni that it is not revoked, and that it is this instance's; then put the new "
            "one where the profile takes it from: `omniprofile explain {profile}` says where",
        ),
        Symptom(
            "key-refused",
            Status.INVALID,
            "{host} refuses the API key",
            "check that the key is right and not revoked, and that it is this instance's; `omniprofile explain {profile}` says "
            "where it comes from",
        ),
        Symptom(
            "session-refused",
            Status.INVALID,
            "{host} refuses the session: it has expired or was revoked",
            _LOGIN + "; if it happens again, look whether the CLI's token was revoked in Omni's settings",
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
            "{host} knows the credential, but does not allow it this",
            "check that its user or key has the permission, and access to the resource",
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
            "{host} limits the rate of requests for this key (60 a minute)",
            "wait a minute, and try again",
        ),
        Symptom(
            "server-error",
            Status.UNREACHABLE,
            "{host} has an error of its own (HTTP {detail})",
            "try again later, and look at the instance's status",
        ),
        Symptom("dns", Status.UNREACHABLE, "{detail}", _RIGHT_URL + "; and that you are online, or on the VPN"),
        Symptom("refused", Status.UNREACHABLE, "{detail}", _RIGHT_URL + "; a firewall may be in the way"),
        Symptom(
            "tls",
            Status.UNREACHABLE,
            "{detail}",
            "a proxy that reads TLS may be in the way: its certificate must be in the operating system's trust store, or named "
            "by `SSL_CERT_FILE`",
        ),
        Symptom("timeout", Status.UNREACHABLE, "{detail}", "try again, with a longer `--timeout`; check the VPN and the proxy"),
        Symptom("proxy", Status.UNREACHABLE, "{detail}", "check `HTTPS_PROXY`, or name the host in `NO_PROXY`"),
        Symptom("protocol", Status.UNREACHABLE, "{detail}", _RIGHT_URL + "; check the proxy variables"),
        Symptom("too-large", Status.UNREACHABLE, "{detail}", _RIGHT_URL),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the instance said of a credential. `symptom` is None when it accepts it."""

    symptom: Symptom | None
    detail: str = ""
    http_status: int | None = None
    identity: Identity | None = None
    latency_ms: float | None = None


def whoami(client: Client, credential: Credential, *, timeout: float, sleep: Callable[[float], None]) -> Verdict:
    """Ask who `credential` is, within `timeout` seconds in all. A rate limit is waited out where that leaves time."""
    until = monotonic() + timeout
    verdict = _ask(client, credential, WHOAMI, until, sleep)
    if verdict.symptom is not None and verdict.http_status == 404 and verdict.symptom.name == "wrong-instance-url":
        # An instance that is not up to date has no whoami; one that is no Omni has neither.
        other = _ask(client, credential, MODELS, until, sleep)
        return verdict if other.http_status == 404 else other
    return verdict


def _ask(client: Client, credential: Credential, path: str, until: float, sleep: Callable[[float], None]) -> Verdict:
    while True:
        left = until - monotonic()
        if left <= 0:
            return Verdict(SYMPTOMS["timeout"], f"{credential.origin.host} did not answer in time")
        try:
            answer = client.get(credential.origin, path, credential.secret, timeout=left)
        except NoAnswer as problem:
            return Verdict(SYMPTOMS[problem.symptom], str(problem))
        if answer.status != 429:
            return _judge(answer, credential, path)
        wait = retry_after(answer)
        if wait > until - monotonic():
            return Verdict(SYMPTOMS["rate-limited"], "", 429, latency_ms=answer.latency_ms)
        sleep(wait)


def retry_after(answer: Answer) -> float:
    """Seconds to wait by `Retry-After`, in either of its forms (RFC 9110, section 10.2.3); 1 where there is none.

    A date is measured against the server's own `Date`, so that its clock and ours need not agree.
    """
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return max(float(text), 0.1)
    try:
        when = parsedate_to_datetime(text)
        now = parsedate_to_datetime(answer.headers.get("date", ""))
        return max((when - now).total_seconds(), 0.1)
    except (ValueError, TypeError):
        return 1.0


def _judge(answer: Answer, credential: Credential, path: str) -> Verdict:
    def verdict(name: str, detail: str = "") -> Verdict:
        return Verdict(SYMPTOMS[name], detail, answer.status, latency_ms=answer.latency_ms)

    body = _json_object(answer)
    match answer.status:
        case 200 if body is not None:
            who = _identity(body) if path == WHOAMI else None
            return Verdict(None, "", 200, who, answer.latency_ms)
        case 200:
            return verdict("wrong-instance-url", "no JSON object")
        case 301 | 302 | 303 | 307 | 308:
            return verdict("redirect", printable(_host_of(answer.headers.get("location", "")), 80))
        case 401:
            return verdict(_refused(credential))
        case 403:
            text = answer.body[:4096].decode("utf-8", "replace").lower()
            disabled = "personal access token" in text or "personal token" in text or "pat" in text.split()
            return verdict("personal-tokens-disabled" if disabled else "permission-missing")
        case 404:
            return verdict("wrong-instance-url", "HTTP 404")
        case status if status >= 500:
            return verdict("server-error", str(status))
        case status:
            return verdict("wrong-instance-url", f"HTTP {status}")


def _refused(credential: Credential) -> str:
    if credential.auth == "oauth":
        return "session-refused"
    if credential.token.startswith("omni_osk_"):
        return "organization-key-refused"
    if credential.token.startswith("omni_pat_"):
        return "personal-token-refused"
    return "key-refused"


def _json_object(answer: Answer) -> dict[str, object] | None:
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _identity(body: dict[str, object]) -> Identity:
    user = body.get("user")
    fields = user if isinstance(user, dict) else {}

    def text(value: object) -> str | None:
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None

    return Identity(
        user=text(fields.get("id")),
        membership_id=text(fields.get("membershipId")),
        key_scope=text(body.get("keyScope")),
        org_role=text(body.get("orgRole")),
    )


def _host_of(location: str) -> str:
    from urllib.parse import urlsplit

    try:
        return urlsplit(location).hostname or "no address given"
    except ValueError:
        return "a misshapen address"
