"""The terminal: data to stdout, everything else to stderr, prompts only for a person. Nothing else prints."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import RLock
from typing import TextIO

from omniprofile.cli.stream import write_out
from omniprofile.cli.style import MARK, Style, as_json, shown
from omniprofile.errors import Error, Interrupted, UsageError
from omniprofile.model.names import unbroken
from omniprofile.model.secret import MASK, remember
from omniprofile.system.environment import Environment


class Console:
    """The streams of one run, with the user's `-q`, `-v` and `--no-color`."""

    def __init__(
        self, environment: Environment, *, quiet: bool = False, verbosity: int = 0, no_colour: bool = False
    ) -> None:
        self._outside = environment
        self.quiet = quiet
        self.verbosity = verbosity
        self._no_colour = no_colour
        self._has_status = False
        self._writing = RLock()
        self.home = ""
        """The home folder, which is shown as `~` in paths on a terminal."""

    @property
    def style(self) -> Style:
        """The style for data."""
        return Style(self._colours(self._outside.stdout))

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked: stdin and stderr are both terminals."""
        return _is_terminal(self._outside.stdin) and _is_terminal(self._outside.stderr)

    @property
    def terminal(self) -> tuple[TextIO, TextIO] | None:
        """The input and output streams of the terminal, or None if no person can be asked."""
        stdin, stderr = self._outside.stdin, self._outside.stderr
        return (stdin, stderr) if self.interactive and stdin and stderr else None

    @property
    def message_style(self) -> Style:
        """The style for messages and questions."""
        return Style(self._colours(self._outside.stderr))

    @property
    def shows_data(self) -> bool:
        """Whether data goes to a terminal, not to a program or a file."""
        return _is_terminal(self._outside.stdout)

    @property
    def watched(self) -> bool:
        """Whether progress can be shown: stderr is a terminal whose lines can be overwritten, and `-q` is not given."""
        return not self.quiet and self._outside.environ.get("TERM") != "dumb" and _is_terminal(self._outside.stderr)

    @property
    def columns(self) -> int | None:
        """The width for tables, from `COLUMNS` or the terminal; None if data goes to a program or file."""
        if not self.shows_data:
            return None
        given = self._outside.environ.get("COLUMNS", "")
        if given.isdecimal() and len(given) < 10 and int(given) > 0:  # Python refuses thousands of digits
            return int(given)
        return screen_size(self._outside.stdout)[0] or None

    def data(self, text: str) -> None:
        """Write text for people to stdout, processed by `shown`. Raises what `write_out` raises."""
        write_out(self._outside.stdout, shown(self.with_short_paths(text) if self.shows_data else text))

    def give(self, text: str) -> None:
        """Write to stdout exactly what a program needs, such as a credential or shell script: no masking or escaping."""
        write_out(self._outside.stdout, text)

    def with_short_paths(self, text: str) -> str:
        """Return `text` with `~` for the home at the start of a path, but not inside a hint's command, which may be quoted."""
        if not self.home:
            return text
        first, *others = text.split(self.home + os.sep)
        for part in others:
            head, colour, code = first.rpartition(MARK)
            before = head if colour and code.removesuffix("m").isdigit() else first
            begins = not before or before.endswith(("`", "(", ": ", "\n"))
            first += ("~" if begins else self.home) + os.sep + part
        return first

    def relay(self, lines: bytes, label: str, colour: str, *, error: bool) -> None:
        """Write another program's lines to stdout, or with `error` to stderr, each after a coloured label.

        The lines pass unchanged, except that a colour still on is reset at the line's end. If stderr cannot be written, its lines
        are dropped.
        """
        stream = self._outside.stderr if error else self._outside.stdout
        coloured = self._colours(stream)
        mark = shown(Style(coloured)(colour, label)).encode("utf-8", "surrogateescape")
        end = b"\x1b[0m\n" if coloured and b"\x1b" in lines else b"\n"
        whole = mark + lines.removesuffix(b"\n").replace(b"\n", end + mark) + end
        text = whole.decode("utf-8", "surrogateescape")
        with self._writing:
            if not error:
                write_out(stream, text)
                return
            with suppress(Error, OSError, ValueError):
                write_out(stream, text)

    def json(self, value: object, *, exact: bool = False) -> None:
        """Write one JSON value to stdout. `exact` is for commands that output a secret."""
        self.give(as_json(value, exact=exact))

    def note(self, sentence: str) -> None:
        """Print a note to stderr, unless `-q` is given."""
        if not self.quiet:
            self.say(f"omniprofile: {unbroken(sentence)}")

    def warn(self, sentence: str) -> None:
        """Print a warning to stderr, even with `-q`."""
        self.say(f"omniprofile: {self.message_style('yellow', 'warning')}: {unbroken(sentence)}")

    def status(self, text: str) -> None:
        """Show progress on a line that the next call overwrites. An empty text clears it."""
        self._write_stderr(f"\r\x1b[K{shown(text)}")
        self._has_status = bool(text)

    def report(self, error: Error, *, as_json: bool) -> None:
        """Report an error on stderr in one line, with its hint in another; with `as_json` also as JSON on stdout."""
        self.say(f"omniprofile: {self.message_style('red', 'error')}: {error.lines}")
        if as_json:
            self.json(error_json(error))

    def confirm(self, question: str) -> bool:
        """Ask a yes-or-no question on the terminal. Anything but yes means no."""
        return self.ask(f"{question} [y/N] ").strip().lower() in ("y", "yes")

    def confirm_protected(self, question: str) -> bool:
        """Ask a yes-or-no question about a protected profile, in yellow as everywhere."""
        return self.confirm(self.message_style("yellow", question))

    def ask(self, prompt: str) -> str:
        """Read one line from the terminal. Raises UsageError without a terminal, Interrupted at the end of input."""
        if not self.interactive:
            raise UsageError("there is no terminal to ask on", hint="give the answer on the command line")
        self._write_stderr(shown(prompt))
        line = self._outside.stdin.readline() if self._outside.stdin else ""
        if not line:
            self.say("")
            raise Interrupted("the input ended")
        return line.rstrip("\n")

    def erase_answer(self, question: str, answer: str) -> None:
        """Erase the last answer, a secret, from the screen, and show the question with a mask instead."""
        columns = screen_size(self._outside.stderr)[0] or 80
        rows = (len(shown(question)) + len(answer) - 1) // columns + 1
        self._write_stderr(f"\x1b[{rows}A\r\x1b[J{shown(question)}{MASK}\n")

    @contextmanager
    def hidden_input(self) -> Iterator[None]:
        """Turn the terminal's echo off between the hidden questions of the body, and discard unread input at its end."""
        if sys.platform == "win32" or self.terminal is None:  # Windows echoes only what is read
            yield
            return
        import termios

        terminal = self.terminal[0].fileno()
        before = termios.tcgetattr(terminal)
        hidden = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
        termios.tcsetattr(terminal, termios.TCSADRAIN, hidden)
        try:
            yield
        finally:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)

    def ask_secret(self, prompt: str) -> str:
        """Read one line from the terminal without echo. Raises Interrupted at the end of input."""
        import getpass

        try:
            secret = getpass.getpass(shown(prompt), stream=self._outside.stderr)
        except EOFError:
            raise Interrupted("the input ended") from None
        remember(secret)
        return secret

    def say(self, line: str) -> None:
        """Write lines to stderr, processed by `shown`, even with `-q`: for what a person must see."""
        if self._has_status:
            self.status("")
        text = f"{line}\n"
        self._write_stderr(shown(self.with_short_paths(text) if _is_terminal(self._outside.stderr) else text))

    def _write_stderr(self, text: str) -> None:
        stream = self._outside.stderr
        if stream is None:
            return
        try:
            with self._writing:
                # On Windows the stream itself writes "\r\n" for "\n".
                stream.write(text.replace("\r\n", "\n") if sys.platform == "win32" else text)
                stream.flush()
        except (OSError, ValueError):
            # If stderr is gone, nothing else can take the message, and the work continues.
            return

    def _colours(self, stream: TextIO | None) -> bool:
        environ: Mapping[str, str] = self._outside.environ
        if self._no_colour or environ.get("NO_COLOR"):
            return False
        if any(environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
            return True
        if environ.get("TERM") == "dumb" or environ.get("CLICOLOR") == "0" or not _is_terminal(stream):
            return False
        if sys.platform == "win32" and stream:
            from omniprofile.system.windows.console import shows_colours

            return shows_colours(stream.fileno())
        return True


def error_json(error: Error) -> dict[str, object]:
    """Return the documented JSON of an error."""
    return {"error": {"code": error.code, "message": error.message, "hint": error.hint or None}}


def screen_size(stream: TextIO | None) -> tuple[int, int]:
    """Return the columns and rows of the terminal that `stream` writes to. Each is 0 if it is not known."""
    try:
        return os.get_terminal_size(stream.fileno() if stream else -1)
    except (OSError, ValueError):
        return 0, 0


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False
