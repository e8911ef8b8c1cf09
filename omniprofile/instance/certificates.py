"""The certificates used to verify an instance. DOOR: truststore.

On macOS and Windows the operating system verifies, through truststore; elsewhere OpenSSL does, with the system's certificates.
`SSL_CERT_FILE` and `SSL_CERT_DIR` replace these, as in every OpenSSL program; if neither is set, `REQUESTS_CA_BUNDLE` does.
"""

import os
import ssl
import sys
from collections.abc import Mapping
from typing import Any

import truststore

from omniprofile.instance.instance_error import InstanceError
from omniprofile.model.names import printable_place
from omniprofile.system.files import reason

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",  # older RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # BSD
)
"""Where systems keep their certificates, for a Python whose OpenSSL was built with other paths."""


def trusted_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return a client context that trusts what the user's system trusts. Slow to load. Raises InstanceError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    named = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if environ.get(name)]
    if not named and environ.get("REQUESTS_CA_BUNDLE"):
        named = ["REQUESTS_CA_BUNDLE"]
    for variable in named:
        _load(context, variable, environ[variable])
    if named:
        return context
    if sys.platform in ("darwin", "win32"):
        return _ContextForEach(ssl.PROTOCOL_TLS_CLIENT)
    context.set_default_verify_paths()
    if not context.cert_store_stats()["x509_ca"] and not _has_hashed(ssl.get_default_verify_paths().capath or ""):
        bundle = next((path for path in _BUNDLES if os.path.isfile(path)), None)
        if bundle is not None:
            context.load_verify_locations(bundle)
    return context


def _load(context: ssl.SSLContext, variable: str, path: str) -> None:
    """Make `context` trust the certificates that a variable names. Raises InstanceError."""
    is_folder = variable == "SSL_CERT_DIR" or (variable == "REQUESTS_CA_BUNDLE" and os.path.isdir(path))
    folders = [folder for folder in path.split(os.pathsep) if os.path.isdir(folder)]
    names = f"`{variable}` names `{printable_place(path)}`, which"
    if not (folders if is_folder else os.path.isfile(path)):  # reading a FIFO would never end
        why = f"is not a {'folder' if is_folder else 'file'}" if os.path.lexists(path) else "does not exist"
    elif is_folder and not any(map(_has_hashed, folders)):
        hint = f"run `openssl rehash` on that folder, or unset `{variable}` to use the system's certificates"
        raise InstanceError("certificates", f"{names} holds no certificate under its hash", hint=hint)
    else:
        try:
            context.load_verify_locations(**{"capath" if is_folder else "cafile": path})
        except ssl.SSLError:
            why = "holds no certificate in PEM form"
        except OSError as problem:
            why = f"cannot be read: {reason(problem)}"
        else:
            return
    hint = f"let `{variable}` name a readable file of certificates in PEM form, or unset it to use the system's certificates"
    raise InstanceError("certificates", f"{names} {why}", hint=hint)


def _has_hashed(folder: str) -> bool:
    """Whether a folder contains a certificate under an OpenSSL hash name (`9d66eef0.0`)."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return any(len(name) >= 10 and name[8] == "." and name[9:].isdigit() for name in names)


class _ContextForEach(truststore.SSLContext):
    """truststore's context, created again for each connection.

    truststore locks its context during a handshake, so one host that never finishes its handshake would block all others.
    """

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        """Wrap a socket in TLS with a new context."""
        return self._own().wrap_socket(*args, **options)

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        """Run TLS between two buffers with a new context, as asynchronous clients do."""
        return self._own().wrap_bio(*args, **options)

    def _own(self) -> truststore.SSLContext:
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["http/1.1"])
        return context
