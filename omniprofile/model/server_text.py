"""Masking what a server's text may repeat of the secrets that it was sent."""

import re
from collections.abc import Iterable, Iterator

from omniprofile.model.secret import MASK, SHORTEST, Secret

_PIECE = 8


def without_opaque_words(text: str) -> str:
    """Return a server's `text` with every long word masked that no person would write: it may be a token sent earlier.

    UUIDs stay, since a server's support asks for them.
    """

    def shown(match: re.Match[str]) -> str:
        word = match[0]
        if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", word):
            return word
        is_written = not any(char.isdigit() for char in word) and (word.islower() or word.isupper())
        return word if is_written else MASK

    return re.sub(r"[A-Za-z0-9_+=-]{20,}", shown, text)


def without_sent(text: str, sent: Iterable[Secret]) -> str:
    """Return a server's `text` with everything masked that it repeats of the secrets that it was `sent`.

    Eight consecutive letters and digits of a secret are enough (all of a shorter one), in either case, with any other
    characters between them, and percent-encoded any number of times up to four.
    """
    known = [secret for secret in (_folded(one.reveal()) for one in sent) if len(secret) >= SHORTEST]
    folded = _folded(text)
    if not any(piece in secret for secret in known for piece in _pieces(folded, secret)):
        return text
    letters, places = _letters(text)
    hidden = bytearray(len(text))
    for secret in known:
        size = min(_PIECE, len(secret))
        for at, piece in enumerate(_pieces(letters, secret)):
            if piece in secret:
                begin, end = places[at][0], places[at + size - 1][1]
                hidden[begin:end] = b"\1" * (end - begin)
    shown = []
    for at, char in enumerate(text):
        if not hidden[at]:
            shown.append(char)
        elif not at or not hidden[at - 1]:
            shown.append(MASK)
    return "".join(shown)


def _pieces(letters: str, secret: str) -> Iterator[str]:
    """Yield the pieces of `letters` that are looked for in `secret`."""
    size = min(_PIECE, len(secret))
    return (letters[at : at + size] for at in range(len(letters) - size + 1))


def _folded(text: str) -> str:
    """Return the letters and digits of `_letters`, which takes longer because it finds their places too."""
    if text.isascii() and "%" not in text:
        return "".join(filter(str.isalnum, text)).lower()
    return _letters(text)[0]


def _letters(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the letters and digits of `text`, percent-decoded and in lower case, and where each begins and ends in `text`."""
    found = [(char, at, at + 1) for at, char in enumerate(text)]
    for _ in range(4 if "%" in text else 0):  # `%2525…`: each encoding makes it longer
        decoded: list[tuple[str, int, int]] = []
        at = 0
        while at < len(found):
            pair = found[at + 1 : at + 3] if found[at][0] == "%" else []
            if len(pair) == 2 and all(char in "0123456789abcdefABCDEF" for char, _, _ in pair):
                decoded.append((chr(int(pair[0][0] + pair[1][0], 16)), found[at][1], pair[1][2]))
                at += 3
            else:
                decoded.append(found[at])
                at += 1
        if len(decoded) == len(found):
            break
        found = decoded
    kept = [(low, begin, end) for char, begin, end in found if char.isalnum() for low in char.lower()]
    return "".join(low for low, _, _ in kept), [(begin, end) for _, begin, end in kept]
