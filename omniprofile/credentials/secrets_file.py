"""Reading the secrets file of the file store: its path, permissions and format. `file_store` writes it.

On the fast path: imports only what a bare interpreter has loaded, and `errors` to raise one.
"""

import os
import sys

from omniprofile.credentials.envelope import load
from omniprofile.model.names import printable_place, quoted_place
from omniprofile.system.files import Unreadable, open_regular
from omniprofile.system.foreign_access import others_can_read, refuse_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from omniprofile.errors import StoreUnavailable

SECRETS_FILE = "secrets.json"
VERSION = 1
RISK = "put secrets of their own in the place of yours"


class SecretsFile:
    """The file in `folder`. `home` is the user's home: permissions are not checked above it."""

    def __init__(self, folder: str, home: str = "") -> None:
        self.folder = folder
        self.home = home
        self.path = os.path.join(folder, SECRETS_FILE)

    @property
    def label(self) -> str:
        """The store in words, with its path."""
        return f"file `{printable_place(self.path)}`"

    def read(self) -> dict[str, object]:
        """Return the envelopes by account. Raises StoreUnavailable, and UnsafePermissions if others may read or write it."""
        try:
            content, status = open_regular(self.path)
        except FileNotFoundError:
            return {}
        except Unreadable as problem:
            hint = problem.hint or "fix its permissions or remove it"
            raise self.unusable("cannot be read", str(problem), hint) from problem
        if sys.platform != "win32" and os.geteuid() not in (0, status.st_uid):  # this user cannot change its mode
            refuse_foreign(self.path, self.home, RISK)
        if others_can_read(status):
            from omniprofile.errors import UnsafePermissions

            raise UnsafePermissions(
                f"{self.label} holds secrets, and others can read or write it",
                hint=f"run `chmod 600 {quoted_place(self.path)}`",
            )
        refuse_foreign(self.path, self.home, RISK)
        if status.st_nlink > 1:  # locks and replacements go by name: each name would refresh a session of its own
            place, copy = quoted_place(self.path), quoted_place(f"{self.path}.copy")
            raise self.unusable(
                "cannot be used",
                "it has another name, by a hard link",
                f"run `cp -p {place} {copy} && mv {copy} {place}`",
            )
        try:
            data = load(content)
        except ValueError as problem:
            raise self._damaged(str(problem)) from problem
        if not isinstance(data, dict) or not isinstance(data.get("secrets"), dict):
            raise self._damaged("it has no object `secrets`")
        if data.get("version") != VERSION:
            raise self._damaged("it is of a version that this omniprofile does not know")
        secrets: dict[str, object] = data["secrets"]
        return secrets

    def unusable(self, what: str, why: str, hint: str) -> "StoreUnavailable":
        """Return the error for a file that cannot be used."""
        from omniprofile.errors import StoreUnavailable

        return StoreUnavailable(f"{self.label} {what}: {why}", hint=hint)

    def _damaged(self, why: str) -> "StoreUnavailable":
        return self.unusable("is damaged", why, f"repair it, or remove `{printable_place(self.path)}` and log in again")
