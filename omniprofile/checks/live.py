"""Test many credentials, up to `jobs` at once, and each distinct credential only once."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from omniprofile.errors import CredentialRefused, Error, IdentityMismatch, SessionEnded, Unreachable
from omniprofile.instance.client import Client
from omniprofile.instance.instance_error import InstanceError
from omniprofile.instance.whoami import ProbeResult, whoami
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
from omniprofile.model.live_result import LiveResult, Status, differences
from omniprofile.system.threads import concurrently


@dataclass(frozen=True, slots=True)
class Subject:
    """One profile to test. `obtain` returns its credential, or raises Error.

    `given_by` names the flag or variable whose token replaces the profile's own, if any. `renew` returns a new credential when
    the instance refuses a session that has not expired.
    """

    profile: str
    obtain: Callable[[], Credential]
    expect: Identity
    given_by: str | None = None
    renew: Callable[[], Credential] | None = None


def check_live(
    subjects: Sequence[Subject],
    *,
    timeout: float,
    jobs: int,
    environ: Mapping[str, str],
    on_result: Callable[[LiveResult], None] | None = None,
) -> list[LiveResult]:
    """Test every subject, `jobs` at once, each within `timeout` seconds; return the results in the order of the subjects.

    `timeout` limits requests to the instance; a key source has its own limits. Profiles with the same credential share one
    request. `on_result` is called from this thread with each result as it arrives.
    """
    results: dict[int, LiveResult] = {}
    answered: list[tuple[int, Future[_Outcome]]] = []
    probes: dict[object, Future[_Outcome]] = {}
    with Client(timeout=timeout, environ=environ) as client:
        check = partial(_check, probes, partial(whoami, client, timeout=timeout))
        for found in concurrently(check, enumerate(subjects), jobs):
            answered.append(found)
            # A shared probe may still run: its result comes with the subject that sent it.
            for index, probe in [one for one in answered if one[1].done()]:
                results[index] = _result(subjects[index], probe.result())
                if on_result is not None:
                    on_result(results[index])
            answered = [one for one in answered if one[0] not in results]
    return [results[index] for index in range(len(subjects))]


_Outcome = tuple[Credential, ProbeResult] | Error
_Ask = Callable[[Credential], ProbeResult]


def _check(
    probes: dict[object, Future[_Outcome]], ask: _Ask, item: tuple[int, Subject]
) -> tuple[int, Future[_Outcome]]:
    """Return a subject's index and its outcome, which has not come yet if another subject's thread asks for it.

    The threads of a run share `probes`: the first subject with a credential asks about it, others take its outcome.
    """
    index, subject = item
    own: Future[_Outcome] = Future()
    try:
        credential = subject.obtain()
    except Error as error:
        own.set_result(error)
        return index, own
    probe = probes.setdefault((credential.origin, credential.secret, credential.auth), own)
    if probe is own:
        own.set_result(_probed(ask, subject, credential))
    return index, probe


def _probed(ask: _Ask, subject: Subject, credential: Credential) -> _Outcome:
    """Return the credential and the instance's answer. If the instance refuses a session, renew it and ask once more."""
    result = ask(credential)
    if result.http_status != 401 or credential.auth != "oauth" or subject.renew is None:
        return credential, result
    try:
        renewed = subject.renew()
    except Error:
        return credential, result  # the instance's own refusal explains most
    return (credential, result) if renewed.secret == credential.secret else (renewed, ask(renewed))


def _problem(result: ProbeResult, subject: Subject) -> InstanceError | None:
    """Return what is wrong for one subject, given where its token came from and which identity it expects."""
    if result.problem is not None:
        if subject.given_by is not None and result.http_status == 401:
            return InstanceError("given-token-refused", subject.given_by)
        return result.problem
    if subject.expect == Identity():
        return None
    if result.identity is None:  # an identity that cannot be checked does not count as the expected one
        return InstanceError("identity-unknown")
    if found := differences(subject.expect, result.identity):
        return InstanceError("identity-mismatch", "; ".join(found))
    return None


def _result(subject: Subject, outcome: _Outcome) -> LiveResult:
    if isinstance(outcome, Error):  # no credential, though a session's refresh may have contacted the instance
        status = Status.UNTESTED
        if isinstance(outcome, CredentialRefused | IdentityMismatch | SessionEnded):
            status = Status.INVALID
        elif isinstance(outcome, Unreachable):
            status = Status.UNREACHABLE
        return LiveResult(
            subject.profile, status, reason=outcome.message, remedy=outcome.hint, symptom=outcome.code, error=outcome
        )
    credential, probe = outcome
    result = LiveResult(
        subject.profile, Status.OK, http_status=probe.http_status, identity=probe.identity, latency_ms=probe.latency_ms
    )
    if (problem := _problem(probe, subject)) is None:
        return result
    reason, remedy = problem.words(credential.origin.host, subject.profile, testing=True)
    symptom = problem.symptom
    kind: type[Error] = Unreachable
    if symptom.status is Status.INVALID:
        kind = IdentityMismatch if symptom.name == "identity-mismatch" else CredentialRefused
    # Other commands than `test` show the error alone, and do not have its options.
    error = kind(f"`{subject.profile}`: {reason}", hint=problem.words(credential.origin.host, subject.profile)[1])
    return replace(result, status=symptom.status, reason=reason, remedy=remedy, symptom=symptom.name, error=error)
