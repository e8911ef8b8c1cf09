"""Many connections, large bodies and slow clients: the gateway's memory does not grow."""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic

import pytest

from tests.gateway.conftest import Open, Peer, Raw

MEGABYTES = int(os.environ.get("OMNIPROFILE_TEST_BODY", "64"))
"""The size of a large body; `OMNIPROFILE_TEST_BODY=1024` for the whole one."""
SECONDS = float(os.environ.get("OMNIPROFILE_TEST_SOAK", "3"))
"""How long 200 connections send requests; `OMNIPROFILE_TEST_SOAK=600` for ten minutes."""
MOST = 24
"""The MB by which memory may grow: far less than a body, and far more than connections need."""
PIECE = b"x" * (1024 * 1024)

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")


def _resident() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def _many(peer: Peer) -> None:
    """Answer `/down` with a large body, and count what comes up."""
    while head := peer.head():
        if head.startswith(b"GET"):
            peer.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MEGABYTES * len(PIECE)))
            for _ in range(MEGABYTES):
                peer.socket.sendall(PIECE)
        else:
            left = MEGABYTES * len(PIECE)
            while left:
                left -= len(peer.read(min(left, 65536)))
            peer.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@linux
def test_a_large_body_passes_both_ways_in_constant_memory(behind: Open) -> None:
    end = behind(Raw(talk=_many))
    end.request("PUT", "/", iter([PIECE] * MEGABYTES), Content_Length=str(MEGABYTES * len(PIECE)))
    before = _resident()
    client = end.connect()
    client.request(
        "PUT", "/", iter([PIECE] * MEGABYTES), {**end.authorized, "Content-Length": str(MEGABYTES * len(PIECE))}
    )
    assert client.getresponse().read() == b"ok"
    client.request("GET", "/down", headers=end.authorized)
    response = client.getresponse()
    size = 0
    while part := response.read1(1 << 20):
        size += len(part)
    client.close()
    assert size == MEGABYTES * len(PIECE)
    assert _resident() - before < MOST


@linux
def test_a_client_that_reads_nothing_holds_up_the_instance_and_not_the_memory(behind: Open) -> None:
    stopped = threading.Event()

    def talk(peer: Peer) -> None:
        peer.head()
        peer.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1024 * len(PIECE)))
        peer.socket.settimeout(1)
        try:
            while True:
                peer.socket.sendall(PIECE)
        except TimeoutError:
            stopped.set()

    end = behind(Raw(talk=talk))
    before = _resident()
    with end.dial() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.sendall(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n\r\n"
            % (end.gateway.port, end.gateway.token.encode())
        )
        assert stopped.wait(60)
        assert _resident() - before < MOST


@linux
def test_two_hundred_connections_at_once(behind: Open) -> None:
    together = threading.Barrier(200, timeout=60)

    def talk(peer: Peer) -> None:
        while peer.head():
            together.wait()  # no answer is sent before all have asked
            peer.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    end = behind(Raw(talk=talk))
    before = _resident()
    clients = [HTTPConnection("127.0.0.1", end.gateway.port, timeout=90) for _ in range(200)]
    for _ in range(2):
        for client in clients:
            client.request("GET", "/", headers=end.authorized)
        assert [client.getresponse().read() for client in clients] == [b"ok"] * 200
    assert _resident() - before < 2 * MOST
    for client in clients:
        client.close()
    assert end.gateway.requests == {("GET", 200): 400}


@linux
def test_two_hundred_busy_connections_leave_memory_as_it_was(behind: Open) -> None:
    def talk(peer: Peer) -> None:
        while peer.head():  # does not keep the body, as the usual instance would
            peer.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    end = behind(Raw(talk=talk))
    answered = 0

    async def ask(until: float) -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection("127.0.0.1", end.gateway.port)
        while monotonic() < until:
            writer.write(
                b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n\r\n"
                % (end.gateway.port, end.gateway.token.encode())
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert await reader.readexactly(2) == b"ok"
            answered += 1
        writer.close()
        await writer.wait_closed()

    async def all_of_them(seconds: float) -> None:
        await asyncio.gather(*(ask(monotonic() + seconds) for _ in range(200)))

    asyncio.run(all_of_them(1))
    before = _resident()
    asyncio.run(all_of_them(SECONDS))
    assert _resident() - before < MOST
    assert end.gateway.requests == {("GET", 200): answered}


@pytest.fixture
def unread() -> Iterator[list[socket.socket]]:
    """Sockets that are closed after the test."""
    opened: list[socket.socket] = []
    yield opened
    for each in opened:
        each.close()


def test_clients_that_send_half_a_head_are_in_nobody_s_way(behind: Open, unread: list[socket.socket]) -> None:
    end = behind()
    for _ in range(100):
        unread.append(end.dial())
        unread[-1].sendall(b"GET / HTTP/1.1\r\nHost: ")
    assert end.request("GET", "/")[0].status == 200
