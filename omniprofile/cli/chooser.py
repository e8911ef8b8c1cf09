"""The picker's mind: what is typed, which entries match it, where the cursor stands, what the screen shows. No terminal here."""

from collections.abc import Sequence
from dataclasses import dataclass

from omniprofile.cli.render.tables import width
from omniprofile.model.names import printable
from omniprofile.model.secret import masked

UP, DOWN, PAGE_UP, PAGE_DOWN, HOME, END = "up", "down", "page-up", "page-down", "home", "end"
BACKSPACE, CLEAR, WORD = "backspace", "clear", "word"

_AROUND = 3  # the lines that hold no entry: what is typed, how many match, what the keys do


@dataclass(frozen=True, slots=True)
class Entry:
    """One profile as the picker shows it."""

    name: str
    instance: str = ""
    description: str = ""
    active: bool = False
    protected: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What the screen shows: lines, the chosen entry's among them (None: none matches), the column of the cursor in the first."""

    lines: tuple[str, ...]
    chosen: int | None
    column: int


class Chooser:
    """The entries, what was typed of one, and the one that Enter would take."""

    def __init__(self, entries: Sequence[Entry], keys: str) -> None:
        self._entries = entries
        self._texts = [f"{each.name} {each.instance} {each.description}".casefold() for each in entries]
        self._keys = keys
        self.typed = ""
        self._top = 0
        self._page = 1
        self._match()
        self._at = next((at for at, each in enumerate(self._matches) if each.active), 0)

    @property
    def chosen(self) -> Entry | None:
        """The entry that Enter would take, or None where nothing matches."""
        return self._matches[self._at] if self._matches else None

    def type(self, text: str) -> None:
        """Add to what is typed."""
        if added := "".join(char for char in text if char.isprintable()):
            self.typed += added
            self._match()

    def press(self, key: str) -> None:
        """Take one of the keys that move or erase; another one does nothing."""
        last = max(0, len(self._matches) - 1)
        moves = {UP: -1, DOWN: 1, PAGE_UP: -self._page, PAGE_DOWN: self._page, HOME: -last, END: last}
        erased = {BACKSPACE: self.typed[:-1], CLEAR: "", WORD: self.typed.rstrip().rpartition(" ")[0]}
        if key in moves:
            self._at = min(last, max(0, self._at + moves[key]))
        elif key in erased and erased[key] != self.typed:
            self.typed = erased[key]
            self._match()

    def _match(self) -> None:
        """Keep the entries in which every word stands that is typed; those whose name begins with it come first."""
        words = self.typed.casefold().split()
        found = [
            each for each, text in zip(self._entries, self._texts, strict=True) if all(word in text for word in words)
        ]
        if words:
            found.sort(
                key=lambda each: (not each.name.casefold().startswith(words[0]), words[0] not in each.name.casefold())
            )
        self._matches = found
        self._at = 0

    def view(self, columns: int, rows: int) -> View:
        """The screen of `columns` by `rows`, the chosen entry always on it."""
        self._page = max(1, rows - _AROUND)
        self._top = min(max(self._top, self._at - self._page + 1), self._at)
        self._top = max(0, min(self._top, len(self._matches) - self._page))
        shown = self._matches[self._top : self._top + self._page]
        names = min(columns * 3 // 10, max((width(each.name) for each in shown), default=0))
        instances = min(columns * 4 // 10, max((width(each.instance) for each in shown), default=0))
        prompt = "profile> "
        typed = _end_of(masked(self.typed), columns - len(prompt) - 1)
        lines = [prompt + typed, f"  {len(self._matches)} of {len(self._entries)}   * in use   ! protected"]
        for at, each in enumerate(shown, self._top):
            mark = f"{'>' if at == self._at else ' '} {'*' if each.active else ' '}{'!' if each.protected else ' '} "
            lines.append(f"{mark}{_fit(each.name, names)}  {_fit(each.instance, instances)}  {each.description}")
        if not shown:
            lines.append("    nothing matches")
        lines = [*lines, *[""] * (rows - 1 - len(lines)), self._keys][:rows]
        chosen = 2 + self._at - self._top if shown else None
        return View(tuple(cut(line, columns - 1).rstrip() for line in lines), chosen, len(prompt) + width(typed))


def cut(text: str, columns: int) -> str:
    """`text` as one line of at most `columns`; what is cut ends in an ellipsis."""
    text = printable(text, 1000)
    if width(text) <= columns:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > columns - 1:
            break
        kept += char
    return kept + "…"


def _fit(text: str, columns: int) -> str:
    text = cut(text, columns)
    return text + " " * (columns - width(text))


def _end_of(text: str, columns: int) -> str:
    while width(text) > max(0, columns):
        text = text[1:]
    return text
