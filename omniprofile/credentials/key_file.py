"""The key of a profile in a file of its own. On the fast path: imports only what a bare interpreter has loaded."""

import os
import sys

from omniprofile.credentials.key_check import LONGEST_INPUT, checked_bytes, source_failed
from omniprofile.model.names import quoted_place
from omniprofile.model.secret import Secret
from omniprofile.system.files import Unreadable, open_regular
from omniprofile.system.foreign_access import is_read_only, others_can_read


def read_key_file(path: str, label: str) -> tuple[bytes, os.stat_result]:
    """Return the content and status of a file. `label` names it in messages. Raises KeySourceFailed."""
    try:
        return open_regular(path, limit=LONGEST_INPUT)
    except FileNotFoundError as problem:
        raise source_failed(f"{label}: no such file", "make it, with the key as its only line") from problem
    except Unreadable as problem:
        hint = "name a file that you can read, with the key as its only line"
        raise source_failed(f"{label} cannot be read: {problem}", hint) from problem


def key_in_file(path: str, label: str, *, of_env: bool = False) -> Secret:
    """Return the key in a file that nobody else can read, or with `of_env` the secret of `env`. `label` names it in messages.

    Raises KeySourceFailed, and UnsafePermissions for a file that others can read.
    """
    content, status = read_key_file(path, label)
    if sys.platform != "win32" and status.st_uid not in (0, os.geteuid()):
        wrong, fix = "belongs to another user", f"run `chown {os.geteuid()} {quoted_place(path)}` if its key is yours"
    # The user cannot change the mode of a file on a read-only mount, as clusters use for secrets.
    elif others_can_read(status) and not is_read_only(path):
        wrong, fix = "can be read or written by others", f"run `chmod 600 {quoted_place(path)}`"
    else:
        return checked_bytes(content, label, of_env=of_env)
    from omniprofile.errors import UnsafePermissions

    raise UnsafePermissions(f"{label} {wrong}", hint=fix)
