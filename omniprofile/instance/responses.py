"""An instance's HTTP responses, and how to read what may be in any of them. No input or output."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from omniprofile.instance.instance_error import InstanceError
from omniprofile.model.names import printable
from omniprofile.model.secret import Secret
from omniprofile.model.server_text import without_opaque_words, without_sent

_OF_PERSONAL_TOKENS = re.compile(r"\bpersonal (access )?tokens?\b|\bpats?\b")
"""What an instance says if its organization has personal access tokens off, on which sessions depend."""
_SHORTEST_WAIT = 0.1
_MOST_SAID = 4096


class InvalidResponse(ValueError):
    """An OAuth response that cannot be used. `str()` says why in a few words, without any of its values."""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response: status, header fields with lower-case names, body, and latency in milliseconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: float

    @property
    def date(self) -> datetime | None:
        """The server's clock (RFC 9110, section 6.6.1); None if the response does not say."""
        return _http_date(self.headers.get("date"))


def _http_date(text: str | None) -> datetime | None:
    """Return an HTTP date as an aware datetime, or None for anything else."""
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def retry_after(answer: Response, unsaid: float = 1.0) -> float:
    """Return the seconds to wait from `Retry-After`, in either form (RFC 9110, section 10.2.3); `unsaid` if there is none.

    A date is compared with the server's own `Date`, since the clocks may differ; with our clock if `Date` is missing.
    """
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return max(float(text), _SHORTEST_WAIT)
    when = _http_date(text)
    if when is None:
        return unsaid
    now = answer.date or datetime.now(UTC)
    return max((when - now).total_seconds(), _SHORTEST_WAIT)


def json_object(body: bytes) -> dict[str, object] | None:
    """Return the JSON object in a response body; None for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def said(text: str, limit: int, sent: Sequence[Secret]) -> str:
    """Return server text made safe to display: no control characters or tokens, since the server may echo one of those `sent`."""
    return printable(without_opaque_words(without_sent(text[:_MOST_SAID], sent)), limit)


def is_token(value: object) -> bool:
    """Whether `value` is text that fits in a header field or form unescaped (RFC 6749, appendix A: VSCHAR)."""
    return isinstance(value, str) and 0 < len(value) <= 16384 and all("!" <= char <= "~" for char in value)


def common_problem(answer: Response, sent: Sequence[Secret]) -> InstanceError | None:
    """Return the error for a response that means the same for every request, which `sent` these secrets; None for any other."""
    match answer.status:
        case 301 | 302 | 303 | 307 | 308:
            return InstanceError("redirect", _redirected_to(answer, sent))
        case 403 if _OF_PERSONAL_TOKENS.search(answer.body[:4096].decode("utf-8", "replace").lower()):
            return InstanceError("personal-tokens-disabled")
        case 429:
            return InstanceError("rate-limited")
        case status if status >= 500:
            return InstanceError("server-error", str(status))
    return None


def _redirected_to(answer: Response, sent: Sequence[Secret]) -> str:
    """Return only the host of a redirect, since the rest of the URL may echo parts of the request; or what is there instead."""
    try:
        place = urlsplit(answer.headers.get("location", ""))
        host = place.hostname
    except ValueError:
        return "a malformed address"
    if host is None and place.path.startswith("/"):
        return "a page of its own"
    return printable(without_sent(host, sent), 80) if host else "no address given"
