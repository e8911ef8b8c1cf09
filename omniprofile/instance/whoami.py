"""Asking an instance who a credential is, and telling every symptom apart, each with its own remedy.

The symptoms are those of the vendor's troubleshooting page (docs.omni.co, developers/cli/authentication) and of a network.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
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
    """One thing that can be wrong. `reason` and `remedy` may hold `{host}`, `{profile}`, `{detail}`."""

    name: str
    status: Status
    reason: str
    remedy: str

    def words(self, *, host: str, detail: str, profile: str = "") -> tuple[str, str]:
        """Reason and remedy for one case. Only what the live check alone can find speaks of the profile."""
        case = {"host": host, "profile": profile, "detail": detail}
        return self.reason.format_map(case), self.remedy.format_map(case)


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
            "given-token-refused",
            Status.INVALID,
            "{host} refuses the token from the {detail}",
            "check that it is right and not revoked, and that it is this instance's; without it the profile's own credential is "
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
            "{host} knows the credential, but does not allow it this",
            "check that its user or key has the permission, and access to the resource",
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
            "wait a minute and try again; `omniprofile test` waits by itself with a longer `--timeout`",
        ),
        Symptom(
            "server-error",
            Status.UNREACHABLE,
            "{host} has an error of its own (HTTP {detail})",
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
        Symptom("tls-handshake", Status.UNREACHABLE, "{detail}", _RIGHT_URL + "; a firewall or proxy may break TLS off"),
        Symptom(
            "timeout",
            Status.UNREACHABLE,
            "{detail}",
            "try again, and check the VPN and the proxy; `omniprofile test` waits longer with `--timeout`",
        ),
        Symptom("proxy", Status.UNREACHABLE, "{detail}", "check `HTTPS_PROXY`, or name the host in `NO_PROXY`"),
        Symptom(
            "socks",
            Status.UNREACHABLE,
            "{detail}",
            "install `httpx[socks]` beside omniprofile, name an HTTP proxy, or name the host in `NO_PROXY`",
        ),
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


def whoami(
    client: Client,
    credential: Credential,
    *,
    timeout: float,
    sleep: Callable[[float], None],
    pace: Callable[[], float] = lambda: 0.0,
) -> Verdict:
    """Ask who `credential` is, within `timeout` seconds in all. A rate limit is waited out where that leaves time.

    `pace` is asked before each request: it gives the seconds until one is allowed, 0 for now.
    """
    asking = _Asking(client, credential, timeout, monotonic() + timeout, sleep, pace)
    verdict = asking.ask(WHOAMI)
    if verdict.symptom is not None and verdict.http_status == 404:
        # An instance that is not up to date has no whoami; one that is no Omni has neither.
        other = asking.ask(MODELS)
        return verdict if other.http_status == 404 else other
    return verdict


@dataclass(frozen=True, slots=True)
class _Asking:
    """One question to an instance, with its time limit: all requests that it takes together end by `until`."""

    client: Client
    credential: Credential
    timeout: float
    until: float
    sleep: Callable[[float], None]
    pace: Callable[[], float]

    def ask(self, path: str) -> Verdict:
        """The verdict by one path."""
        unsaid = 1.0
        while True:
            if (wait := self.pace()) > 0:
                if not self._wait(wait):
                    return Verdict(SYMPTOMS["rate-limited"])
                continue
            left = self.until - monotonic()
            if left <= 0:
                return self._too_late()
            try:
                answer = self.client.get(self.credential.origin, path, self.credential.secret, timeout=left)
            except NoAnswer as problem:
                if problem.symptom == "timeout":
                    return self._too_late()
                return Verdict(SYMPTOMS[problem.symptom], str(problem))
            if not _asks_to_wait(answer):
                return _judge(answer, self.credential, path)
            if not self._wait(retry_after(answer, unsaid)):
                return _judge(answer, self.credential, path)
            unsaid *= 2

    def _wait(self, seconds: float) -> bool:
        """Wait, if that leaves time for a request."""
        if seconds >= self.until - monotonic():
            return False
        self.sleep(seconds)
        return True

    def _too_late(self) -> Verdict:
        return Verdict(SYMPTOMS["timeout"], f"{self.credential.origin.host} did not answer within {self.timeout:g} s")


def _asks_to_wait(answer: Answer) -> bool:
    """Whether the instance is there but wants to be asked later (RFC 6585, section 4; RFC 9110, section 15.6.4)."""
    return answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers)


def retry_after(answer: Answer, unsaid: float = 1.0) -> float:
    """Seconds to wait by `Retry-After`, in either of its forms (RFC 9110, section 10.2.3); `unsaid` where there is none.

    A date is measured against the server's own `Date`, so that its clock and ours need not agree; against ours without one.
    """
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return max(float(text), _SHORTEST_WAIT)
    when = http_date(text)
    if when is None:
        return unsaid
    now = http_date(answer.headers.get("date")) or datetime.now(UTC)
    return max((when - now).total_seconds(), _SHORTEST_WAIT)


_SHORTEST_WAIT = 0.1


def http_date(text: str | None) -> datetime | None:
    """An HTTP date, aware. None for what is none."""
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _judge(answer: Answer, credential: Credential, path: str) -> Verdict:
    def verdict(name: str, detail: str = "") -> Verdict:
        return Verdict(SYMPTOMS[name], detail, answer.status, latency_ms=answer.latency_ms)

    body = _json_object(answer)
    page = _is_page(answer)
    match answer.status:
        case 200 if body is not None:
            who = _identity(body) if path == WHOAMI else None
            if who == Identity():
                return verdict("wrong-instance-url", "its whoami names nobody")
            return Verdict(None, "", 200, who, answer.latency_ms)
        case 200:
            return verdict("wrong-instance-url", "a web page" if page else "no JSON object")
        case 301 | 302 | 303 | 307 | 308:
            return verdict("redirect", redirected_to(answer))
        case 401:
            return verdict(_refused(credential))
        case 403 if personal_tokens_are_off(answer):
            return verdict("personal-tokens-disabled")
        case 403:
            return verdict("forbidden-page" if page else "permission-missing")
        case 404:
            return verdict("wrong-instance-url", "HTTP 404")
        case 407:
            return verdict("proxy", "the proxy answers 407 Proxy Authentication Required")
        case 429:
            return verdict("rate-limited")
        case status if status >= 500:
            return verdict("server-error", str(status))
        case status:
            return verdict("wrong-instance-url", f"HTTP {status}")


_OF_PERSONAL_TOKENS = re.compile(r"\bpersonal (access )?tokens?\b|\bpats?\b")


def personal_tokens_are_off(answer: Answer) -> bool:
    """Whether the instance refuses because its organization has no personal access tokens, which sessions are made of."""
    text = answer.body[:4096].decode("utf-8", "replace").lower()
    return answer.status == 403 and _OF_PERSONAL_TOKENS.search(text) is not None


def _refused(credential: Credential) -> str:
    if credential.auth == "oauth":
        return "session-refused"
    if credential.token.startswith("omni_osk_"):
        return "organization-key-refused"
    if credential.token.startswith("omni_pat_"):
        return "personal-token-refused"
    return "key-refused"


def _is_page(answer: Answer) -> bool:
    """Whether the answer is made for a browser."""
    start = answer.body[:64].lstrip().lower()
    return "html" in answer.headers.get("content-type", "").lower() or start.startswith((b"<!doctype html", b"<html"))


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


def redirected_to(answer: Answer) -> str:
    """The host that an answer sends its reader to. No more of the address, which may hold what the request held."""
    from urllib.parse import urlsplit

    try:
        return printable(urlsplit(answer.headers.get("location", "")).hostname or "no address given", 80)
    except ValueError:
        return "a misshapen address"
