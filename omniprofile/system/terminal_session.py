"""Which terminal session this process belongs to. Only Linux says, in `/proc`."""

import os


def terminal_session() -> str | None:
    """Return text that identifies this session among all others: its leader's process id and start time, and the boot.

    None if the start time is unknown, as on other systems and once the leader has exited: by then another process may have its
    id.
    """
    if not hasattr(os, "getsid"):
        return None
    leader = os.getsid(0)
    try:
        with open(f"/proc/{leader}/stat", "rb") as file:
            # The second field is the program's name in brackets, which may itself contain brackets and spaces: proc_pid_stat(5).
            started = file.read().rpartition(b")")[2].split()[19]
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            boot = file.read().strip()
    except (OSError, IndexError):
        return None
    return f"{leader} {started.decode('ascii', 'replace')} {boot.decode('ascii', 'replace')}"
