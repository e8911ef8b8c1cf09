"""Tests many credentials, up to `jobs` at once, and each distinct credential only once."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue

from omniprofile.errors import CredentialRefused, Error, IdentityMismatch, SessionEnded, Unreachable
from omniprofile.instance.client import Client
from omniprofile.instance.instance_error import InstanceError
from omniprofile.instance.whoami import ProbeResult, whoami
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
from omniprofile.model.live import LiveResult, Status, differences
from omniprofile.system.threads import next_of, start


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
    waiting, finished = SimpleQueue[tuple[int, Subject]](), SimpleQueue[_Finished]()
    for item in enumerate(subjects):
        waiting.put(item)
    with Client(timeout=timeout, environ=environ) as client:
        run = _Run(client, timeout, waiting, finished)
        try:
            for _ in range(min(jobs, len(subjects))):
                start(run.work).add_done_callback(run.ended)
            while len(results) < len(subjects):
                found = next_of(finished)
                if isinstance(found, BaseException):
                    raise found
                index, subject, outcome = found
                results[index] = _result(subject, outcome)
                if on_result is not None:
                    on_result(results[index])
        finally:
            run.stop()
    return [results[index] for index in range(len(subjects))]


_Outcome = tuple[Credential, ProbeResult] | Error
_Finished = tuple[int, Subject, _Outcome] | BaseException


@dataclass(frozen=True, slots=True)
class _Run:
    """The state that the threads of one run share.

    The first subject with a credential sends the request. Others with the same credential take its result, without blocking a
    thread.
    """

    client: Client
    timeout: float
    waiting: SimpleQueue[tuple[int, Subject]]
    finished: SimpleQueue[_Finished]
    probes: dict[object, Future[_Outcome]] = field(default_factory=dict)

    def work(self) -> None:
        """Check subjects until none is left."""
        with suppress(Empty):
            while True:
                self._check(*self.waiting.get_nowait())

    def ended(self, worker: Future[None]) -> None:
        """Pass on a worker's exception, which is a bug, to the main thread."""
        if (problem := worker.exception()) is not None:
            self.finished.put(problem)

    def stop(self) -> None:
        """Drop the subjects that have not started. Running checks are not waited for."""
        with suppress(Empty):
            while True:
                self.waiting.get_nowait()

    def _check(self, index: int, subject: Subject) -> None:
        try:
            credential = subject.obtain()
        except Error as error:
            self.finished.put((index, subject, error))
            return
        own: Future[_Outcome] = Future()
        probe = self.probes.setdefault((credential.origin, credential.secret, credential.auth), own)
        probe.add_done_callback(lambda done: self.finished.put((index, subject, done.result())))
        if probe is own:
            own.set_result(self._probed(subject, credential))

    def _probed(self, subject: Subject, credential: Credential) -> _Outcome:
        """Return the credential and the instance's answer. If the instance refuses a session, renew it and ask once more."""
        result = self._whoami(credential)
        if result.http_status != 401 or credential.auth != "oauth" or subject.renew is None:
            return credential, result
        try:
            renewed = subject.renew()
        except Error:
            return credential, result  # the instance's own refusal explains most
        return (credential, result) if renewed.secret == credential.secret else (renewed, self._whoami(renewed))

    def _whoami(self, credential: Credential) -> ProbeResult:
        return whoami(self.client, credential, timeout=self.timeout)


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
    return replace(result, status=symptom.status, reason=reason, remedy=remedy, symptom=symptom.name)
