"""The full-screen profile picker. DOOR: prompt_toolkit, imported only for the picker."""

import asyncio
import os
import signal
import sys
from typing import TextIO

from prompt_toolkit.application import Application, get_app, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.data_structures import Point
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.processors import BeforeInput, ConditionalProcessor, PasswordProcessor
from prompt_toolkit.output import create_output
from prompt_toolkit.utils import get_cwidth

from omniprofile.cli.picker_entries import Chooser
from omniprofile.errors import Interrupted
from omniprofile.model.secret import masked

_ESCAPE_SECONDS = 0.05  # time for the rest of a key's escape sequence to arrive; Esc alone has none
_LAST = 1_000_000


def choose(
    chooser: Chooser, keys: TextIO, output: TextIO, *, emphasis: bool, offer_here: bool
) -> tuple[str, bool] | None:
    """Let the user choose; return the name, and whether Tab chose it (`offer_here` enables that), or None for no choice.

    Raises Interrupted when the terminal is gone.
    """
    screen = _Screen(chooser, emphasis=emphasis, offer_here=offer_here)
    app: Application[tuple[str, bool] | None] = Application(
        screen.layout(),
        key_bindings=screen.bindings(),
        full_screen=True,
        input=create_input(keys),
        output=create_output(output),
    )
    app.ttimeoutlen = app.timeoutlen = _ESCAPE_SECONDS
    try:
        return app.run(pre_run=_stop_like_a_program)
    except EOFError:
        raise Interrupted("the input ended") from None


class _Screen:
    def __init__(self, chooser: Chooser, *, emphasis: bool, offer_here: bool) -> None:
        self._chooser = chooser
        self._emphasis = "reverse" if emphasis else ""
        self._offer_here = offer_here
        self._buffer = Buffer(multiline=False, on_text_changed=lambda buffer: chooser.search(buffer.text))
        self._rows = Window(
            FormattedTextControl(self._lines, show_cursor=False, get_cursor_position=lambda: Point(0, chooser.at))
        )

    def layout(self) -> Layout:
        """Return the layout: the search text, the number of matches, the entries, and the help for the keys."""
        is_secret = Condition(lambda: masked(self._buffer.text) != self._buffer.text)  # a secret typed by mistake
        hidden = ConditionalProcessor(PasswordProcessor(), is_secret)
        typed = BufferControl(self._buffer, [hidden, BeforeInput("profile> ")])
        here = "   tab: use it in this shell alone" if self._offer_here else ""
        count = FormattedTextControl(
            lambda: f"  {len(self._chooser.matches)} of {len(self._chooser.entries)}   * current   ! protected"
        )
        help_line = FormattedTextControl(f"enter: use it{here}   esc: leave")
        parts = [Window(typed, height=1), Window(count, height=1), self._rows, Window(help_line, height=1)]
        return Layout(HSplit(parts))

    def _lines(self) -> StyleAndTextTuples:
        matches, columns = self._chooser.matches, get_app().output.get_size().columns
        names = min(columns * 3 // 10, max((get_cwidth(each.name) for each in matches), default=0))
        instances = min(columns * 4 // 10, max((get_cwidth(each.instance) for each in matches), default=0))
        lines: StyleAndTextTuples = [] if matches else [("", "    nothing matches")]
        for at, each in enumerate(matches):
            chosen = at == self._chooser.at
            mark = f"{'>' if chosen else ' '} {'*' if each.active else ' '}{'!' if each.protected else ' '} "
            line = f"{mark}{_fit(each.name, names)}  {_fit(each.instance, instances)}  {each.description}".rstrip()
            lines.append((self._emphasis if chosen else "", line + "\n"))
        return lines

    def bindings(self) -> KeyBindings:
        """Return the key bindings besides those for typing and erasing."""
        chooser, bindings = self._chooser, KeyBindings()
        for key, by in {"up": -1, "c-p": -1, "down": 1, "c-n": 1, "home": -_LAST, "end": _LAST}.items():
            bindings.add(key)(lambda _, by=by: chooser.move(by))
        bindings.add("pageup")(lambda _: chooser.move(-self._page))
        bindings.add("pagedown")(lambda _: chooser.move(self._page))
        bindings.add("enter")(lambda event: self._take(event, here=False))
        bindings.add("tab", filter=Condition(lambda: self._offer_here))(lambda event: self._take(event, here=True))
        for key in ("escape", "c-c", "c-d", "c-g"):
            bindings.add(key, eager=True)(lambda event: event.app.exit(result=None))
        bindings.add("<sigint>")(lambda event: event.app.exit(exception=KeyboardInterrupt))
        return bindings

    def _take(self, event: KeyPressEvent, *, here: bool) -> None:
        if self._chooser.chosen is not None:
            event.app.exit(result=(self._chooser.chosen.name, here))

    @property
    def _page(self) -> int:
        shown = self._rows.render_info
        return shown.window_height if shown else 1


def _fit(text: str, columns: int) -> str:
    while get_cwidth(text) > columns:
        text = text[:-2] + "…"
    return text + " " * (columns - get_cwidth(text))


def _stop_like_a_program() -> None:
    """Restore the terminal before SIGTSTP stops this process, and redraw when it continues."""
    if sys.platform == "win32":
        return
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGTSTP)
        take()

    def take() -> None:
        loop.add_signal_handler(signal.SIGTSTP, lambda: run_in_terminal(stop))

    take()
