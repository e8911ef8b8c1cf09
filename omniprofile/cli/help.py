"""The help screens: the first one with commands by group, and one per command. Imported only for help."""

import argparse
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Sequence

from omniprofile.cli.arguments import Help
from omniprofile.cli.registry import COMMANDS, GLOBAL_OPTIONS, OTHER_NAMES

_WIDEST = 100
_NARROWEST = 60
_WIDEST_FIRST = 38

FIRST_EXAMPLES = (
    ("omniprofile init", "make a first profile"),
    ("omniprofile use staging", "switch to another one"),
    ("omniprofile exec staging -- COMMAND", "run a command with its credential"),
)


def screen_width() -> int:
    """Return the columns for help: the terminal's or `COLUMNS`, limited to a readable line length."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns - 2))


def usage(parser: argparse.ArgumentParser) -> str:
    """Return the usage of a command, without `--help` and the options that every command takes."""
    formatter = _formatter(parser)
    plain = [action for _, actions in _sections(parser) for action in actions if "--help" not in action.option_strings]
    plain.sort(key=lambda action: not action.option_strings)
    formatter.add_usage(parser.usage, plain, parser._mutually_exclusive_groups)  # noqa: SLF001 - as in `_sections`
    return formatter.format_help()


def first_screen(parser: argparse.ArgumentParser) -> str:
    """Return the program's own help: commands by group, options, and where to read more."""
    parts = [usage(parser), textwrap.fill(parser.description or "", screen_width()) + "\n"]
    width = max(len(command.name) for command in COMMANDS)
    for group in dict.fromkeys(command.group for command in COMMANDS):
        rows = [(command.name, command.summary) for command in COMMANDS if command.group == group]
        parts.append(f"{group}:\n{_columns(rows, width)}")
    parts.append(f"also understood:\n{_columns(OTHER_NAMES)}")
    parts.append(_arguments(parser))
    parts.append(f"examples:\n{_columns(FIRST_EXAMPLES)}")
    parts.append(f"More: `omniprofile COMMAND --help`, `{_manual('omniprofile')}`.\n")
    return "\n".join(parts)


def command_screen(parser: argparse.ArgumentParser, name: str, texts: Help) -> str:
    """Return the help of command `name`: usage, description, arguments, examples, exit statuses."""
    parts = [usage(parser), *(_filled(text) + "\n" for text in texts.description.split("\n\n"))]
    parts.append(_arguments(parser))
    if parser.epilog:
        parts += [f"{_filled(block)}\n" for block in parser.epilog.strip("\n").split("\n\n")]
    if texts.examples:
        parts.append(f"examples:\n{_columns(texts.examples)}")
    if texts.exits:
        parts.append(f"exit status:\n{_columns([(str(status), words) for status, words in texts.exits])}")
    more = ["omniprofile --help"]
    if sys.platform != "win32":  # Windows has no `man`
        more.append(_manual(f"omniprofile-{name}"))
    parts.append(f"More: {', '.join(f'`{command}`' for command in more)}.\n")
    return "\n".join(part for part in parts if part)


def _manual(page: str) -> str:
    """Return the `man` command for a page, with `-M` if `man` would not find it through PATH."""
    parents = [os.path.dirname(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    own, *linked = (os.path.join(parent, "share", "man", "man1", f"{page}.1") for parent in (sys.prefix, *parents))
    if not os.path.exists(own) or any(map(os.path.exists, linked)):
        return f"man {page}"
    return f"man -M {shlex.quote(os.path.dirname(os.path.dirname(own)))} {page}"


def _filled(block: str) -> str:
    """Wrap a paragraph to the screen's width. An indented block stays as it is."""
    return block if block.startswith("  ") else textwrap.fill(block, screen_width())


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


def _arguments(parser: argparse.ArgumentParser) -> str:
    """Return argparse's help for the arguments and options, without the list of commands."""
    formatter = _formatter(parser)
    for title, actions in _sections(parser):
        formatter.start_section("arguments" if title == "positional arguments" else title)
        formatter.add_arguments([action for action in actions if not isinstance(action.choices, dict)])
        formatter.end_section()
    return formatter.format_help()


def _sections(parser: argparse.ArgumentParser) -> list[tuple[str, list[argparse.Action]]]:
    """Return the title and the arguments of each group. argparse has no public access to them."""
    groups = ((str(group.title), group._group_actions) for group in parser._action_groups)  # noqa: SLF001 - see above
    return [(title, actions) for title, actions in groups if title != GLOBAL_OPTIONS]


def _formatter(parser: argparse.ArgumentParser) -> argparse.HelpFormatter:
    formatter = argparse.HelpFormatter(parser.prog, max_help_position=26, width=screen_width())
    if hasattr(formatter, "_set_color"):
        formatter._set_color(False)  # noqa: SLF001 - Python 3.14 colours by default, ignoring `--no-color`
    return formatter
