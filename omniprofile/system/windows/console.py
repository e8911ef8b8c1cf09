"""The console: whether it shows colours."""

import ctypes
import sys
from ctypes import wintypes

assert sys.platform == "win32"  # noqa: S101 - mypy then checks nothing below for other systems
import msvcrt  # noqa: E402

_FOLLOWS_SEQUENCES = 0x4  # ENABLE_VIRTUAL_TERMINAL_PROCESSING of consoleapi.h


def shows_colours(descriptor: int) -> bool:
    """Make the console of `descriptor` interpret ANSI sequences; return whether it does. The old console must be asked to."""
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.GetConsoleMode.argtypes = [wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD)]
    kernel.SetConsoleMode.argtypes = [wintypes.HANDLE, wintypes.DWORD]
    handle, mode = msvcrt.get_osfhandle(descriptor), wintypes.DWORD()
    if not kernel.GetConsoleMode(handle, ctypes.byref(mode)):
        return False
    return bool(mode.value & _FOLLOWS_SEQUENCES or kernel.SetConsoleMode(handle, mode.value | _FOLLOWS_SEQUENCES))
