"""Calls of Windows' own libraries, through ctypes. Used only on Windows."""
