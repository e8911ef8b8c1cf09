"""What only Windows has, by its system calls through ctypes. Used only on Windows."""
