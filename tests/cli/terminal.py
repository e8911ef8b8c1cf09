"""A simulated user: a program on a real pseudo-terminal, and the screen that the user sees."""

import os
import re
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pexpect
import ptyprocess
import pyte

from tests import warm
from tests.waiting import PATIENCE


def spawn(
    *argv: str, env: Mapping[str, str] | None = None, dimensions: tuple[int, int] = (24, 80), timeout: float = PATIENCE
) -> "pexpect.spawn[str]":
    """Start `omniprofile *argv` on a terminal of the given size, with the given variables or this process's."""
    return _start([*warm.PROGRAM, *argv], os.environ if env is None else env, timeout, dimensions)


def _start(
    argv: Sequence[str], env: Mapping[str, str], timeout: float, dimensions: tuple[int, int]
) -> "pexpect.spawn[str]":
    make = _Forked if tuple(argv[:3]) == warm.PROGRAM else pexpect.spawn
    return make(argv[0], list(argv[1:]), env=dict(env), encoding="utf-8", timeout=timeout, dimensions=dimensions)


class _Forked(pexpect.spawn):
    """`omniprofile`, forked (`tests/warm.py`) on the controlling terminal of its own session."""

    def _spawnpty(self, args: Sequence[bytes], **options: Any) -> "_ForkedOnTerminal":
        controlling, terminal = os.openpty()
        termios.tcsetwinsize(terminal, options["dimensions"])
        try:
            process = _Process(
                list(map(os.fsdecode, args)), stdin=terminal, stdout=terminal, stderr=terminal, env=options["env"],
                cwd=options["cwd"], start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(terminal)
        return _ForkedOnTerminal(process, controlling)


class _Process(warm.Popen):
    terminal = True


class _ForkedOnTerminal(ptyprocess.PtyProcess):
    """The process object for pexpect, of a program that is another process's child."""

    exitstatus: int | None
    signalstatus: int | None

    def __init__(self, process: _Process, controlling: int) -> None:
        super().__init__(process.pid, controlling)
        self._process = process

    def isalive(self) -> bool:
        if (status := self._process.poll()) is None:
            return True
        self.terminated = True
        self.exitstatus, self.signalstatus = (status, None) if status >= 0 else (None, -status)
        return False

    def wait(self) -> int | None:
        self._process.wait()
        self.isalive()
        return self.exitstatus


class Terminal:
    """A program on a terminal of `columns` by `rows`."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], columns: int = 80, rows: int = 24) -> None:
        # Sequence 1049 switches to the alternate screen; pyte ignores it.
        self._screens = [_Screen(columns, rows, self.type) for _ in range(2)]
        self._streams = [pyte.Stream(screen) for screen in self._screens]
        self._shown = 0
        self.raw = ""
        self.child = _start(argv, env, PATIENCE, (rows, columns))
        self._before = self._after = termios.tcgetattr(self.child.child_fd)

    def see(self, *texts: str, seconds: float = PATIENCE) -> str:
        """Wait until all of `texts` are on the screen; return the screen. Fails, showing it, if they do not come."""
        return self.until(lambda screen: all(text in screen for text in texts), f"{texts}", seconds)

    def until(self, is_so: Callable[[str], bool], what: str, seconds: float = PATIENCE) -> str:
        """Wait until `is_so` accepts the screen; return it."""
        deadline = time.monotonic() + seconds
        while not is_so(screen := self.screen):
            assert time.monotonic() < deadline, f"not on the screen: {what}\n{screen}"
            self.read(0.05)
        return screen

    def wait_for_prompt(self) -> None:
        """Wait until a shell shows its own first prompt: what is typed before it reads keys may be lost."""
        self.until(lambda _: self.line.endswith(("#", "$", "%", ">")), "a prompt")

    def wait_for_line(self, text: str) -> None:
        """Wait until the cursor's line contains `text`."""
        self.until(lambda _: text in self.line, text)

    def read(self, seconds: float) -> None:
        """Read the program's output until it pauses for longer than `seconds`."""
        length = -1
        while length != len(self.raw):
            length = len(self.raw)
            self._read_once(seconds)

    def _read_once(self, seconds: float) -> bool:
        """Read output that arrives within `seconds`; return False once the program has ended."""
        try:
            self._take_in(self.child.read_nonblocking(65536, timeout=seconds))
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        return True

    def _take_in(self, text: str) -> None:
        self.raw += text
        for piece in re.split(r"(\x1b\[\?1049[hl])", text):
            if piece.startswith("\x1b[?1049"):
                self._shown = int(piece.endswith("h"))
                self._screens[1].reset()
            else:
                self._streams[self._shown].feed(piece)

    @property
    def _screen(self) -> "_Screen":
        return self._screens[self._shown]

    @property
    def screen(self) -> str:
        """Return the text of the screen, without trailing blanks and empty lines."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip("\n")

    @property
    def line(self) -> str:
        """Return the cursor's line."""
        return str(self._screen.display[self._screen.cursor.y]).rstrip()

    def colour_of(self, text: str) -> str:
        """Return the colour of the beginning of `text` in the cursor's line: `default`, or pyte's name."""
        return str(self._screen.buffer[self._screen.cursor.y][self.line.index(text)].fg)

    @property
    def restored(self) -> bool:
        """Whether the terminal's settings are as at the start, and the main screen is shown."""
        if self.child.child_fd >= 0:
            self._after = termios.tcgetattr(self.child.child_fd)
        return self._after == self._before and self.raw.count("\x1b[?1049h") == self.raw.count("\x1b[?1049l")

    def type(self, text: str) -> None:
        """Press keys."""
        self.child.send(text)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window."""
        for screen in self._screens:
            screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def end(self) -> int:
        """Wait for the program to end; return its exit status, negative for a signal."""
        deadline = time.monotonic() + PATIENCE
        while self._read_once(0.2):
            assert time.monotonic() < deadline, f"it does not end\n{self.screen}"
        self._after = termios.tcgetattr(self.child.child_fd)
        self.child.close()
        if self.child.exitstatus is not None:
            return int(self.child.exitstatus)
        return -int(self.child.signalstatus or 0)

    def close(self) -> None:
        """End the program if it still runs."""
        self.child.close(force=True)


class _Screen(pyte.Screen):
    """A screen that answers a program's queries to the terminal, such as for the cursor's position."""

    def __init__(self, columns: int, rows: int, answer: Callable[[str], None]) -> None:
        super().__init__(columns, rows)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)
