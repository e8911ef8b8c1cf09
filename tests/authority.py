"""Certificates of a private authority for the tests' own servers."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trustme

from tests.sockets import serving


class Authority:
    """A private certificate authority. `file` is its certificate, for `SSL_CERT_FILE`."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def server(self, *names: str, **validity: object) -> ssl.SSLContext:
        """Return a server's context with a certificate for `names`; `validity` is trustme's `not_before` and `not_after`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names, **validity).configure_cert(context)  # type: ignore[arg-type]
        return context

    @contextmanager
    def asking_for_a_certificate(self) -> Iterator[str]:
        """Serve TLS 1.3 and refuse clients without a certificate, which learn so after their handshake; yield the URL."""
        context = self.server("127.0.0.1")
        context.verify_mode = ssl.CERT_REQUIRED

        def refuse(connection: socket.socket) -> None:
            tls = context.wrap_bio(received := ssl.MemoryBIO(), to_send := ssl.MemoryBIO(), server_side=True)
            try:
                while True:
                    with suppress(ssl.SSLWantReadError):
                        tls.do_handshake()
                    connection.sendall(to_send.read())
                    received.write(connection.recv(65536))
            except ssl.SSLError:
                connection.sendall(to_send.read())
                while connection.recv(
                    65536
                ):  # closing with unread data would reset the connection before the alert is read
                    pass

        with serving(refuse) as url:
            yield url.replace("http:", "https:")
