"""What the keyring holds, by account, without a secret: so that `list` need not unlock it.

The index follows from the keyring and is healed by reading it, so a damaged index is an empty one.
"""

import os

from omniprofile.credentials.envelope import load, summary_as_data, summary_from_data
from omniprofile.model.stored import StoredSummary
from omniprofile.system.files import Unreadable, read_regular, write_atomic
from omniprofile.system.locking import lock

INDEX_FILE = "stored.json"
_VERSION = 1


class StoredIndex:
    """The index file `path`."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> dict[str, StoredSummary]:
        """The summaries that can be read; what is missing or damaged is not there."""
        try:
            data = load(read_regular(self.path))
        except (FileNotFoundError, Unreadable, ValueError):
            return {}
        entries = data.get("stored") if isinstance(data, dict) and data.get("version") == _VERSION else None
        summaries = {}
        for account, entry in entries.items() if isinstance(entries, dict) else ():
            try:
                summaries[account] = summary_from_data(entry)
            except ValueError:
                continue
        return summaries

    def set(self, account: str, summary: StoredSummary | None, timeout: float) -> None:
        """Set or remove one account's summary. Raises TimeoutError when another writer takes longer, and OSError."""
        import json

        with lock(os.path.realpath(self.path) + ".lock", timeout):
            summaries = self.read()
            summaries.pop(account, None)
            if summary is not None:
                summaries[account] = summary
            entries = {name: summary_as_data(entry) for name, entry in sorted(summaries.items())}
            write_atomic(self.path, json.dumps({"version": _VERSION, "stored": entries}, indent=1).encode() + b"\n")
