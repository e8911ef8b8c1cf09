"""How often each key was used: an instance allows one key sixty requests a minute, whichever process makes them.

A file in the cache folder remembers, so that a check in a loop waits by itself before the instance refuses; where there is no
such file, each process knows its own requests alone. A line is a time and a fingerprint, a hash that no key can be had from.
"""

import os
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from threading import Lock
from time import time

from omniprofile.model.credential import Credential
from omniprofile.system.files import Unreadable, make_private_folder, read_regular

REQUESTS = 60
SECONDS = 60.0
_LARGEST = 256 * 1024
"""Bytes of the file, some 7,000 requests: beyond it, what is older than a minute is dropped."""


class Pace:
    """The requests of the last minute by key. `path` is the file, None for none."""

    def __init__(self, path: str | None = None, *, clock: Callable[[], float] = time) -> None:
        self._path = path
        self._clock = clock
        self._lock = Lock()
        self._times: dict[str, list[float]] = defaultdict(list)
        self._load()

    def wait(self, credential: Credential) -> float:
        """Seconds until one more request with this key is allowed. At 0 the request counts as made."""
        key = _mark_of(credential)
        with self._lock:
            now = self._clock()
            recent = self._times[key] = [moment for moment in self._times[key] if _is_recent(moment, now)]
            if len(recent) >= REQUESTS:
                return max(0.1, sorted(recent)[-REQUESTS] + SECONDS - now)
            recent.append(now)
        self._remember(f"{now:.3f} {key}\n")
        return 0.0

    def _load(self) -> None:
        if self._path is None:
            return
        try:
            lines = read_regular(self._path).decode("ascii", "replace").splitlines(keepends=True)
        except (FileNotFoundError, Unreadable):
            return  # the cache may go at any moment; the instance still says when it is too much
        now = self._clock()
        kept = []
        for line in lines:
            moment, _, key = line.partition(" ")
            with suppress(ValueError):
                if _is_recent(float(moment), now):
                    self._times[key.strip()].append(float(moment))
                    kept.append(line)
        if sum(map(len, lines)) > _LARGEST:
            self._replace("".join(kept))

    def _remember(self, line: str) -> None:
        """Append to the file. One small write by `O_APPEND` is not mixed with those of other processes."""
        if self._path is None:
            return
        with suppress(OSError):  # a cache that takes nothing costs no more than the memory of earlier runs
            make_private_folder(os.path.dirname(self._path))
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)

    def _replace(self, content: str) -> None:
        from omniprofile.system.files import write_atomic

        with suppress(OSError):
            write_atomic(self._path or "", content.encode())


def _is_recent(moment: float, now: float) -> bool:
    """Whether it was in the last minute. A moment to come is of a clock that was set back: nobody knows, so it is not."""
    return now - SECONDS < moment <= now


def _mark_of(credential: Credential) -> str:
    """What two credentials have in common when they are the same key on the same instance."""
    return sha256(f"{credential.origin} {credential.token}".encode()).hexdigest()[:16]
