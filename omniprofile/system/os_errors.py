"""Turn an error of the operating system into one for the user, which says what failed, why, and what to do about it.

For files that cannot be read, use `files.Unreadable.as_error`, which the fast path has already loaded.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from omniprofile.errors import Error
from omniprofile.system.files import Unreadable, reason
from omniprofile.system.foreign_access import owner_hint

TRY_AGAIN = "try again; if it keeps happening, look for an omniprofile process that hangs"
"""The hint for a lock that another process has held for too long."""
FIX_STATE_FOLDER = "make room or fix the folder, or set `OMNIPROFILE_STATE_DIR` to another one"
"""The hint for a file in the state folder that cannot be written."""


@contextmanager
def reported_as(
    error: Callable[..., Error], what: str, hint: str | None = None, *, busy: Error | None = None
) -> Iterator[None]:
    """Raise `error`, with the message `WHAT: why`, for an OSError or Unreadable in the body.

    Its hint is what the problem itself says to do (as LockFailed does), else what to do about a file that root owns, else `hint`.
    For a TimeoutError, which a lock raises while others hold it, raise `busy` instead, if given.
    """
    try:
        yield
    except (OSError, Unreadable) as problem:
        if busy is not None and isinstance(problem, TimeoutError):
            raise busy from problem
        path = getattr(problem, "filename", None)
        owned = owner_hint(problem, path) if isinstance(path, str) and os.path.isabs(path) else None
        raise error(f"{what}: {reason(problem)}", hint=getattr(problem, "hint", None) or owned or hint) from problem
