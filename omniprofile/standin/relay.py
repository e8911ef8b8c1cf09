"""A proxy on loopback that routes Omni host names to stand-ins, so that the demo shows real addresses.

A program with `Relay.environ` reaches the stand-in for NAME at `https://NAME` through a tunnel (CONNECT, RFC 9110 section 9.3.6),
and no other host. `standin.pem` holds a published certificate and private key; only processes with that environment trust it.
"""

import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from omniprofile.standin.server import Running, Standin

_CERTIFICATE = str(Path(__file__).with_name("standin.pem"))
_LONGEST_HEAD = 4096


def tls() -> ssl.SSLContext:
    """Return the TLS context of a stand-in for a name of `omniapp.co`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_CERTIFICATE)
    return context


class Relay(Running):
    """A relay to stand-ins by host name."""

    def __init__(self, standins: Mapping[str, Standin]) -> None:
        ports = {host: standin.port for host, standin in standins.items()}
        super().__init__(_Server(("127.0.0.1", 0), _handler(ports)))
        proxy = f"http://127.0.0.1:{self.port}"
        self.environ = {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost,::1", "SSL_CERT_FILE": _CERTIFICATE}
        """The variables that make a program reach the stand-ins by name."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    # On POSIX this allows immediate reuse of a closed listener's port; on Windows it would let other processes share the port.
    allow_reuse_address = sys.platform != "win32"


def _handler(ports: Mapping[str, int]) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            """Open one tunnel, and copy bytes both ways until one side closes."""
            method, _, target = self.rfile.readline(_LONGEST_HEAD).decode("ascii", "replace").partition(" ")
            while self.rfile.readline(_LONGEST_HEAD).strip():
                pass
            host = target.split(":")[0]
            if method != "CONNECT" or host not in ports:
                self.wfile.write(b"HTTP/1.1 502 No Such Instance\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", ports[host])) as upstream:
                self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                back = threading.Thread(target=_pump, args=(upstream, self.connection), daemon=True)
                back.start()
                _pump(self.connection, upstream)
                back.join()

    return Handler


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one side is gone, so close the tunnel
        for end in (source, target):
            end.close()
