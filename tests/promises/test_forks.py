"""A process forked while a thread is working never waits for that thread."""

import os
import signal
from _thread import RLock
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Thread

import pytest

from omniprofile.credentials.held_credential import HeldCredential
from omniprofile.model.credential import Credential
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.workspace import once
from tests.conftest import CANARY

ORIGIN = Origin.parse("https://acme.omniapp.co")
PARENT = os.getpid()

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


class Slow:
    """An operation that is slow only in this process."""

    def __init__(self) -> None:
        self.begun, self.go_on = Event(), Event()
        self.making = RLock()

    def take_time(self) -> str:
        """Wait for the test's signal."""
        if os.getpid() == PARENT:
            self.begun.set()
            self.go_on.wait()
        return CANARY

    @once
    def kept(self) -> str:
        """A value that is slow to compute, once."""
        return self.take_time()


def _forked_meanwhile(slow: Slow, in_thread: Callable[[], object], in_child: Callable[[], str]) -> int:
    """Return the status of a child forked while a thread runs `in_thread`: 0 if it gets the canary."""
    thread = Thread(target=in_thread)
    thread.start()
    slow.begun.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # ends a child that would wait forever
        os._exit(0 if in_child() == CANARY else 1)
    status = os.waitpid(child, 0)[1]
    slow.go_on.set()
    thread.join()
    return status


def test_a_credential_is_obtained_again() -> None:
    slow = Slow()
    held = HeldCredential(
        lambda _: Credential("prod", ORIGIN, "api-key", Secret(slow.take_time())), lambda: datetime.now(UTC)
    )
    assert _forked_meanwhile(slow, held.current, lambda: held.current().token) == 0


def test_a_fork_computes_what_another_thread_was_computing() -> None:
    slow = Slow()
    assert _forked_meanwhile(slow, lambda: slow.kept, lambda: Slow().kept) == 0
