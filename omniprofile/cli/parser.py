"""Parses the command line. Only the named command's module is imported and configured, unless help for all is needed."""

import argparse
import itertools
import re
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from typing import Any, Protocol

import omniprofile
from omniprofile.app import App
from omniprofile.cli.arguments import Help
from omniprofile.cli.base_parser import Parser
from omniprofile.cli.console import Console
from omniprofile.cli.corrected_lines import line_meant, require_dashes
from omniprofile.cli.registry import ALIASES, BY_NAME, COMMANDS, HIDDEN, Command
from omniprofile.cli.synonyms import commands_for
from omniprofile.errors import UsageError
from omniprofile.model.names import printable, quoted_list

_GLOBAL_WITH_VALUE = ("--config",)
_GLOBAL = ("--quiet", "--verbose", "--no-color")
_SWITCHES = re.compile(r"(-[qv]++)(p.*+)?", re.DOTALL)
"""Short switches may share one `-`, also with a `-p` at the end."""


class CommandModule(Protocol):
    """The interface of a module in `cli.commands`: its help, its arguments, and its action."""

    HELP: Help

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, args: argparse.Namespace, app: App, console: Console) -> int | None:
        """Run the command; return its exit status, or None for success."""


def parse(
    argv: Sequence[str], profiles: Callable[[str | None], Collection[str]] = lambda _: ()
) -> tuple[argparse.Namespace, CommandModule]:
    """Parse a command line. Raises UsageError; help and `--version` print and raise SystemExit, as in argparse.

    `profiles` takes the value of `--config` and returns the profile names, which hints about a wrong word use.
    """
    name, argv = command_first(argv)
    if name is None:
        parser = build_parser(COMMANDS, configured=())
        args, rest = parser.parse_known_args(argv)
        if args.profile is not None or rest == ["--json"]:
            raise UsageError("no command is given", hint="`omniprofile help` lists the commands")
        if rest:
            parser.refuse(rest)
        parser.print_help()
        parser.exit()
    at = argv.index(name)
    if name in ("help", "version"):
        about = [word for word in argv[at + 1 :] if word != "--json"][:1]
        return parse([*about, "--help"] if name == "help" else ["--version"], profiles)
    config = next((argv[at + 1] for at, word in enumerate(argv[:-1]) if word == "--config"), None)
    name = argv[at] = ALIASES.get(name, name)
    command = next((each for each in (*COMMANDS, *HIDDEN) if each.name == name), None)
    if command is None:
        raise _unknown(name, "".join(argv[at + 1 : at + 2]), profiles(config))
    child: list[str] | None = None
    if name in ("exec", "each") and "--" in argv:
        # The rest belongs to the child, whatever it looks like; argparse never sees it.
        cut = argv.index("--")
        argv, child = argv[:cut], argv[cut + 1 :]
        if child[:1] == [""]:
            raise UsageError("the command is empty", hint="put the program's name behind `--`")
    parser = build_parser((command,), configured=(command,))
    own = parser.commands[name]
    runs_command = name in ("exec", "each")
    # Without `--` the words may include the child's own options, so keep their order.
    words = argv[at + 1 :] if runs_command and child is None else own.options_first(argv[at + 1 :])
    args, rest = parser.parse_known_args([*argv[: at + 1], *words])
    if args.config == "":
        raise UsageError("the value of `--config` is empty", hint="leave it out to use the usual profile file")
    if runs_command and child is None:
        require_dashes(own, name, argv[at + 1 :], rest, profiles(config))
    if rest and rest[0] in ("-p", "--profile"):
        raise UsageError(f"`{own.prog}` takes no `--profile`", hint=own.hint)
    if rest and "--" in argv:
        cut = argv.index("--")
        names = [word for word in argv[at + 1 : cut] if word in profiles(config)][:1]
        line = line_meant("exec", [*names, *(["--gateway"] if name == "gateway" else [])], argv[cut + 1 :])
        raise UsageError(f"`{own.prog}` runs no command", hint=f"run `{line}`")
    if rest:
        own.refuse(rest)
    args.child = child
    args.with_yes = [*argv[: at + 1], "--yes", *argv[at + 1 :]]
    return args, load(command)


def _unknown(word: str, following: str, profiles: Collection[str]) -> UsageError:
    if word in profiles:
        return UsageError(
            f"`{word}` is a profile, not a command",
            hint=f"run `omniprofile use {word}` to switch to it, or `omniprofile exec {word} -- COMMAND` to run a command "
            "with it",
        )
    near = commands_for(word, [*BY_NAME, "help", "version", "status"], following)
    hint = f"did you mean {quoted_list(near)}? " if near else ""
    return UsageError(f"unknown command `{printable(word)}`", hint=f"{hint}`omniprofile help` lists the commands")


def build_parser(commands: Sequence[Command], configured: Sequence[Command]) -> Parser:
    """Return a parser that knows `commands`, with the arguments of those in `configured`."""
    parser = Parser(prog="omniprofile")
    parser.add_argument(
        "-V",
        "--version",
        action="version",
        help="print the version and exit",
        version=f"omniprofile {omniprofile.__version__}",
    )
    add_globals(parser, main=True)
    # Only for help and completion: `command_first` moves it after the command before parsing.
    parser.add_argument("-p", "--profile", metavar="NAME", help="the profile, for a command that takes one")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for command in commands:
        subparser = subparsers.add_parser(command.name, help=command.summary)
        if command in configured:
            module = load(command)
            subparser.described = command.name, module.HELP
            add_globals(subparser, main=False)
            module.configure(subparser)
    parser.commands = subparsers.choices
    return parser


def load(command: Command) -> CommandModule:
    """Import a command's module."""
    module: CommandModule = import_module(command.module)
    return module


def add_globals(parser: argparse.ArgumentParser, *, main: bool) -> None:
    """Add the options allowed before and after the command. Only the main parser shows them and sets their defaults."""

    def add(*names: str, default: object = False, purpose: str, **how: Any) -> None:
        shown = {"default": default, "help": purpose} if main else dict.fromkeys(("default", "help"), argparse.SUPPRESS)
        parser.add_argument(*names, **how, **shown)

    add("--config", default=None, purpose="use this profile file instead of the usual one", metavar="FILE")
    add("-q", "--quiet", purpose="print no notes", action="store_true")
    add("-v", "--verbose", default=0, purpose="say which profile is used; twice: tracebacks", action="count")
    add("--no-color", purpose="print no colour, as with NO_COLOR", action="store_true")


def command_first(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the command and the words, a leading `-p NAME` and `--json` moved after the command; None without a command.

    The command is the first word that is neither an option nor an option's value. After an unknown option there is no command.
    """
    front: list[str] = []
    moved: list[str] = []
    words = iter(argv)
    for given in words:
        word = given
        if (switches := _SWITCHES.fullmatch(given)) is not None:
            front.append(switches[1])
            if not switches[2]:
                continue
            word = f"-{switches[2]}"
        if word in ("-p", "--profile"):
            moved += [word, *itertools.islice(words, 1)]
        elif word == "--json" or word.startswith(("-p", "--profile=")):
            moved.append(word)
        elif word in _GLOBAL_WITH_VALUE:
            front += [word, *itertools.islice(words, 1)]
        elif word == "--" or not word.startswith("-") or word == "-":
            return word, [*front, word, *moved, *words]
        elif word in _GLOBAL or word.startswith("--config="):
            front.append(word)
        else:
            return None, [*front, word]
    return None, [*front, *moved]
