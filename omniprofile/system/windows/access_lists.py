"""Access lists: which groups can change a file."""

import ctypes
import sys
from ctypes import wintypes

_FILE, _ACCESS_LIST = 1, 4  # SE_FILE_OBJECT, DACL_SECURITY_INFORMATION
_OPEN_GROUPS = {
    "WD": "Everyone", "AU": "Authenticated Users", "BU": "Users", "BG": "Guests", "AN": "anonymous users",
    "IU": "interactive users", "NU": "network users",
}  # fmt: skip
_WRITES = 0x2 | 0x4 | 0x40 | 0x10000 | 0x40000 | 0x80000 | 0x10000000 | 0x40000000
"""Write, append, delete children, delete, change the access list, change the owner, generic all, generic write."""
_WRITING_WORDS = frozenset(("FA", "FW", "GA", "GW", "SD", "WD", "WO", "DC", "LC", "DT"))


def groups_with_write_access(path: str) -> list[str]:
    """Return the groups open to everyone that can change a file or folder, according to its access list. Raises OSError.

    Reads the list as text in the Security Descriptor Definition Language:
    https://learn.microsoft.com/windows/win32/secauthz/ace-strings
    """
    found: list[str] = []
    if sys.platform == "win32":
        advapi, kernel = ctypes.WinDLL("advapi32"), ctypes.WinDLL("kernel32")
        kernel.LocalFree.argtypes = [ctypes.c_void_p]
        descriptor, text = ctypes.c_void_p(), wintypes.LPWSTR()
        status = advapi.GetNamedSecurityInfoW(
            path, _FILE, _ACCESS_LIST, None, None, None, None, ctypes.byref(descriptor)
        )
        if status:
            raise ctypes.WinError(status)
        try:
            to_text = advapi.ConvertSecurityDescriptorToStringSecurityDescriptorW
            if not to_text(descriptor, 1, _ACCESS_LIST, ctypes.byref(text), None):
                raise ctypes.WinError()
            found = writing_groups(text.value or "")
        finally:
            kernel.LocalFree(text)
            kernel.LocalFree(descriptor)
    return found


def writing_groups(access_list: str) -> list[str]:
    """Return the groups of `_OPEN_GROUPS` that an access list in text form lets write or change permissions."""
    if "NO_ACCESS_CONTROL" in access_list:
        return ["Everyone"]
    found = []
    for entry in access_list.split("(")[1:]:
        kind, flags, rights, _, _, group, *_ = entry.partition(")")[0].split(";")
        if kind != "A" or "IO" in flags or group not in _OPEN_GROUPS:  # IO: inherit-only
            continue
        if rights.startswith("0x"):
            writes = int(rights, 16) & _WRITES != 0
        else:
            writes = not _WRITING_WORDS.isdisjoint(rights[at : at + 2] for at in range(0, len(rights), 2))
        if writes and _OPEN_GROUPS[group] not in found:
            found.append(_OPEN_GROUPS[group])
    return found
