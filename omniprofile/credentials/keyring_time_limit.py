"""The time limit of the OS keyring, which may ask the user, talk to a daemon that has stopped, or hang while it is imported."""

import os
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from omniprofile.credentials.env_variables import TIMEOUT_VARIABLE
from omniprofile.credentials.keyring_errors import timed_out
from omniprofile.errors import StoreTimeout, UsageError

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

USUAL_SECONDS = 10.0
"""The default time in seconds for the keyring to answer."""

_stuck: "list[Future[Any]]" = []
"""Calls to the keyring that are still running although their callers have given up."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_stuck.clear)  # their threads exist only in the parent


def keyring_seconds(environ: Mapping[str, str]) -> float:
    """Return the seconds that the keyring may take: `OMNIPROFILE_KEYRING_TIMEOUT`, or the default. Raises UsageError."""
    try:
        seconds = float(environ.get(TIMEOUT_VARIABLE) or USUAL_SECONDS)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 600:
        raise UsageError(
            f"`{TIMEOUT_VARIABLE}` is not a number of seconds from 0 to 600", hint=f"unset it for {USUAL_SECONDS:g}"
        )
    return seconds


class Deadline:
    """The time after which one method of the store makes no further call, `seconds` from now. `name()` names the keyring."""

    def __init__(self, seconds: float, name: Callable[[], str]) -> None:
        self._seconds = seconds
        self._name = name
        self._end = monotonic() + seconds

    def abandon(self) -> None:
        """End it now, because the caller waits no longer: it has the result, or gave up, or was interrupted."""
        self._end = float("-inf")

    def remaining(self) -> float:
        """Return the seconds left. Raises StoreTimeout if there are none."""
        if (seconds := self._end - monotonic()) > 0:
            return seconds
        raise self.passed()

    def passed(self) -> StoreTimeout:
        """Return the error after it."""
        return timed_out(self._name(), f"did not answer within {self._seconds:g} s")


class TimeLimit:
    """The limit of `seconds` for each method of one store. Once a method has timed out, later ones fail at once."""

    def __init__(self, seconds: float, name: Callable[[], str]) -> None:
        self._seconds = seconds
        self._name = name
        self._gave_up = False

    def run(self, work: Callable[[Deadline], T]) -> T:
        """Run `work` in a daemon thread and wait for it until its deadline. Raises what it raises, or StoreTimeout."""
        from omniprofile.system.threads import start, wait

        _stuck[:] = [call for call in _stuck if not call.done()]
        if self._gave_up or _stuck:
            raise timed_out(self._name(), "did not answer before, and is not asked again")
        deadline = Deadline(self._seconds, self._name)
        try:
            call = start(lambda: work(deadline))
            return wait(call, self._seconds)
        except TimeoutError:
            if call.done():  # just in time, or it raised TimeoutError itself
                return call.result()
            self._gave_up = True
            _stuck.append(call)
            raise deadline.passed() from None
        finally:
            deadline.abandon()
