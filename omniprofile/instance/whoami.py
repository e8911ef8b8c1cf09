"""Ask an instance who a credential is, and tell what it answers apart by its symptom."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic

from omniprofile.instance.client import Client, Response, TransportError
from omniprofile.instance.symptoms import SYMPTOMS, Symptom
from omniprofile.model.credential import Credential
from omniprofile.model.live import Identity
from omniprofile.model.names import printable
from omniprofile.model.secret import Secret, without_sent

WHOAMI = "/api/v1/whoami"
MODELS = "/api/v1/models?pageSize=1"
"""The cheapest authenticated call, for an instance that has no whoami yet."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the instance said of a credential. `symptom` is None when it accepts it.

    `proxy` is what names the proxy that it was asked by; `hint` what to do, where that is known better than by the symptom.
    """

    symptom: Symptom | None
    detail: str = ""
    http_status: int | None = None
    identity: Identity | None = None
    latency_ms: float | None = None
    proxy: str | None = None
    hint: str | None = None


def whoami(
    client: Client,
    credential: Credential,
    *,
    timeout: float,
    sleep: Callable[[float], None],
) -> ProbeResult:
    """Ask who `credential` is, within `timeout` seconds in all. A rate limit is waited out where that leaves time."""
    asking = _Asking(client, credential, timeout, monotonic() + timeout, sleep)
    verdict = asking.ask(WHOAMI)
    if verdict.symptom is not None and verdict.http_status == 404:
        # An instance that is not up to date has no whoami; one that is not an Omni has neither.
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

    def ask(self, path: str) -> ProbeResult:
        """Return the verdict by one path."""
        unsaid = 1.0
        while True:
            left = self.until - monotonic()
            if left <= 0:
                return self._too_late()
            try:
                answer = self.client.get(self.credential.origin, path, self.credential.secret, timeout=left)
            except TransportError as problem:
                if problem.symptom == "timeout":
                    return self._too_late(problem.proxy)
                return ProbeResult(SYMPTOMS[problem.symptom], str(problem), proxy=problem.proxy, hint=problem.hint)
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

    def _too_late(self, proxy: str | None = None) -> ProbeResult:
        words = f"{self.credential.origin.host} did not answer within {self.timeout:g} s"
        return ProbeResult(SYMPTOMS["timeout"], words, proxy=proxy)


def _asks_to_wait(answer: Response) -> bool:
    """Whether the instance is there but wants to be asked later (RFC 6585, section 4; RFC 9110, section 15.6.4)."""
    return answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers)


def retry_after(answer: Response, unsaid: float = 1.0) -> float:
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
    """Return an HTTP date as an aware time, or None for anything else."""
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _judge(answer: Response, credential: Credential, path: str) -> ProbeResult:
    def verdict(name: str, detail: str = "") -> ProbeResult:
        return ProbeResult(SYMPTOMS[name], detail, answer.status, latency_ms=answer.latency_ms)

    body = _json_object(answer)
    page = _is_page(answer)
    match answer.status:
        case 200 if body is not None:
            who = _identity(body, credential.secret) if path == WHOAMI else None
            if who == Identity():
                return verdict("wrong-instance-url", "its whoami names nobody")
            return ProbeResult(None, "", 200, who, answer.latency_ms)
        case 200:
            return verdict("wrong-instance-url", "a web page" if page else "no JSON object")
        case 301 | 302 | 303 | 307 | 308:
            return verdict("redirect", redirected_to(answer, [credential.secret]))
        case 401:
            return verdict(_refused(credential))
        case 403 if personal_tokens_are_off(answer):
            return verdict("personal-tokens-disabled")
        case 403 if page:
            return verdict("forbidden-page")
        case 403:
            return verdict("session-forbidden" if credential.auth == "oauth" else "permission-missing")
        case 404:
            return verdict("wrong-instance-url", "HTTP 404")
        case 429:
            return verdict("rate-limited")
        case status if status >= 500:
            return verdict("server-error", str(status))
        case status:
            return verdict("wrong-instance-url", f"HTTP {status}")


_OF_PERSONAL_TOKENS = re.compile(r"\bpersonal (access )?tokens?\b|\bpats?\b")


def personal_tokens_are_off(answer: Response) -> bool:
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


def _is_page(answer: Response) -> bool:
    """Whether the answer is made for a browser."""
    start = answer.body[:64].lstrip().lower()
    return "html" in answer.headers.get("content-type", "").lower() or start.startswith((b"<!doctype html", b"<html"))


def _json_object(answer: Response) -> dict[str, object] | None:
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _identity(body: dict[str, object], sent: Secret) -> Identity:
    user = body.get("user")
    fields = user if isinstance(user, dict) else {}

    def text(value: object) -> str | None:
        """Return an identifier, from a text or a whole number. What is neither, or no size for one, says nothing."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value) if abs(value) < 10**20 else None
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_IDENTIFIER or not value.isprintable():
            return None
        return without_sent(value, [sent])

    return Identity(
        user=text(fields.get("id")),
        membership_id=text(fields.get("membershipId")),
        key_scope=text(body.get("keyScope")),
        org_role=text(body.get("orgRole")),
    )


_LONGEST_IDENTIFIER = 256


def redirected_to(answer: Response, sent: Sequence[Secret]) -> str:
    """Return the host that an answer sends its reader to. No more of the address, which may hold what the request held."""
    from urllib.parse import urlsplit

    try:
        host = urlsplit(answer.headers.get("location", "")).hostname
    except ValueError:
        return "a malformed address"
    return printable(without_sent(host, sent), 80) if host else "no address given"
