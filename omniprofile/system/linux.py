"""What only Linux can be asked, through `/proc`: whose a loopback connection is, and which terminal session this is.

On other systems the answer is that nobody knows.
"""

import os
import socket
import sys
from struct import iter_unpack

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_MAPPED = (
    b"\0" * 10 + b"\xff\xff"
)  # `::ffff:127.0.0.1`, as a socket of both families has it (RFC 4291, section 2.5.5.2)


def is_same_user(uid: int | None, peer: tuple[str, int], local: tuple[str, int]) -> bool:
    """Whether the connection from `peer` to our `local` address is from a program of the user `uid`.

    Each address is a host and a port. Where that cannot be known (no user ids, no tables), it is taken to be.
    """
    if uid is None or not sys.platform.startswith("linux"):
        return True
    ends = [(theirs.encode(), ours.encode()) for theirs, ours in zip(_entries(peer), _entries(local), strict=True)]
    readable = False
    for path in _TABLES:
        try:
            with open(path, "rb") as table:
                readable = True
                for line in table:
                    fields = line.split()
                    if len(fields) > 7 and (fields[1], fields[2]) in ends:
                        return fields[7] == str(uid).encode()
        except OSError:
            continue
    return not readable


def _entries(address: tuple[str, int]) -> list[str]:
    """Return how the tables write an address: words of 32 bits in the machine's own order, in hexadecimal."""
    host, port = address
    packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    forms = [packed] if len(packed) == 16 else [packed, _MAPPED + packed]
    return ["".join(f"{word:08X}" for (word,) in iter_unpack("=I", form)) + f":{port:04X}" for form in forms]


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
