"""Many credentials tested at once, politely: bounded, and never more than the rate limit of one key allows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from omniprofile.checks.identity import differences
from omniprofile.errors import Error
from omniprofile.instance.client import Client
from omniprofile.instance.whoami import SYMPTOMS, Verdict, whoami
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Expect
from omniprofile.model.live import LiveResult, Status


@dataclass(frozen=True, slots=True)
class Subject:
    """One profile to test. `obtain` gives its credential, or raises an Error."""

    profile: str
    obtain: Callable[[], Credential]
    expect: Expect


def check_live(
    subjects: Sequence[Subject],
    *,
    timeout: float,
    jobs: int,
    on_result: Callable[[LiveResult], None] | None = None,
) -> list[LiveResult]:
    """Test every subject, `jobs` at once, each within `timeout` seconds; results in the order of the subjects.

    The same credential under several profiles is asked about once: sixty requests a minute are allowed for a key.
    `on_result` is called for each result as it comes, from this thread.
    """
    from concurrent.futures import ThreadPoolExecutor, as_completed

    answers = _Once()
    results: dict[int, LiveResult] = {}
    with Client(timeout=timeout, connections=jobs) as client:
        pool = ThreadPoolExecutor(max_workers=max(1, min(jobs, len(subjects))))
        try:
            futures = {
                pool.submit(_check, client, subject, timeout, answers): index for index, subject in enumerate(subjects)
            }
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                if on_result is not None:
                    on_result(results[futures[future]])
        finally:
            # On Ctrl-C, what has not begun is dropped; what has begun ends by its own deadline.
            pool.shutdown(wait=True, cancel_futures=True)
    return [results[index] for index in range(len(subjects))]


class _Once:
    """Verdicts by credential: the first to ask does, the others wait for its answer."""

    def __init__(self) -> None:
        from threading import Event, Lock

        self._lock = Lock()
        self._event = Event
        self._verdicts: dict[object, object] = {}

    def ask(self, credential: Credential, ask: Callable[[], Verdict]) -> Verdict:
        """The verdict on `credential`, by `ask` or by another thread's."""
        from concurrent.futures import Future

        key = (credential.origin, credential.secret, credential.auth)
        with self._lock:
            known = self._verdicts.get(key)
            if known is None:
                own: Future[Verdict] = Future()
                self._verdicts[key] = own
        if isinstance(known, Future):
            return known.result()  # type: ignore[no-any-return]  # every future here holds a Verdict
        try:
            own.set_result(ask())
        except BaseException as problem:
            own.set_exception(problem)
            raise
        return own.result()


def _check(client: Client, subject: Subject, timeout: float, answers: _Once) -> LiveResult:
    from time import sleep

    try:
        credential = subject.obtain()
    except Error as error:
        return LiveResult(
            subject.profile,
            Status.UNTESTED,
            reason=error.message,
            remedy=error.hint,
            symptom=error.code,
            error=error,
        )
    verdict = answers.ask(credential, lambda: whoami(client, credential, timeout=timeout, sleep=sleep))
    return _result(subject, credential, _pinned(verdict, subject.expect))


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
    words = {
        "host": credential.origin.host,
        "origin": str(credential.origin),
        "profile": subject.profile,
        "detail": verdict.detail,
    }
    return replace(
        result,
        status=symptom.status,
        reason=symptom.reason.format_map(words),
        remedy=symptom.remedy.format_map(words),
        symptom=symptom.name,
    )
