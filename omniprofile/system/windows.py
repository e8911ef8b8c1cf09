"""Windows system calls, through ctypes. Imported only on Windows."""

import ctypes
import os
import sys
from collections.abc import Iterator
from ctypes import wintypes

_SNAPSHOT_OF_PROCESSES = 0x2
_DEEPEST = 16
_FOLLOWS_SEQUENCES = 0x4  # ENABLE_VIRTUAL_TERMINAL_PROCESSING of consoleapi.h
_EXTENDED_LIMIT_INFORMATION, _SILENT_BREAKAWAY_OK, _KILL_ON_JOB_CLOSE = 9, 0x1000, 0x2000  # winnt.h
_FILE, _ACCESS_LIST = 1, 4  # SE_FILE_OBJECT, DACL_SECURITY_INFORMATION
_OPEN_GROUPS = {
    "WD": "Everyone", "AU": "Authenticated Users", "BU": "Users", "BG": "Guests", "AN": "anonymous users",
    "IU": "interactive users", "NU": "network users",
}  # fmt: skip
_WRITES = 0x2 | 0x4 | 0x40 | 0x10000 | 0x40000 | 0x80000 | 0x10000000 | 0x40000000
"""Write, append, delete children, delete, change the access list, change the owner, generic all, generic write."""
_WRITING_WORDS = frozenset(("FA", "FW", "GA", "GW", "SD", "WD", "WO", "DC", "LC", "DT"))
_MAY_BE_TAKEN = 0x0001 | 0x0100 | 0x0800  # PROCESS_TERMINATE, PROCESS_SET_QUOTA, PROCESS_SUSPEND_RESUME


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


class _JobLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION of winnt.h."""

    _fields_ = [
        ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
        ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
        ("IoInfo", ctypes.c_ulonglong * 6),
        ("MemoryLimits", ctypes.c_size_t * 4),
    ]


if sys.platform == "win32":

    class Job:
        """A process that was started suspended, and now runs until it ends, `end` is called, or this process ends.

        With `children`, the same goes for all its children; without, they are independent. Raises OSError.
        """

        def __init__(self, pid: int, *, children: bool) -> None:
            self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
            for name in ("CreateJobObjectW", "OpenProcess"):
                getattr(self._kernel, name).restype = wintypes.HANDLE
            self._job = wintypes.HANDLE(self._kernel.CreateJobObjectW(None, None))
            self._limit(_KILL_ON_JOB_CLOSE | (0 if children else _SILENT_BREAKAWAY_OK))
            process = wintypes.HANDLE(self._kernel.OpenProcess(_MAY_BE_TAKEN, False, pid))
            try:
                if not self._kernel.AssignProcessToJobObject(self._job, process):
                    raise ctypes.WinError(ctypes.get_last_error())
                # The documented interface has no call that resumes all threads of a process.
                ctypes.WinDLL("ntdll").NtResumeProcess(process)
            finally:
                self._kernel.CloseHandle(process)

        def end(self) -> None:
            """End every process in the job."""
            self._kernel.TerminateJobObject(self._job, 1)

        def release(self) -> None:
            """Let the processes in the job outlive this process."""
            self._limit(0)

        def _limit(self, flags: int) -> None:
            limits = _JobLimits(LimitFlags=flags)
            if not self._kernel.SetInformationJobObject(
                self._job, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
            ):
                raise ctypes.WinError(ctypes.get_last_error())


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


def shows_colours(descriptor: int) -> bool:
    """Make the console of `descriptor` interpret ANSI sequences; tell whether it does. The old console must be asked to."""
    shown = False
    if sys.platform == "win32":
        import msvcrt

        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.GetConsoleMode.argtypes = [wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD)]
        kernel.SetConsoleMode.argtypes = [wintypes.HANDLE, wintypes.DWORD]
        handle = msvcrt.get_osfhandle(descriptor)
        mode = wintypes.DWORD()
        if kernel.GetConsoleMode(handle, ctypes.byref(mode)):
            follows = mode.value & _FOLLOWS_SEQUENCES or kernel.SetConsoleMode(handle, mode.value | _FOLLOWS_SEQUENCES)
            shown = bool(follows)
    return shown


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
    found: dict[int, tuple[int, str]] = {}
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
        kernel.CreateToolhelp32Snapshot.argtypes = [wintypes.DWORD, wintypes.DWORD]
        for function in (kernel.Process32FirstW, kernel.Process32NextW):
            function.argtypes = [wintypes.HANDLE, ctypes.POINTER(_Process)]
        kernel.CloseHandle.argtypes = [wintypes.HANDLE]
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
