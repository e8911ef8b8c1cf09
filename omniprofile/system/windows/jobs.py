"""Job objects: processes that end together with their children, or with us."""

import ctypes
import sys
from ctypes import wintypes

assert sys.platform == "win32"  # noqa: S101 - mypy then checks nothing below for other systems

_EXTENDED_LIMIT_INFORMATION, _SILENT_BREAKAWAY_OK, _KILL_ON_JOB_CLOSE = 9, 0x1000, 0x2000  # winnt.h
_MAY_BE_TAKEN = 0x0001 | 0x0100 | 0x0800  # PROCESS_TERMINATE, PROCESS_SET_QUOTA, PROCESS_SUSPEND_RESUME


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
