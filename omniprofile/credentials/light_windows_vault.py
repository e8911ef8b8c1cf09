"""A light reader of one entry of the Windows Credential Manager: https://learn.microsoft.com/windows/win32/api/wincred/.

It uses the same target names as keyring's own backend (`keyring.backends.Windows`): the service's name, which the entry stored
last has, and `USERNAME@SERVICE`, to which that backend moves older ones. Imported only on Windows.
"""

import ctypes
import sys
from ctypes import wintypes

_GENERIC = 1  # CRED_TYPE_GENERIC


class _Credential(ctypes.Structure):
    """CREDENTIALW of wincred.h."""

    _fields_ = [
        ("Flags", wintypes.DWORD),
        ("Type", wintypes.DWORD),
        ("TargetName", wintypes.LPWSTR),
        ("Comment", wintypes.LPWSTR),
        ("LastWritten", wintypes.FILETIME),
        ("CredentialBlobSize", wintypes.DWORD),
        ("CredentialBlob", ctypes.c_void_p),
        ("Persist", wintypes.DWORD),
        ("AttributeCount", wintypes.DWORD),
        ("Attributes", ctypes.c_void_p),
        ("TargetAlias", wintypes.LPWSTR),
        ("UserName", wintypes.LPWSTR),
    ]


def password(service: str, username: str) -> str:
    """Return the password of `service` and `username`. Raises LookupError, and UnicodeDecodeError if it is not UTF-16."""
    for target in (service, f"{username}@{service}"):
        found = _read(target)
        if found is not None and found[0] == username:
            return found[1].decode("utf-16-le")
    raise LookupError


def _read(target: str) -> tuple[str | None, bytes] | None:
    """Return the user name and content of one entry; None if there is none that can be read."""
    if sys.platform == "win32":
        library = ctypes.WinDLL("advapi32")
        library.CredReadW.argtypes = [wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, ctypes.c_void_p]
        library.CredFree.argtypes = [ctypes.c_void_p]
        credential = ctypes.POINTER(_Credential)()
        if library.CredReadW(target, _GENERIC, 0, ctypes.byref(credential)):
            try:
                found = credential.contents
                return found.UserName, ctypes.string_at(found.CredentialBlob, found.CredentialBlobSize)
            finally:
                library.CredFree(credential)
    return None
