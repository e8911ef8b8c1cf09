"""The picker's model: the entries that match the search, and the chosen one. Independent of the terminal."""

from collections.abc import Sequence
from typing import NamedTuple


class Entry(NamedTuple):
    """One profile as the picker shows it."""

    name: str
    instance: str = ""
    description: str = ""
    active: bool = False
    protected: bool = False


class Chooser:
    """The matching entries (`matches`) and the index of the chosen one (`at`), at first the active profile's."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self._texts = [f"{each.name} {each.instance} {each.description}".casefold() for each in entries]
        self.search("")
        self.at = next((at for at, each in enumerate(self.matches) if each.active), 0)

    @property
    def chosen(self) -> Entry | None:
        """The entry that Enter would take, or None if nothing matches."""
        return self.matches[self.at] if self.matches else None

    def search(self, typed: str) -> None:
        """Keep the entries that contain every typed word. Those whose name starts with the first word come first."""
        words = typed.casefold().split()
        self.matches = [
            each for each, text in zip(self.entries, self._texts, strict=True) if all(word in text for word in words)
        ]
        if words:
            self.matches.sort(
                key=lambda each: (not each.name.casefold().startswith(words[0]), words[0] not in each.name.casefold())
            )
        self.at = 0

    def move(self, by: int) -> None:
        """Move the choice `by` rows, stopping at the first and last entry."""
        self.at = min(max(0, len(self.matches) - 1), max(0, self.at + by))
