"""Parses the command line. Each command has a parser of its own, and only the named command's module is imported."""

import argparse
import itertools
import re
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from typing import NoReturn, Protocol

import omniprofile
from omniprofile.app import App
from omniprofile.cli.arguments import Help
from omniprofile.cli.base_parser import Parser
from omniprofile.cli.console import Console
from omniprofile.cli.corrected_lines import line_meant, require_dashes
from omniprofile.cli.refused_words import refusal, require_plain_dashes
from omniprofile.cli.registry import ALIASES, BY_NAME, COMMANDS, HIDDEN, Command
from omniprofile.cli.synonyms import NO_COMMAND, commands_for
from omniprofile.errors import UsageError
from omniprofile.model.names import KEY_IN_VIEW, holds_key, printable, quoted_list

_SWITCHES = re.compile(r"(-[qv]++)(p.*+)?", re.DOTALL)
"""Short switches may share one `-`, also with a `-p` at the end."""
_WITHOUT_NEXT = re.compile(r"-p.++|--(?:config|profile)=.*+|--(?:quiet|verbose|no-color|json)", re.DOTALL)
"""An option before the command whose value, if it takes one, is in the same word."""


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
    name, front, behind = split_command(argv)
    words = [*front, *behind]
    if name is None:
        _without_command(words)
    following = split_command(words)[0] or ""
    if name == "version":
        return parse(["--version"])
    if name == "help":
        return parse(
            [*([following] if following else (word for word in words if word != "--json")), "--help"], profiles
        )
    config = next((value for word, value in itertools.pairwise(words) if word == "--config"), None)
    name = ALIASES.get(name, name)
    command = next((each for each in (*COMMANDS, *HIDDEN) if each.name == name), None)
    if command is None:
        raise _unknown(name, following, profiles(config))
    runs_command = name in ("exec", "each")
    child: list[str] | None = None
    if runs_command and "--" in words:
        # The rest belongs to the child, whatever it looks like; argparse never sees it.
        cut = words.index("--")
        words, child = words[:cut], words[cut + 1 :]
        behind = words[len(front) :]
        if child[:1] == [""]:
            raise UsageError("the command is empty", hint="put the program's name behind `--`")
    parser = command_parser(command)
    require_plain_dashes(parser, words)
    # Without `--` the words may include the child's own options, so keep their order.
    try:
        args, rest = parser.parse_known_args(words if runs_command and child is None else parser.options_first(words))
    except UsageError:
        if name == "export" and behind[:1] and behind[0] in profiles(config):
            raise _profile_to_export(behind[0]) from None
        if unknown := parser.unknown_options(words):
            raise refusal(parser, unknown, words) from None
        raise
    if args.config == "":
        raise UsageError("the value of `--config` is empty", hint="leave it out to use the usual profile file")
    if runs_command and child is None:
        require_dashes(parser, name, words, rest, profiles(config))
    if rest:
        _refuse(parser, name, words, rest, profiles(config))
    args.command, args.child, args.with_yes = name, child, [*front, name, "--yes", *behind]
    return args, load(command)


def _without_command(words: list[str]) -> NoReturn:
    """Print the program's help or version and exit. Raises UsageError for options that need a command."""
    program = program_parser()
    args, rest = program.parse_known_args(words)
    if rest and rest != ["--json"]:
        raise refusal(program, rest, words)
    if rest or args.profile is not None:
        raise UsageError("no command is given", hint="`omniprofile help` lists the commands")
    program.print_help()
    program.exit()


def _refuse(parser: Parser, name: str, words: list[str], rest: list[str], profiles: Collection[str]) -> NoReturn:
    """Raise UsageError for the words that command `name` does not take."""
    if rest[0] in ("-p", "--profile"):
        own = "did you mean `--name`? " if "--name" in parser.options else ""
        raise UsageError(f"`{parser.prog}` takes no `--profile`", hint=own + parser.hint)
    if "--" in words:
        cut = words.index("--")
        names = [word for word in words[:cut] if word in profiles][:1]
        line = line_meant("exec", [*names, *(["--gateway"] if name == "gateway" else [])], words[cut + 1 :])
        raise UsageError(f"`{parser.prog}` runs no command", hint=f"run `{line}`")
    raise refusal(parser, rest, words)


