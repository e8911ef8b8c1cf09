"""Asking an instance whose credential it is, and classifying its response by symptom."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic, sleep

from omniprofile.instance.client import Client, Response
from omniprofile.instance.oauth_responses import json_object
from omniprofile.instance.symptoms import SYMPTOMS, Symptom, TransportError
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
from omniprofile.model.names import printable
from omniprofile.model.secret import Secret
from omniprofile.model.server_text import without_sent

WHOAMI = "/api/v1/whoami"
MODELS = "/api/v1/models?pageSize=1"
"""The cheapest authenticated request, for an instance that does not have whoami yet."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the instance said about a credential. `symptom` is None if it accepts it.

    `proxy` names the setting that configures the proxy used; `hint` replaces the symptom's remedy if the error knows a better
    one.
    """

    symptom: Symptom | None
    detail: str = ""
    http_status: int | None = None
    identity: Identity | None = None
    latency_ms: float | None = None
    proxy: str | None = None
    hint: str | None = None


def whoami(client: Client, credential: Credential, *, timeout: float) -> ProbeResult:
    """Ask whose `credential` it is, within `timeout` seconds in all. Waits out a rate limit if there is time."""
    until = monotonic() + timeout
    verdict = _ask(client, credential, WHOAMI, timeout, until)
    if verdict.symptom is not None and verdict.http_status == 404:
        # An outdated instance has no whoami, but it has models; a server that is not Omni has neither.
        other = _ask(client, credential, MODELS, timeout, until)
        return verdict if other.http_status == 404 else other
    return verdict


def _ask(client: Client, credential: Credential, path: str, timeout: float, until: float) -> ProbeResult:
    """Return the result from one path; `until` is the deadline of all requests together, whose limit is `timeout`."""
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
    """Whether the instance is up but asks us to retry later (RFC 6585, section 4; RFC 9110, section 15.6.4)."""
    return answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers)


def retry_after(answer: Response, unsaid: float = 1.0) -> float:
    """Return the seconds to wait from `Retry-After`, in either form (RFC 9110, section 10.2.3); `unsaid` if there is none.

    A date is compared with the server's own `Date`, since the clocks may differ; with our clock if `Date` is missing.
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
    """Return an HTTP date as an aware datetime, or None for anything else."""
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
    """Return the symptom and its detail if the response means the same for every request; None for any other."""
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
"""What an instance says if its organization has personal access tokens off, on which sessions depend."""


def _refused(credential: Credential) -> str:
    keys = {"omni_osk_": "organization-key-refused", "omni_pat_": "personal-token-refused"}
    return "session-refused" if credential.auth == "oauth" else keys.get(credential.token[:9], "key-refused")


def _is_page(answer: Response) -> bool:
    """Whether the response is a web page."""
    start = answer.body[:64].lstrip().lower()
    return "html" in answer.headers.get("content-type", "").lower() or start.startswith((b"<!doctype html", b"<html"))


def _identity(body: dict[str, object], sent: Secret) -> Identity:
    user = body.get("user")
    fields = user if isinstance(user, dict) else {}

    def text(value: object) -> str | None:
        """Return an identifier from a string or integer; None if it is anything else, too long or not printable."""
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
    """Return only the host of a redirect, since the rest of the URL may echo parts of the request; or what is there instead."""
    from urllib.parse import urlsplit

    try:
        place = urlsplit(answer.headers.get("location", ""))
        host = place.hostname
    except ValueError:
        return "a malformed address"
    if host is None and place.path.startswith("/"):
        return "a page of its own"
    return printable(without_sent(host, sent), 80) if host else "no address given"
