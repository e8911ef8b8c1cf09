"""The certificates that an instance's own is checked by. DOOR: truststore.

On macOS and Windows the operating system checks, through truststore; elsewhere OpenSSL does, by the system's files.
`SSL_CERT_FILE` and `SSL_CERT_DIR` name others in their place, as for every OpenSSL program, and
`REQUESTS_CA_BUNDLE` where they do not.
"""

import os
import socket
import ssl
import sys
from collections.abc import Mapping

import truststore

from omniprofile.model.names import printable_place

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",  # older RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # BSD
)
"""Where systems keep their certificates, for a Python whose OpenSSL was built for other places."""


class CertificatesUnusable(Exception):
    """A variable names certificates that cannot be used. `str()` names the file and says why; `hint` says what to do."""

    def __init__(self, words: str, hint: str) -> None:
        super().__init__(words)
        self.hint = hint


def trusted_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return a client context that accepts what the user's system trusts. Raises CertificatesUnusable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if named := _named(environ):
        context.load_verify_locations(**named)
        return context
    if sys.platform in ("darwin", "win32"):
        return _ContextForEach(ssl.PROTOCOL_TLS_CLIENT)
    context.set_default_verify_paths()
    if not context.cert_store_stats()["x509_ca"] and not _has_hashed(ssl.get_default_verify_paths().capath or ""):
        bundle = next((path for path in _BUNDLES if os.path.isfile(path)), None)
        if bundle is not None:
            context.load_verify_locations(bundle)
    return context


def _named(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the variables name, as arguments of `load_verify_locations`; it has been looked at, and can be used."""
    named: dict[str, str] = {}
    if path := environ.get("SSL_CERT_FILE"):
        named["cafile"] = _usable_file("SSL_CERT_FILE", path)
    if path := environ.get("SSL_CERT_DIR"):
        named["capath"] = _usable_folder("SSL_CERT_DIR", path)
    if not named and (path := environ.get("REQUESTS_CA_BUNDLE")):
        if os.path.isdir(path):
            named["capath"] = _usable_folder("REQUESTS_CA_BUNDLE", path)
        else:
            named["cafile"] = _usable_file("REQUESTS_CA_BUNDLE", path)
    return named


def _usable_file(variable: str, path: str) -> str:
    try:
        if not os.path.isfile(path):  # a FIFO would never end
            raise _unusable(variable, path, "is not a file" if os.path.lexists(path) else "does not exist")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        raise _unusable(variable, path, "holds no certificate in PEM form") from None
    except (OSError, ValueError) as problem:
        raise _unusable(variable, path, f"cannot be read: {getattr(problem, 'strerror', None) or problem}") from None
    return path


def _usable_folder(variable: str, path: str) -> str:
    folders = [folder for folder in path.split(os.pathsep) if os.path.isdir(folder)]
    if not folders:
        raise _unusable(variable, path, "is not a folder" if os.path.lexists(path) else "does not exist")
    if not any(_has_hashed(folder) for folder in folders):
        raise CertificatesUnusable(
            f"`{variable}` names `{printable_place(path)}`, which holds no certificate under its hash",
            f"run `openssl rehash` on that folder, or unset `{variable}` to use the system's certificates",
        )
    return path


def _has_hashed(folder: str) -> bool:
    """Whether a folder has a certificate under the name by which OpenSSL finds it (`9d66eef0.0`)."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return any(len(name) >= 10 and name[8] == "." and name[9:].isdigit() for name in names)


def _unusable(variable: str, path: str, why: str) -> CertificatesUnusable:
    return CertificatesUnusable(
        f"`{variable}` names `{printable_place(path)}`, which {why}",
        f"let `{variable}` name a readable file of certificates in PEM form, or unset it to use the system's certificates",
    )


class _ContextForEach(truststore.SSLContext):
    """truststore's context, made anew for each connection.

    One of truststore's is locked for as long as a handshake takes, so that a host that never ends its own would hold up every
    other.
    """

    def wrap_socket(
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """Wrap `sock` in TLS, by a context of its own."""
        return self._own().wrap_socket(
            sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, session
        )

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Do TLS between two buffers, as asynchronous clients do, by a context of its own."""
        return self._own().wrap_bio(incoming, outgoing, server_side, server_hostname, session)

    def _own(self) -> truststore.SSLContext:
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["http/1.1"])
        return context
