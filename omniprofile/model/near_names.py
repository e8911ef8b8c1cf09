"""Find the known names that a user who typed another one may have meant."""

from collections.abc import Iterable

from omniprofile.model.names import quoted_list


def closest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return at most `count` of the `known` names that a user who typed `name` may have meant, best first.

    A name is close if it differs by one or two letters, has the same words, or begins with what was typed.
    """
    found = [(off, candidate) for candidate in known if (off := _how_far(name, candidate)) is not None]
    found.sort()
    if found and found[0][0] == 0:  # the same name in another case
        found = [(off, candidate) for off, candidate in found if off == 0]
    return [candidate for _, candidate in found[:count]]


def _how_far(name: str, candidate: str) -> int | None:
    """Return how far a candidate is from the typed name; None if it is a different word."""
    typed, meant = name.casefold(), candidate.casefold()
    off = distance(typed, meant)
    # One different letter makes a short word another word: `get` is not `set`.
    if off == 0 or (off == 1 and (len(typed) > 3 or typed[:1] == meant[:1])) or (off == 2 and len(typed) > 5):
        return off
    words = set(meant.replace("_", "-").replace(".", "-").split("-"))
    if len(typed) > 1 and (meant.startswith(typed) or set(typed.replace("_", "-").split("-")) <= words):
        return 3
    return 4 if len(meant) > 3 and typed.startswith(meant) else None


def distance(one: str, other: str) -> int:
    """Count the letters to change, add, remove or swap (optimal string alignment), up to 3."""
    # Each change adds at most one letter to the set and removes at most one.
    if abs(len(one) - len(other)) > 2 or len(set(one) ^ set(other)) > 4:
        return 3
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i] + [3] * len(other)
        for j in range(max(1, i - 2), min(len(other), i + 2) + 1):  # every other cell is more than 2
            char = other[j - 1]
            row[j] = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (letter != char))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == char:
                row[j] = min(row[j], rows[-2][j - 2] + 1)
        rows.append(row)
    return min(rows[-1][-1], 3)


def did_you_mean(word: str, known: Iterable[str], otherwise: str, most: int = 3) -> str:
    """Return a hint with the `most` names among `known` that are closest to `word`, or `otherwise` if none is close."""
    near = closest(word, known, most)
    return f"did you mean {quoted_list(near)}?" if near else otherwise
