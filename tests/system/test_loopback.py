"""A loopback server shuts down in order, whatever signal ends the wait for it."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

import pytest

from omniprofile.system.loopback import LoopbackServer, loopback_hosts
from omniprofile.system.loopback_clients import Handle


class Ended(Exception):
    """Raised by the signal handler."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timer")
def test_close_waits_for_the_server_after_a_signal_has_broken_the_wait_off() -> None:
    def end(number: int, frame: object) -> None:
        raise Ended

    asked, ended = Event(), []

    @asynccontextmanager
    async def serving() -> AsyncIterator[Handle]:
        async def handle(_: object, writer: asyncio.StreamWriter, known: object) -> None:
            writer.close()
            asked.set()

        yield handle
        for _ in range(2000):
            await asyncio.sleep(0)
        ended.append(True)

    server = LoopbackServer(0, "the test")

    def wait_until_the_alarm() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        server.wait()

    before = signal.signal(signal.SIGALRM, end)
    try:
        server.start(serving, gone_seconds=1.0)
        socket.create_connection(("127.0.0.1", server.port)).close()
        asked.wait()
        with pytest.raises(Ended):
            wait_until_the_alarm()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert server.close()
    assert ended == [True]


def test_clients_of_port_80_leave_it_out() -> None:
    """RFC 9110, section 4.2.1: the default of http. The port is only compared, so no permission to bind it is needed."""
    assert loopback_hosts(80) > {"localhost", "127.0.0.1", "[::1]", "localhost:80"}
    assert loopback_hosts(8080) == {"localhost:8080", "127.0.0.1:8080", "[::1]:8080"}
