"""What the picker chooses from: the entries that match what is typed, and the one that Enter would take. No terminal here."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One profile as the picker shows it."""

    name: str
    instance: str = ""
    description: str = ""
    active: bool = False
    protected: bool = False


class Chooser:
    """The entries that match, `matches`, and which of them is chosen, `at`. It starts at the active profile."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self._texts = [f"{each.name} {each.instance} {each.description}".casefold() for each in entries]
        self.search("")
        self.at = next((at for at, each in enumerate(self.matches) if each.active), 0)

    @property
    def chosen(self) -> Entry | None:
        """The entry that Enter would take, or None where nothing matches."""
        return self.matches[self.at] if self.matches else None

    def search(self, typed: str) -> None:
        """Keep the entries in which every word stands that is typed; those whose name begins with it come first."""
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
        """Choose another entry, `by` rows down, but none beyond the first and the last."""
        self.at = min(max(0, len(self.matches) - 1), max(0, self.at + by))
