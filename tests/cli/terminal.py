"""A person at a terminal: a real pseudo-terminal with a program on it, and the screen that the person sees."""

import time
from collections.abc import Callable, Mapping, Sequence

import pexpect
import pyte


class Terminal:
    """A program on a terminal of `columns` by `rows`."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], columns: int = 80, rows: int = 24) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)
        self.raw = ""
        self.child = pexpect.spawn(
            argv[0], list(argv[1:]), env=dict(env), encoding="utf-8", timeout=30, dimensions=(rows, columns)
        )

    def see(self, *texts: str, seconds: float = 30.0) -> str:
        """Wait until all of `texts` are on the screen; return the screen. Fails, showing it, if they do not come."""
        return self.until(lambda screen: all(text in screen for text in texts), f"{texts}", seconds)

    def until(self, is_so: Callable[[str], bool], what: str, seconds: float = 30.0) -> str:
        """Wait until the screen is as `is_so` wants it; return it."""
        deadline = time.monotonic() + seconds
        while not is_so(screen := self.screen):
            assert time.monotonic() < deadline, f"not on the screen: {what}\n{screen}"
            self.read(0.05)
        return screen

    def wait_for_line(self, text: str) -> None:
        """Wait until the line that the cursor is in holds `text`."""
        self.until(lambda _: text in self.line, text)

    def read(self, seconds: float) -> None:
        """Take in what the program writes, for as long as it writes with no longer pause than `seconds`."""
        while True:
            try:
                text = self.child.read_nonblocking(65536, timeout=seconds)
            except (pexpect.TIMEOUT, pexpect.EOF):
                return
            self.raw += text
            self._stream.feed(text)

    @property
    def screen(self) -> str:
        """What is on the screen, lines without the blanks at their ends, no empty lines at the end."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip("\n")

    @property
    def line(self) -> str:
        """The line that the cursor is in."""
        return str(self._screen.display[self._screen.cursor.y]).rstrip()

    @property
    def cursor_shown(self) -> bool:
        """Whether the cursor is visible."""
        return not self._screen.cursor.hidden

    def type(self, text: str) -> None:
        """Press keys."""
        self.child.send(text)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window."""
        self._screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def end(self) -> int:
        """Wait for the program's end; return its exit status, negative for a signal."""
        self.read(1.0)
        self.child.expect(pexpect.EOF)
        self.child.close()
        if self.child.exitstatus is not None:
            return int(self.child.exitstatus)
        return -int(self.child.signalstatus or 0)

    def close(self) -> None:
        """End the program if it still runs."""
        self.child.close(force=True)
