"""The values in a keyring: a long one is split over several entries, because Windows has a limit for one.

A short value is the account's own entry. A long one is split into the entries `ACCOUNT/a/1`, `ACCOUNT/a/2`, …, and the entry
`ACCOUNT` is a head with the number of parts, their generation and the checksum of the whole. Successive values alternate between
the generations `a` and `b`, so that new parts never overwrite those of the current value: if the process is killed at any
moment, the head refers to the old value or to the new one, and all parts of that value exist.

Every caller holds the keyring's lock; for `read_value` shared is enough.
"""

import json
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from omniprofile.credentials.keyring_entries import Entries
from omniprofile.errors import Error, StoreUnavailable
from omniprofile.model.names import printable

GENERATIONS = ("a", "b")
MOST_PARTS = 1000
"""The most parts that a value may be split into."""


class Head(NamedTuple):
    """The entry that represents a split value."""

    generation: str
    parts: int
    checksum: str

    @classmethod
    def parse(cls, text: str | None) -> "Head | None":
        """Parse a head; return None for any other text."""
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

    def __str__(self) -> str:
        data = {"generation": self.generation, "count": self.parts, "sha256": self.checksum}
        return json.dumps(data, separators=(",", ":"))


def read_value(entries: Entries, account: str) -> str | None:
    """Return the whole value of `account`, joined if it is split, or None."""
    text = entries.get(account)
    head = Head.parse(text)
    if head is None:
        return text
    parts = [entries.get(part_account(account, head.generation, number)) for number in range(1, head.parts + 1)]
    whole = "".join(part for part in parts if part is not None)
    if head.checksum != _checksum(whole):
        raise StoreUnavailable(
            f"parts of what the {entries.member.name} holds for `{printable(account)}` are missing or damaged",
            hint=f"run `omniprofile login {printable(account.rpartition('@')[0])}` to store it again",
        )
    return whole


def write_value(entries: Entries, account: str, text: str, old: str | None) -> None:
    """Store the value `text`, where the entry was `old`. The caller calls `clean` afterwards.

    Writes the parts first, under the generation that the old value does not use, and then the entry that makes them current.
    """
    limit = entries.member.limit or len(text)
    if len(text) > limit:
        before = Head.parse(old)
        generation = "b" if before and before.generation == "a" else "a"
        parts = [text[start : start + limit] for start in range(0, len(text), limit)]
        for number, part in enumerate(parts, start=1):
            entries.set(part_account(account, generation, number), part)
        text = str(Head(generation, len(parts), _checksum(text)))
    entries.set(account, text)


def erase(entries: Entries, account: str) -> bool:
    """Delete the whole value of `account`, with any parts that a killed process left; return whether there was one."""
    found = entries.get(account) is not None
    if found:
        entries.remove(account)
    clean(entries, account, None)
    return found


def clean(entries: Entries, account: str, entry: str | None) -> None:
    """Remove all parts except those of the value whose entry is `entry`.

    The last part goes first, so that the parts that a killed process leaves are still found by counting from 1.
    """
    head = Head.parse(entry)
    for generation in GENERATIONS:
        kept = head.parts if head and head.generation == generation else 0
        count = kept
        while count < MOST_PARTS and entries.get(part_account(account, generation, count + 1)) is not None:
            count += 1
        for number in range(count, kept, -1):
            entries.remove(part_account(account, generation, number))


def restore(entries: Entries, account: str, old: str | None) -> None:
    """Restore the entry to `old`, ignoring errors: the caller reports the error that made it necessary."""
    with suppress(Error):
        if entries.get(account) != old:
            if old is None:
                entries.remove(account)
            else:
                entries.set(account, old)
        clean(entries, account, old)


def part_account(account: str, generation: str, number: int) -> str:
    """Return the account of one part, from 1. No other entry has such a name, since the origin after its `@` has no path."""
    return f"{account}/{generation}/{number}"


def _checksum(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
