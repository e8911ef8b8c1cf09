"""The programs that started this one."""

import ctypes
import os
import sys
from collections.abc import Iterator
from ctypes import wintypes

assert sys.platform == "win32"  # noqa: S101 - mypy then checks nothing below for other systems

_SNAPSHOT_OF_PROCESSES = 0x2
_DEEPEST = 16


class _Process(ctypes.Structure):
    """PROCESSENTRY32W of tlhelp32.h."""

    _fields_ = [
        ("dwSize", wintypes.DWORD),
        ("cntUsage", wintypes.DWORD),
        ("th32ProcessID", wintypes.DWORD),
        ("th32DefaultHeapID", ctypes.c_size_t),
        ("th32ModuleID", wintypes.DWORD),
        ("cntThreads", wintypes.DWORD),
        ("th32ParentProcessID", wintypes.DWORD),
        ("pcPriClassBase", wintypes.LONG),
        ("dwFlags", wintypes.DWORD),
        ("szExeFile", wintypes.WCHAR * 260),
    ]


def ancestors() -> Iterator[str]:
    """Yield the program names of this process's parent, grandparent and so on, such as `cmd.exe`."""
    processes = _processes()
    process = os.getpid()
    for _ in range(_DEEPEST):
        process = processes.get(process, (0, ""))[0]
        if process not in processes:
            return
        yield processes[process][1]


def _processes() -> dict[int, tuple[int, str]]:
    """Return every process's parent and program name, by process id."""
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
    kernel.CreateToolhelp32Snapshot.argtypes = [wintypes.DWORD, wintypes.DWORD]
    for function in (kernel.Process32FirstW, kernel.Process32NextW):
        function.argtypes = [wintypes.HANDLE, ctypes.POINTER(_Process)]
    kernel.CloseHandle.argtypes = [wintypes.HANDLE]
    found: dict[int, tuple[int, str]] = {}
    snapshot = kernel.CreateToolhelp32Snapshot(_SNAPSHOT_OF_PROCESSES, 0)
    if snapshot == wintypes.HANDLE(-1).value:
        return found
    try:
        entry = _Process(dwSize=ctypes.sizeof(_Process))
        more = kernel.Process32FirstW(snapshot, ctypes.byref(entry))
        while more:
            found[entry.th32ProcessID] = (entry.th32ParentProcessID, entry.szExeFile)
            more = kernel.Process32NextW(snapshot, ctypes.byref(entry))
    finally:
        kernel.CloseHandle(snapshot)
    return found
