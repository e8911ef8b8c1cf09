"""Which user is at the other end of a loopback connection. Only Linux says, in `/proc`."""

import socket
import sys
from struct import iter_unpack

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
# The prefix of `::ffff:127.0.0.1`, as a dual-stack socket reports it (RFC 4291, section 2.5.5.2).
_MAPPED = b"\0" * 10 + b"\xff\xff"


def is_same_user(uid: int | None, peer: tuple[str, int], local: tuple[str, int]) -> bool:
    """Whether a program of user `uid` opened the connection from `peer` to our `local` address.

    Each address is a host and a port. If unknown (no user ids, no tables), the answer is True.
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
    """Return an address as the tables write it: words of 32 bits in the machine's byte order, in hexadecimal."""
    host, port = address
    packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    forms = [packed] if len(packed) == 16 else [packed, _MAPPED + packed]
    return ["".join(f"{word:08X}" for (word,) in iter_unpack("=I", form)) + f":{port:04X}" for form in forms]
