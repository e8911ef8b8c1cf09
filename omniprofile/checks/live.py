"""Many credentials tested at once, politely: bounded, and never more than the rate limit of one key allows."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, replace

from omniprofile.errors import CredentialRefused, Error, IdentityMismatch, SessionEnded, Unreachable
from omniprofile.instance.client import Client
from omniprofile.instance.pace import Pace
from omniprofile.instance.whoami import SYMPTOMS, Verdict, whoami
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Expect
from omniprofile.model.identity import differences
from omniprofile.model.live import LiveResult, Status


@dataclass(frozen=True, slots=True)
class Subject:
    """One profile to test. `obtain` gives its credential, or raises an Error.

    `given_by` names the flag or variable that gave the token in place of the profile's own, None where none did.
    """

    profile: str
    obtain: Callable[[], Credential]
    expect: Expect
    given_by: str | None = None


def check_live(
    subjects: Sequence[Subject],
    *,
    timeout: float,
    jobs: int,
    on_result: Callable[[LiveResult], None] | None = None,
    pace: Pace | None = None,
) -> list[LiveResult]:
    """Test every subject, `jobs` at once, each within `timeout` seconds; results in the order of the subjects.

    `timeout` is for the instance; a key source has limits of its own. The same credential under several profiles is asked
    about once: sixty requests a minute are allowed for a key, and `pace` knows of those made before. `on_result` is called
    for each result as it comes, from this thread.
    """
    results: dict[int, LiveResult] = {}
    with Client(timeout=timeout, connections=jobs) as client:
        checks = _Checks(client, timeout, pace or Pace())
        with closing(_at_once(subjects, checks.check, jobs)) as finished:
            for index, result in finished:
                results[index] = result
                if on_result is not None:
                    on_result(result)
    return [results[index] for index in range(len(subjects))]


def _at_once(
    subjects: Sequence[Subject], check: Callable[[Subject], "Future[LiveResult]"], jobs: int
) -> Generator[tuple[int, LiveResult]]:
    """Check the subjects by `jobs` threads; give each one's index and result as it comes.

    The threads are daemons: on Ctrl-C what has not begun is dropped and nobody waits for what has.
    """
    from queue import Empty, SimpleQueue
    from threading import Thread

    waiting: SimpleQueue[tuple[int, Subject]] = SimpleQueue()
    finished: SimpleQueue[tuple[int, Future[LiveResult]]] = SimpleQueue()
    for item in enumerate(subjects):
        waiting.put(item)

    def work() -> None:
        while True:
            try:
                index, subject = waiting.get_nowait()
            except Empty:
                return
            check(subject).add_done_callback(lambda future, index=index: finished.put((index, future)))  # type: ignore[misc]  # mypy has no type for a default

    for _ in range(min(jobs, len(subjects))):
        Thread(target=work, daemon=True).start()
    try:
        for _ in subjects:
            index, future = finished.get()
            yield index, future.result()
    finally:
        while not waiting.empty():
            try:
                waiting.get_nowait()
            except Empty:
                break


class _Checks:
    """The checks of one run. The first subject that brings a credential asks about it; the others take its answer."""

    def __init__(self, client: Client, timeout: float, pace: Pace) -> None:
        from threading import Lock

        self._client = client
        self._timeout = timeout
        self._pace = pace
        self._lock = Lock()
        self._verdicts: dict[object, Future[Verdict]] = {}

    def check(self, subject: Subject) -> "Future[LiveResult]":
        """The result of one subject, now or when the answer that it shares has come. Raises nothing."""
        result: Future[LiveResult] = Future()
        try:
            credential = subject.obtain()
        except Error as error:
            result.set_result(_not_asked(subject, error))
            return result
        except BaseException as problem:  # noqa: BLE001 - handed to the thread that waits, whatever it is
            result.set_exception(problem)
            return result

        def judge(verdict: Future[Verdict]) -> None:
            try:
                result.set_result(_result(subject, credential, _judged(verdict.result(), subject)))
            except BaseException as problem:  # noqa: BLE001 - as above
                result.set_exception(problem)

        self._verdict(credential).add_done_callback(judge)
        return result

    def _verdict(self, credential: Credential) -> Future[Verdict]:
        from time import sleep

        key = (credential.origin, credential.secret, credential.auth)
        with self._lock:
            if (known := self._verdicts.get(key)) is not None:
                return known
            own = self._verdicts[key] = Future()
        try:
            own.set_result(
                whoami(
                    self._client,
                    credential,
                    timeout=self._timeout,
                    sleep=sleep,
                    pace=lambda: self._pace.wait(credential),
                )
            )
        except BaseException as problem:  # noqa: BLE001 - as above, and for every subject that shares it
            own.set_exception(problem)
        return own


def _not_asked(subject: Subject, error: Error) -> LiveResult:
    """The result where there is no credential to ask about. A session's refresh may have asked the instance already."""
    status = Status.UNTESTED
    if isinstance(error, CredentialRefused | IdentityMismatch | SessionEnded):
        status = Status.INVALID
    elif isinstance(error, Unreachable):
        status = Status.UNREACHABLE
    return LiveResult(subject.profile, status, reason=error.message, remedy=error.hint, symptom=error.code, error=error)


def _judged(verdict: Verdict, subject: Subject) -> Verdict:
    """The verdict for one subject: by where its token came from, and by the identity that it expects."""
    if verdict.symptom is not None and subject.given_by is not None and verdict.http_status == 401:
        return replace(verdict, symptom=SYMPTOMS["given-token-refused"], detail=subject.given_by)
    return _pinned(verdict, subject.expect)


def _pinned(verdict: Verdict, expect: Expect) -> Verdict:
    """The verdict after the identity pin. An identity that cannot be checked is not the one expected."""
    if verdict.symptom is not None or expect == Expect():
        return verdict
    if verdict.identity is None:
        return replace(verdict, symptom=SYMPTOMS["identity-unknown"])
    if found := differences(expect, verdict.identity):
        return replace(verdict, symptom=SYMPTOMS["identity-mismatch"], detail="; ".join(found))
    return verdict


def _result(subject: Subject, credential: Credential, verdict: Verdict) -> LiveResult:
    symptom = verdict.symptom
    result = LiveResult(
        subject.profile,
        Status.OK,
        http_status=verdict.http_status,
        identity=verdict.identity,
        latency_ms=verdict.latency_ms,
    )
    if symptom is None:
        return result
    reason, remedy = symptom.words(host=credential.origin.host, profile=subject.profile, detail=verdict.detail)
    return replace(
        result,
        status=symptom.status,
        reason=reason,
        remedy=remedy,
        symptom=symptom.name,
    )
