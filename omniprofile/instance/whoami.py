"""Ask an instance who a credential is, and tell what it answers apart by its symptom."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic, sleep

from omniprofile.instance.client import Client, Response
from omniprofile.instance.oauth_messages import json_object
from omniprofile.instance.symptoms import SYMPTOMS, Symptom, TransportError
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
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


def whoami(client: Client, credential: Credential, *, timeout: float) -> ProbeResult:
    """Ask who `credential` is, within `timeout` seconds in all. A rate limit is waited out where that leaves time."""
    until = monotonic() + timeout
    verdict = _ask(client, credential, WHOAMI, timeout, until)
    if verdict.symptom is not None and verdict.http_status == 404:
        # An instance that is not up to date has no whoami; one that is not an Omni has neither.
        other = _ask(client, credential, MODELS, timeout, until)
        return verdict if other.http_status == 404 else other
    return verdict


def _ask(client: Client, credential: Credential, path: str, timeout: float, until: float) -> ProbeResult:
    """Return the verdict by one path; `until` is when the `timeout` of all requests together ends."""
    unsaid, proxy = 1.0, None
    while (left := until - monotonic()) > 0:
        try:
            answer = client.get(credential.origin, path, credential.secret, timeout=left)
        except TransportError as problem:
            if problem.symptom != "timeout":
                return ProbeResult(SYMPTOMS[problem.symptom], str(problem), proxy=problem.proxy, hint=problem.hint)
            proxy = problem.proxy
            break
        pause = retry_after(answer, unsaid)
        if not _asks_to_wait(answer) or pause >= until - monotonic():
            return _judge(answer, credential, path)
        sleep(pause)
        unsaid *= 2
    words = f"{credential.origin.host} did not answer within {timeout:g} s"
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

    if (common := common_symptom(answer, [credential.secret])) is not None:
        return verdict(*common)
    body = json_object(answer.body)
    page = _is_page(answer)
    match answer.status:
        case 200 if body is not None:
            who = _identity(body, credential.secret) if path == WHOAMI else None
            if who == Identity():
                return verdict("wrong-instance-url", "its whoami names nobody")
            return ProbeResult(None, "", 200, who, answer.latency_ms)
        case 200:
            return verdict("wrong-instance-url", "a web page" if page else "no JSON object")
        case 401:
            return verdict(_refused(credential))
        case 403 if page:
            return verdict("forbidden-page")
        case 403:
            return verdict("session-forbidden" if credential.auth == "oauth" else "permission-missing")
        case status:
            return verdict("wrong-instance-url", f"HTTP {status}")


def common_symptom(answer: Response, sent: Sequence[Secret]) -> tuple[str, str] | None:
    """Return the symptom, with its detail, of a response that means the same whatever was asked for; None for any other."""
    match answer.status:
        case 301 | 302 | 303 | 307 | 308:
            return "redirect", _redirected_to(answer, sent)
        case 403 if _OF_PERSONAL_TOKENS.search(answer.body[:4096].decode("utf-8", "replace").lower()):
            return "personal-tokens-disabled", ""
        case 429:
            return "rate-limited", ""
        case status if status >= 500:
            return "server-error", str(status)
    return None


_OF_PERSONAL_TOKENS = re.compile(r"\bpersonal (access )?tokens?\b|\bpats?\b")
"""What an instance says whose organization has no personal access tokens, which sessions are made of."""


def _refused(credential: Credential) -> str:
    keys = {"omni_osk_": "organization-key-refused", "omni_pat_": "personal-token-refused"}
    return "session-refused" if credential.auth == "oauth" else keys.get(credential.token[:9], "key-refused")


def _is_page(answer: Response) -> bool:
    """Whether the answer is made for a browser."""
    start = answer.body[:64].lstrip().lower()
    return "html" in answer.headers.get("content-type", "").lower() or start.startswith((b"<!doctype html", b"<html"))


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


def _redirected_to(answer: Response, sent: Sequence[Secret]) -> str:
    """Return the host that an answer sends its reader to. No more of the address, which may hold what the request held."""
    from urllib.parse import urlsplit

    try:
        host = urlsplit(answer.headers.get("location", "")).hostname
    except ValueError:
        return "a malformed address"
    return printable(without_sent(host, sent), 80) if host else "no address given"
