"""What the keyring holds, by account, without a secret: so that `list` need not unlock it, and reading knows which backend wrote.

The index follows from the keyring and is healed by reading it, so a damaged index is an empty one.
"""

import os

from omniprofile.credentials.envelope import load, summary_as_data, summary_of
from omniprofile.model.stored import Account, StoredSummary
from omniprofile.system.files import Unreadable, read_regular, write_atomic
from omniprofile.system.locking import lock

INDEX_FILE = "stored.json"
_VERSION = 1


class StoredIndex:
    """The index file `path`."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> dict[Account, StoredSummary]:
        """Return the summaries that can be read, without what is missing or damaged."""
        try:
            data = load(read_regular(self.path))
        except (FileNotFoundError, Unreadable, ValueError):
            return {}
        entries = data.get("stored") if isinstance(data, dict) and data.get("version") == _VERSION else None
        summaries = {}
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            try:
                summaries[Account.parse(key)] = summary_of(entry)
            except ValueError:
                continue
        return summaries

    def set(self, account: Account, summary: StoredSummary | None, timeout: float) -> None:
        """Set or remove one account's summary. Raises TimeoutError when another writer takes longer, and OSError."""
        import json

        with lock(os.path.realpath(self.path) + ".lock", timeout):
            summaries = self.read()
            summaries.pop(account, None)
            if summary is not None:
                summaries[account] = summary
            entries = {
                str(key): summary_as_data(entry)
                for key, entry in sorted(summaries.items(), key=lambda item: str(item[0]))
            }
            write_atomic(self.path, json.dumps({"version": _VERSION, "stored": entries}, indent=1).encode() + b"\n")
