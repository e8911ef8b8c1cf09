"""The terminal session that this process belongs to, by Linux's `/proc`."""

import os


def terminal_session() -> str | None:
    """Return what tells this session from every other, earlier or later: its leader, when that started, in which boot.

    None where the start is unknown, as on other systems and after the leader has ended: the leader's number alone may be
    another process's by now.
    """
    if not hasattr(os, "getsid"):
        return None
    leader = os.getsid(0)
    try:
        with open(f"/proc/{leader}/stat", "rb") as file:
            # The second field is the program's name in brackets, which may hold anything: `proc_pid_stat(5)`.
            started = file.read().rpartition(b")")[2].split()[19]
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            boot = file.read().strip()
    except (OSError, IndexError):
        return None
    return f"{leader} {started.decode('ascii', 'replace')} {boot.decode('ascii', 'replace')}"
