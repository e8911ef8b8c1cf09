"""A proxy on loopback that leads to stand-ins by Omni host names, so that the demo shows real addresses.

A program with `Relay.environ` reaches the stand-in for NAME at `https://NAME` through a tunnel (CONNECT, RFC 9110 section 9.3.6),
and no other host. `standin.pem` holds a published certificate and private key; only processes with that environment trust it.
"""

import ssl
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from omniprofile.standin.server import Handler, Running, Standin

_CERTIFICATE = str(Path(__file__).with_name("standin.pem"))


class Relay(Running):
    """A relay to stand-ins by host name."""

    def __init__(self, standins: Mapping[str, Standin]) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(_CERTIFICATE)
        super().__init__(partial(_Tunnel, standins, tls))
        proxy = f"http://127.0.0.1:{self.port}"
        self.environ = {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost,::1", "SSL_CERT_FILE": _CERTIFICATE}
        """The variables that make a program reach the stand-ins by name."""


class _Tunnel(Handler):
    """A connection to the relay, which becomes one to the stand-in that the client names."""

    def __init__(self, standins: Mapping[str, Standin], tls: ssl.SSLContext, *arguments: Any) -> None:
        self._standins = standins
        self._tls = tls
        super().__init__(None, *arguments)

    def do_CONNECT(self) -> None:  # noqa: N802 - the name that http.server looks for
        """Speak TLS as the named stand-in from here on."""
        self.standin = self._standins.get(self.path.partition(":")[0])
        if self.standin is None:
            self.send_error(502)
            return
        self.send_response_only(200)
        self.end_headers()
        self.rfile.close()
        self.request = self._tls.wrap_socket(self.request, server_side=True)
        self.setup()
        self.close_connection = False

    def finish(self) -> None:
        """Close the connection, of which the server knows only the part before the tunnel."""
        super().finish()
        self.request.close()
