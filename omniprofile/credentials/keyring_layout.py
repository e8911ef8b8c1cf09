"""How a value lies in a keyring whose entries are small: pure, with no keyring in it.

A short value is the account's own entry. A long one is split over the accounts `ACCOUNT/a/1`, `ACCOUNT/a/2`, … and the entry at
`ACCOUNT` becomes a head that says how many parts of which generation, and the checksum of the whole. Values take turns between
the generations `a` and `b`, so that a new value's parts never overwrite those of the value that still counts: killed at any
moment, the head at `ACCOUNT` speaks of the old value or of the new one, and all parts of that one are there.
"""

import json
from dataclasses import dataclass
from hashlib import sha256

GENERATIONS = ("a", "b")
MOST_PARTS = 1000


@dataclass(frozen=True, slots=True)
class Head:
    """The entry that stands for a split value."""

    generation: str
    count: int
    checksum: str

    @classmethod
    def parse(cls, text: str | None) -> "Head | None":
        """Return the head that `text` is, or None where it is anything else."""
        if text is None or not text.startswith('{"generation":'):
            return None
        try:
            data = json.loads(text)
            generation, count, checksum = data["generation"], data["count"], data["sha256"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        if generation not in GENERATIONS or not isinstance(count, int) or not 0 < count <= MOST_PARTS:
            return None
        return cls(generation, count, str(checksum))

    def matches(self, text: str) -> bool:
        """Whether `text` is the value that this head stands for."""
        return self.checksum == _checksum(text)

    def __str__(self) -> str:
        data = {"generation": self.generation, "count": self.count, "sha256": self.checksum}
        return json.dumps(data, separators=(",", ":"))


def plan(text: str, limit: int | None, old: Head | None) -> tuple[str, str, list[str]]:
    """Lay `text` out for entries of at most `limit` characters, beside the value that `old` is the head of.

    Return the account's own entry, and the generation and its parts, which are none where that entry is the whole value.
    """
    if limit is None or len(text) <= limit:
        return text, "", []
    generation = GENERATIONS[1] if old and old.generation == GENERATIONS[0] else GENERATIONS[0]
    parts = [text[start : start + limit] for start in range(0, len(text), limit)]
    return str(Head(generation, len(parts), _checksum(text))), generation, parts


def part_account(account: str, generation: str, number: int) -> str:
    """Return the account of one part, from 1. No other entry is called so: what follows the `@` of one has no path."""
    return f"{account}/{generation}/{number}"


def _checksum(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
