"""A whole terminal for a while: keys one by one, a screen of its own, and everything as it was afterwards, whatever happens.

The doors `termios` and `select` on POSIX alone; where they are not, `available` says so. Meaning of the sequences: ECMA-48,
and xterm's control sequences for the second screen (1049).
"""

import codecs
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from omniprofile.cli import chooser
from omniprofile.errors import Interrupted

ENTER, TAB, LEAVE = "enter", "tab", "leave"

_BYTES = {
    b"\r": ENTER,
    b"\n": ENTER,
    b"\t": TAB,
    b"\x03": LEAVE,  # Ctrl-C: in raw mode it is a byte, and no signal
    b"\x04": LEAVE,
    b"\x07": LEAVE,
    b"\x7f": chooser.BACKSPACE,
    b"\x08": chooser.BACKSPACE,
    b"\x15": chooser.CLEAR,
    b"\x17": chooser.WORD,
    b"\x10": chooser.UP,
    b"\x0e": chooser.DOWN,
}
_SEQUENCES = {
    b"[A": chooser.UP,
    b"OA": chooser.UP,
    b"[B": chooser.DOWN,
    b"OB": chooser.DOWN,
    b"[5~": chooser.PAGE_UP,
    b"[6~": chooser.PAGE_DOWN,
    b"[H": chooser.HOME,
    b"OH": chooser.HOME,
    b"[1~": chooser.HOME,
    b"[F": chooser.END,
    b"OF": chooser.END,
    b"[4~": chooser.END,
}
_ESCAPE_SECONDS = 0.05  # within which the rest of a key's sequence arrives; Esc alone comes alone
_SMALLEST = (30, 6)
_DUMB = ("", "dumb", "emacs", "unknown")


def available(environ: Mapping[str, str], output: TextIO) -> bool:
    """Whether this terminal can show a screen: not a dumb one, not too small, and on a system that has raw mode."""
    try:
        import termios  # noqa: F401 - Windows has none
    except ImportError:
        return False
    columns, rows = _size(output)
    return environ.get("TERM", "") not in _DUMB and columns >= _SMALLEST[0] and rows >= _SMALLEST[1]


class Screen:
    """The terminal in raw mode, on its second screen."""

    def __init__(self, keys: int, output: TextIO) -> None:
        self._keys = keys
        self._output = output
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def draw(self, view: chooser.View, emphasis: Callable[[str], str]) -> None:
        """Show `view`, with `emphasis` on the chosen line."""
        shown = [emphasis(line) if at == view.chosen else line for at, line in enumerate(view.lines)]
        self._write("\x1b[H" + "\r\n".join(f"{line}\x1b[K" for line in shown) + f"\x1b[J\x1b[1;{view.column + 1}H")

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows, as they are now."""
        return _size(self._output)

    def read(self) -> tuple[str, str]:
        """The next key, as `("key", NAME)` or `("text", CHARACTER)`; `("size", "")` when the window's size has changed.

        Raises Interrupted when the terminal is gone.
        """
        byte = self._byte()
        if byte is None:
            return "size", ""
        if byte == b"\x1b":
            return "key", self._sequence()
        if byte in _BYTES:
            return "key", _BYTES[byte]
        return "text", self._decoder.decode(byte)

    def _sequence(self) -> str:
        """The key whose bytes follow an Esc; Esc itself if none follow."""
        sequence = b""
        while self._ready(_ESCAPE_SECONDS):
            byte = os.read(self._keys, 1)
            if not byte:
                break
            sequence += byte
            if len(sequence) > 1 and b"\x40" <= byte <= b"\x7e":
                return _SEQUENCES.get(sequence, "")
            if len(sequence) == 1 and byte not in b"[O":
                return ""  # Alt and a key
        return "" if sequence else LEAVE

    def _byte(self) -> bytes | None:
        if not self._ready(None):
            return None
        try:
            byte = os.read(self._keys, 1)
        except OSError:
            byte = b""
        if not byte:
            raise Interrupted("the input ended")
        return byte

    def _ready(self, seconds: float | None) -> bool:
        """Whether a byte is there, within `seconds`, or for ever; False as well when a signal came in between."""
        import select

        ready, _, _ = select.select([self._keys, self._wake], [], [], seconds)
        if self._wake in ready:
            os.read(self._wake, 1024)
            return False
        return bool(ready)

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()

    @contextmanager
    def taken(self) -> Iterator["Screen"]:
        """Take the terminal, and give it back as it was: at the end, on an error, on a signal that ends or stops this process."""
        import termios

        before = termios.tcgetattr(self._keys)
        self._wake, told = os.pipe()
        os.set_blocking(told, False)
        handlers = {
            signal.SIGWINCH: lambda *_: None,  # that it came is what matters: the pipe wakes `read`
            signal.SIGTERM: lambda number, _: self._leave_by(number, before),
            signal.SIGHUP: lambda number, _: self._leave_by(number, before),
            signal.SIGTSTP: lambda number, _: self._leave_by(number, before),
        }
        old_wake = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        old_handlers = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            self._take()
            yield self
        finally:
            self._give_back(before)
            for number, handler in old_handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(old_wake)
            os.close(self._wake)
            os.close(told)

    def _take(self) -> None:
        import termios
        import tty

        tty.setraw(self._keys, termios.TCSADRAIN)
        self._write("\x1b[?1049h")

    def _give_back(self, before: list[object]) -> None:
        import termios

        try:
            self._write("\x1b[?1049l")
            termios.tcsetattr(self._keys, termios.TCSADRAIN, before)  # type: ignore[arg-type]  # what tcgetattr gave
        except OSError:
            return  # the terminal is gone, and nobody sees it

    def _leave_by(self, number: int, before: list[object]) -> None:
        """Give the terminal back, then do what the signal does to a program; if that was to stop, go on after it."""
        self._give_back(before)
        handler = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, handler)
        self._take()


def _size(output: TextIO) -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(output.fileno())
    except (OSError, ValueError):
        return 80, 24
    return columns or 80, rows or 24
