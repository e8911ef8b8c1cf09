"""The help screens: the first one with commands by group, and one per command. Imported only for help."""

import argparse
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from omniprofile.cli.arguments import Help
from omniprofile.cli.registry import COMMANDS, OTHER_NAMES

_WIDEST = 100
_NARROWEST = 60
_WIDEST_FIRST = 38

DESCRIPTION = "Declarative profiles for Omni: which instance, which credential, resolved and explained."
FIRST_EXAMPLES = (
    ("omniprofile init", "make a first profile"),
    ("omniprofile use staging", "switch to another one"),
    ("omniprofile exec staging -- COMMAND", "run a command with its credential"),
)


def screen_width() -> int:
    """Return the columns for help: the terminal's or `COLUMNS`, limited to a readable line length."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns - 2))


class Formatter(argparse.RawDescriptionHelpFormatter):
    """argparse's formatter for our screens: `--help` is not in the usage, nor the list of commands among the arguments."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=screen_width())

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: "Iterable[argparse._MutuallyExclusiveGroup]",
        prefix: str | None = None,
    ) -> None:
        """Add the usage, without `--help`."""
        super().add_usage(usage, [each for each in actions if "--help" not in each.option_strings], groups, prefix)

    def start_section(self, heading: str | None) -> None:
        """Start a section of arguments or options."""
        super().start_section("arguments" if heading == "positional arguments" else heading)

    def add_argument(self, action: argparse.Action) -> None:
        """Add an argument or option, unless it is the command."""
        if action.nargs != argparse.PARSER:
            super().add_argument(action)


def program_texts() -> tuple[str, str]:
    """Return what the program's help shows before its options, with the commands by group, and after them."""
    parts = [textwrap.fill(DESCRIPTION, screen_width()) + "\n"]
    width = max(len(command.name) for command in COMMANDS)
    for group in dict.fromkeys(command.group for command in COMMANDS):
        rows = [(command.name, command.summary) for command in COMMANDS if command.group == group]
        parts.append(f"{group}:\n{_columns(rows, width)}")
    parts.append(f"also understood:\n{_columns(OTHER_NAMES)}")
    more = f"More: `omniprofile COMMAND --help`, `{_manual('omniprofile')}`."
    return "\n".join(parts), f"examples:\n{_columns(FIRST_EXAMPLES)}\n{more}"


def command_texts(name: str, texts: Help) -> tuple[str, str]:
    """Return what the help of command `name` shows before its arguments, and after them: examples and exit statuses."""
    parts = [f"examples:\n{_columns(texts.examples)}"] if texts.examples else []
    if texts.exits:
        parts.append(f"exit status:\n{_columns([(str(status), words) for status, words in texts.exits])}")
    manual = "" if sys.platform == "win32" else f", `{_manual(f'omniprofile-{name}')}`"  # Windows has no `man`
    parts.append(f"More: `omniprofile --help`{manual}.")
    paragraphs = [textwrap.fill(text, screen_width()) for text in texts.description.split("\n\n")]
    return "\n\n".join(paragraphs), "\n".join(parts)


def _manual(page: str) -> str:
    """Return the `man` command for a page, with `-M` if `man` would not find it through PATH."""
    parents = [os.path.dirname(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    own, *linked = (os.path.join(parent, "share", "man", "man1", f"{page}.1") for parent in (sys.prefix, *parents))
    if not os.path.exists(own) or any(map(os.path.exists, linked)):
        return f"man {page}"
    return f"man -M {shlex.quote(os.path.dirname(os.path.dirname(own)))} {page}"


def _columns(rows: Sequence[Sequence[str]], width: int = 0) -> str:
    """Return two columns, or one below the other if the first is wide. The first column is never broken."""
    width = max([width, *(len(first) for first, _ in rows)])
    beside = width <= _WIDEST_FIRST
    lines = []
    for first, second in rows:
        if beside:
            wrapped = textwrap.wrap(second, screen_width() - width - 4)
            lines += [f"  {first:{width}}  {wrapped[0]}", *(" " * (width + 4) + line for line in wrapped[1:])]
        else:
            lines += [f"  {first}", *(f"      {line}" for line in textwrap.wrap(second, screen_width() - 6))]
    return "\n".join(lines) + "\n"