def _profile_to_export(name: str) -> UsageError:
    return UsageError(
        f"`{name}` is a profile, where `omni-cli` is expected",
        hint=f"run `omniprofile env {name}` to print its variables, or `omniprofile export omni-cli -p {name}` to write it "
        "into the config of the vendor's CLI",
    )


def _unknown(word: str, following: str, profiles: Collection[str]) -> UsageError:
    if word in profiles:
        return UsageError(
            f"`{word}` is a profile, not a command",
            hint=f"run `omniprofile use {word}` to switch to it, or `omniprofile exec {word} -- COMMAND` to run a command "
            "with it",
        )
    if holds_key(word):
        return UsageError("the command line has an API key where a command belongs", hint=KEY_IN_VIEW)
    if instead := NO_COMMAND.get(word):
        return UsageError(f"unknown command `{word}`", hint=instead)
    near = commands_for(word, [*BY_NAME, "help", "version", "status"], following)
    hint = f"did you mean {quoted_list(near)}? " if near else ""
    return UsageError(f"unknown command `{printable(word)}`", hint=f"{hint}`omniprofile help` lists the commands")


def program_parser() -> Parser:
    """Return the parser for a line without a command, which also describes the options that may precede one."""
    parser = Parser(prog="omniprofile")
    version = f"omniprofile {omniprofile.__version__}"
    parser.add_argument("-V", "--version", action="version", help="print the version and exit", version=version)
    add_globals(parser, shown=True)
    parser.add_argument("-p", "--profile", metavar="NAME", help="the profile, for a command that takes one")
    parser.add_argument("command", metavar="COMMAND", nargs=argparse.PARSER).required = False
    return parser


def command_parser(command: Command) -> Parser:
    """Return the parser of a command."""
    module = load(command)
    parser = Parser(prog=f"omniprofile {command.name}")
    parser.described = command.name, module.HELP
    add_globals(parser, shown=False)
    module.configure(parser)
    return parser


def load(command: Command) -> CommandModule:
    """Import a command's module."""
    module: CommandModule = import_module(command.module)
    return module


def add_globals(parser: argparse.ArgumentParser, *, shown: bool) -> None:
    """Add the options allowed before and after the command; help shows them if `shown`."""

    def about(purpose: str) -> str:
        return purpose if shown else argparse.SUPPRESS

    parser.add_argument("--config", metavar="FILE", help=about("use this profile file instead of the usual one"))
    parser.add_argument("-q", "--quiet", action="store_true", help=about("print no notes"))
    verbosity = about("say which profile is used; twice: tracebacks")
    parser.add_argument("-v", "--verbose", action="count", default=0, help=verbosity)
    parser.add_argument("--no-color", action="store_true", help=about("print no colour, as with NO_COLOR"))


def split_command(argv: Sequence[str]) -> tuple[str | None, list[str], list[str]]:
    """Return the command, the options before it, and the words after it, which begin with a profile named before it.

    The command is the first word that is neither an option nor an option's value. Without one: None, and the options up to an
    unknown one.
    """
    front: list[str] = []
    profile: list[str] = []
    words = iter(argv)
    for given in words:
        word = given
        if (switches := _SWITCHES.fullmatch(given)) is not None:
            front.append(switches[1])
            if not switches[2]:
                continue
            word = f"-{switches[2]}"
        if word in ("-", "--") or not word.startswith("-"):
            return word, front, [*profile, *words]
        kept = profile if word.startswith(("-p", "--profile")) else front
        kept.append(word)
        if word in ("-p", "--profile", "--config"):
            kept += itertools.islice(words, 1)
        elif not _WITHOUT_NEXT.fullmatch(word):
            break
    return None, [*front, *profile], []
