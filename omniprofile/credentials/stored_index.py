"""An index of what the keyring holds, by account and without secrets, so that `list` need not unlock it.

It also records the backend that wrote each entry. Reading the keyring corrects the index, so a damaged one counts as empty. One
that others may write or replace is refused, because it decides which backend is asked.

`entries` is on the fast path.
"""

from omniprofile.credentials.envelope import load, summary_as_data, summary_of
from omniprofile.system.atomic_write import write_atomic
from omniprofile.system.files import Unreadable, read_own
from omniprofile.system.foreign_access import real_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from omniprofile.model.stored import Account, StoredSummary

INDEX_FILE = "stored.json"
_VERSION = 1
_RISK = "choose the keyring that your secrets are read from"


class StoredIndex:
    """The index file `path`. `home` is the user's home: permissions are not checked above it."""

    def __init__(self, path: str, home: str = "") -> None:
        self.path = path
        self._home = home

    def entries(self) -> dict[str, object]:
        """Return the unparsed summaries by account name; empty if the index is missing or damaged.

        Raises UnsafePermissions for an index that others may write or replace.
        """
        try:
            data = load(read_own(self.path, self._home, _RISK))
        except (FileNotFoundError, Unreadable, ValueError):
            return {}
        entries = data.get("stored") if isinstance(data, dict) and data.get("version") == _VERSION else None
        return entries if isinstance(entries, dict) else {}

    def read(self) -> "dict[Account, StoredSummary]":
        """Return the valid summaries by account. Raises what `entries` raises."""
        from omniprofile.model.stored import Account

        summaries = {}
        for key, entry in self.entries().items():
            try:
                summaries[Account.parse(key)] = summary_of(entry)
            except ValueError:
                continue
        return summaries

    def set(self, account: "Account", summary: "StoredSummary | None", timeout: float) -> None:
        """Set or remove one account's summary. Raises OSError, and TimeoutError if another writer takes longer than `timeout`."""
        import json

        from omniprofile.system.locking import lock

        with lock(real_path(self.path) + ".lock", timeout):
            summaries = self.read()
            summaries.pop(account, None)
            if summary is not None:
                summaries[account] = summary
            entries = {
                str(key): summary_as_data(entry)
                for key, entry in sorted(summaries.items(), key=lambda item: str(item[0]))
            }
            write_atomic(self.path, json.dumps({"version": _VERSION, "stored": entries}, indent=1).encode() + b"\n")
