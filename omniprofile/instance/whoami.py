"""Asking an instance for the identity of a credential, and classifying its response by symptom."""

from dataclasses import dataclass
from time import monotonic, sleep

from omniprofile.instance.client import Client
from omniprofile.instance.instance_error import InstanceError
from omniprofile.instance.responses import Response, common_problem, json_object, retry_after
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
from omniprofile.model.secret import Secret
from omniprofile.model.server_text import without_sent

WHOAMI = "/api/v1/whoami"
MODELS = "/api/v1/models?pageSize=1"
"""The cheapest authenticated request, for an instance that does not have whoami yet."""
_LONGEST_IDENTIFIER = 256


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The instance's answer about a credential. `problem` is None if it accepts it."""

    problem: InstanceError | None
    http_status: int | None = None
    identity: Identity | None = None
    latency_ms: float | None = None


def whoami(client: Client, credential: Credential, *, timeout: float) -> ProbeResult:
    """Ask for the identity of `credential`, within `timeout` seconds in all. Waits out a rate limit if there is time."""
    until = monotonic() + timeout
    result = _ask(client, credential, WHOAMI, timeout, until)
    if result.problem is not None and result.http_status == 404:
        # An outdated instance has no whoami, but it has models; a server that is not Omni has neither.
        other = _ask(client, credential, MODELS, timeout, until)
        return result if other.http_status == 404 else other
    return result


def _ask(client: Client, credential: Credential, path: str, timeout: float, until: float) -> ProbeResult:
    """Return the result from one path; `until` is the deadline of all requests together, whose limit is `timeout`."""
    unsaid, proxy = 1.0, None
    while (left := until - monotonic()) > 0:
        try:
            answer = client.get(credential.origin, path, credential.secret, timeout=left)
        except InstanceError as found:
            if found.symptom.name != "timeout":
                return ProbeResult(found)
            proxy = found.proxy
            break
        pause = retry_after(answer, unsaid)
        if not _asks_to_wait(answer) or pause >= until - monotonic():
            problem = identity = None
            try:
                identity = _identified(answer, credential, path)
            except InstanceError as found:
                problem = found
            return ProbeResult(problem, answer.status, identity, answer.latency_ms)
        sleep(pause)
        unsaid *= 2
    return ProbeResult(InstanceError.no_answer(credential.origin.host, timeout, proxy))


def _asks_to_wait(answer: Response) -> bool:
    """Whether the instance is up but asks us to retry later (RFC 6585, section 4; RFC 9110, section 15.6.4)."""
    return answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers)


def _identified(answer: Response, credential: Credential, path: str) -> Identity | None:
    """Return the identity of the credential, None if `path` does not give it. Raises InstanceError."""
    if (common := common_problem(answer, [credential.secret])) is not None:
        raise common
    body = json_object(answer.body)
    page = _is_page(answer)
    match answer.status:
        case 200 if body is not None:
            who = _identity(body, credential.secret) if path == WHOAMI else None
            if who == Identity():
                raise InstanceError("wrong-instance-url", "its whoami names nobody")
            return who
        case 200:
            raise InstanceError("wrong-instance-url", "a web page" if page else "no JSON object")
        case 401:
            raise InstanceError(_refused(credential))
        case 403 if page:
            raise InstanceError("forbidden-page")
        case 403:
            raise InstanceError("session-forbidden" if credential.auth == "oauth" else "permission-missing")
        case status:
            raise InstanceError("wrong-instance-url", f"HTTP {status}")


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
