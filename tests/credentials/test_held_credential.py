"""`HeldCredential`: one credential for many threads, and for the processes that they fork."""

import os
import signal
from datetime import UTC, datetime
from threading import Event, Thread

import pytest

from omniprofile.credentials.held_credential import HeldCredential
from omniprofile.model.credential import Credential
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from tests.conftest import CANARY

ORIGIN = Origin.parse("https://acme.omniapp.co")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_is_forked_while_a_thread_obtains_the_credential_obtains_its_own() -> None:
    parent = os.getpid()
    begun, go_on = Event(), Event()

    def obtain(force: bool) -> Credential:
        if os.getpid() == parent:
            begun.set()
            go_on.wait()
        return Credential("prod", ORIGIN, "api-key", Secret(CANARY))

    held = HeldCredential(obtain, lambda: datetime.now(UTC))
    thread = Thread(target=held.current)
    thread.start()
    begun.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # what waits for ever is ended by it
        os._exit(0 if held.current().token == CANARY else 1)
    status = os.waitpid(child, 0)[1]
    go_on.set()
    thread.join()
    assert status == 0
