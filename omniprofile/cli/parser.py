"""argv to arguments. Only the named command's module is imported and configured, unless all help is wanted."""

import argparse
import itertools
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from importlib import import_module
from typing import NoReturn, Protocol

import omniprofile
from omniprofile.app import App, ProfileRequest
from omniprofile.cli.console import Console
from omniprofile.cli.habits import OPTIONS, commands_for, is_pattern, line_meant
from omniprofile.cli.registry import ALIASES, BY_NAME, COMMANDS, GLOBAL_OPTIONS, HIDDEN, Command, Help
from omniprofile.cli.stream import write_out
from omniprofile.errors import UsageError
from omniprofile.model.names import closest, printable, quoted_list
from omniprofile.model.provenance import Layer, Provenance, Sourced

_GLOBAL_WITH_VALUE = ("--config",)
_GLOBAL = ("-q", "--quiet", "-v", "-vv", "--verbose", "--no-color")


class CommandModule(Protocol):
    """What a module under `cli.commands` offers."""

    HELP: Help

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, args: argparse.Namespace, app: App, console: Console) -> int:
        """Run the command; return its exit status."""


class Parser(argparse.ArgumentParser):
    """argparse with this program's errors, raised with a hint, and its help screens.

    `described` is the command with its help: None for the program itself, and for a command that is not configured.
    """

    described: tuple[Command, Help] | None = None
    commands: "Mapping[str, Parser]" = {}

    @property
    def arguments(self) -> list[argparse.Action]:
        """Every argument and option, for which argparse has no public way."""
        return self._actions

    @property
    def sections(self) -> "Iterator[tuple[str, list[argparse.Action]]]":
        """The title of each group on the help screen, with its arguments."""
        return ((str(group.title), group._group_actions) for group in self._action_groups)  # noqa: SLF001 - as above

    @property
    def exclusive_groups(self) -> "list[argparse._MutuallyExclusiveGroup]":
        """The groups of options of which one may be given."""
        return self._mutually_exclusive_groups

    def _get_formatter(self) -> argparse.HelpFormatter:
        """Return what argparse tries each argument out with. Without a width it would import `shutil`, to ask the terminal's."""
        return argparse.HelpFormatter(self.prog, width=80)

    def format_usage(self) -> str:
        """Return the usage alone, without what every command takes."""
        from omniprofile.cli.help import usage

        return usage(self)

    def format_help(self) -> str:
        """Return the help screen."""
        from omniprofile.cli.help import command_screen, first_screen

        if self.described is None:
            return first_screen(self)
        command, texts = self.described
        return command_screen(self, command.name, texts)

    def _print_message(self, message: str, file: object = None) -> None:  # noqa: ARG002 - the signature is argparse's
        """Print help so that it arrives, or an error says why not: argparse says nothing of either."""
        write_out(sys.stdout, message)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError in place of printing the usage and exiting."""
        raise UsageError(self._in_our_words(message), hint=self.hint)

    @property
    def hint(self) -> str:
        """The help page to read on."""
        return f"`{self.prog} --help` shows how to use it"

    def refuse(self, rest: Sequence[str]) -> NoReturn:
        """Raise UsageError for words that no argument takes. What stands beside an unknown option could be a secret."""
        options = [word.partition("=")[0] for word in rest if word.startswith("-")]
        if not options:
            is_address = "--base-url" in self._option_string_actions and "://" in rest[0]
            hint = "give the address with `--base-url`" if is_address else self.hint
            raise UsageError(f"too many arguments for `{self.prog}`", hint=hint)
        unknown = options[0] if options[0].startswith("--") else options[0][:2]
        known = self._option_string_actions
        near = [each for each, words in OPTIONS.items() if unknown in words and each.split()[0] in known]
        if not near and len(unknown) > 2:
            near = closest(unknown, known)
        hint = f"did you mean {quoted_list(near)}? " if near else ""
        raise UsageError(f"unknown option `{printable(unknown, 40)}` for `{self.prog}`", hint=hint + self.hint)

    def split_options(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the options that `words` begin with, each with its value, and the rest."""
        front: list[str] = []
        rest = list(words)
        while rest and rest[0].startswith("-"):
            action = self._option_string_actions.get(rest[0])
            takes = 2 if action and action.nargs != 0 else 1
            front, rest = front + rest[:takes], rest[takes:]
        return front, rest

    def options_first(self, words: Sequence[str]) -> list[str]:
        """Return `words` with the options, each with its value, before the rest, and nothing changed from `--` on.

        argparse fills the arguments that may be left out as soon as it meets the first other word, and has none left for a word
        that stands behind an option.
        """
        options: list[str] = []
        others: list[str] = []
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word == "--":
                return [*options, *others, word, *rest]
            if not self._is_option(word):
                others.append(word)
                continue
            options.append(word)
            if (action := self._option_string_actions.get(word)) is not None and action.nargs != 0:
                if not rest or self._is_option(rest[0]):
                    return list(words)  # it must not be given another word for its value
                options.append(rest.pop(0))
        return [*options, *others]

    def _is_option(self, word: str) -> bool:
        """Whether argparse takes `word` for an option, known or not: `-`, numbers and what holds a space are none."""
        if word in self._option_string_actions:
            return True
        return word.startswith("-") and not (word[1:2] in ("", *".0123456789") or " " in word.partition("=")[0])

    def _in_our_words(self, message: str) -> str:
        """Return argparse's complaint as one sentence, without a value that could be a secret."""
        required = message.removeprefix("the following arguments are required: ")
        if required != message:
            missing = required.split(", ")
            choices = next(
                (action.choices for action in self._actions if missing[0] in (action.dest, action.metavar)), None
            )
            which = f": give {quoted_list(map(str, choices))}" if choices else ""
            verb = "is" if len(missing) == 1 else "are"
            return f"{quoted_list((word.upper() for word in missing), 'and')} {verb} missing{which}"
        named, colon, complaint = message.partition(": ")
        if not colon or not named.startswith("argument "):
            return message
        name = named.removeprefix("argument ").rpartition("/")[2]
        if complaint.startswith("invalid choice: "):
            action = next(each for each in self._actions if name in (*each.option_strings, each.dest, each.metavar))
            name = name if action.option_strings else name.upper()
            return f"the value of `{name}` must be {quoted_list(map(str, action.choices or ()))}"
        other = complaint.removeprefix("not allowed with argument ")
        if other != complaint:
            return f"`{name}` and `{other.rpartition('/')[2]}` cannot be given together"
        if complaint.startswith("ignored explicit argument"):
            return f"`{name}` takes no value"
        if complaint.startswith("expected"):
            return f"`{name}` needs a value"
        return f"`{name}`: {complaint}"


def parse(
    argv: Sequence[str], profiles: Callable[[str | None], Collection[str]] = lambda _: ()
) -> tuple[argparse.Namespace, CommandModule]:
    """Parse a command line. Raises UsageError; help and `--version` print and raise SystemExit, as argparse does.

    `profiles` gives the names of the profiles, of the file that `--config` names, to tell what a word that does not fit is.
    """
    name, argv = command_first(argv)
    if name is None:
        parser = build_parser(COMMANDS, configured=())
        args, rest = parser.parse_known_args(argv)
        if rest:
            parser.refuse(rest)
        if args.profile is not None:
            raise UsageError("no command is given", hint="`omniprofile help` lists the commands")
        parser.print_help()
        parser.exit()
    at = argv.index(name)
    if name in ("help", "version"):
        return parse([*argv[at + 1 : at + 2], "--help"] if name == "help" else ["--version"], profiles)
    config = next((argv[at + 1] for at, word in enumerate(argv[:-1]) if word == "--config"), None)
    name = argv[at] = ALIASES.get(name, name)
    command = next((each for each in (*COMMANDS, *HIDDEN) if each.name == name), None)
    if command is None:
        raise _unknown(name, "".join(argv[at + 1 : at + 2]), profiles(config))
    child: list[str] | None = None
    if name in ("exec", "each") and "--" in argv:
        # What follows belongs to the child, whatever it looks like; argparse never sees it.
        cut = argv.index("--")
        argv, child = argv[:cut], argv[cut + 1 :]
    parser = build_parser((command,), configured=(command,))
    own = parser.commands[name]
    runs_command = name in ("exec", "each")
    # Without its dashes a command's own options are still among the words, and must be seen where they stand.
    words = argv[at + 1 :] if runs_command and child is None else own.options_first(argv[at + 1 :])
    args, rest = parser.parse_known_args([*argv[: at + 1], *words])
    if runs_command and child is None:
        _require_dashes(own, name, argv[at + 1 :], rest, profiles(config))
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
    return args, load(command)


def _require_dashes(
    parser: Parser, name: str, words: Sequence[str], unread: Sequence[str], known: Collection[str]
) -> None:
    """Raise UsageError, with the line that was meant, where `words` of `exec` or `each` go on with a command without `--`.

    `unread` are those that no argument took.
    """
    front, words = parser.split_options(words)
    named = 0
    while words and (is_pattern(words[0], known) if name == "each" else words[0] in known and not named):
        options, left = parser.split_options(words[1:])
        front, words, named = [*front, words[0], *options], left, named + 1
    if words and (unread or (named and name == "each")) and not set(unread[:1]) & set(front):
        line = line_meant(name, front, words)
        raise UsageError("`--` is missing before the command", hint=f"run `{line}`")


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
    parser = Parser(
        prog="omniprofile",
        description="Declarative profiles for Omni: which instance, which credential, resolved and explained.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "-V",
        "--version",
        action="version",
        help="print the version and exit",
        version=f"omniprofile {omniprofile.__version__}",
    )
    add_globals(parser, default=True)
    # For help and completion: before it is parsed, `command_first` moves it behind the command.
    parser.add_argument("-p", "--profile", metavar="NAME", help="the profile, for a command that takes one")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for command in commands:
        subparser = subparsers.add_parser(
            command.name,
            help=command.summary,
            allow_abbrev=False,
        )
        if command in configured:
            module = load(command)
            subparser.described = command, module.HELP
            add_globals(subparser, default=False)
            module.configure(subparser)
    parser.commands = subparsers.choices
    return parser


def load(command: Command) -> CommandModule:
    """Import a command's module."""
    module: CommandModule = import_module(command.module)
    return module


def add_globals(parser: argparse.ArgumentParser, *, default: bool) -> None:
    """Add the options that stand before or after the command; only the first parser sets defaults."""

    def value(plain: object) -> object:
        return plain if default else argparse.SUPPRESS

    group = parser.add_argument_group(GLOBAL_OPTIONS) if not default else parser
    group.add_argument(
        "--config",
        metavar="FILE",
        default=value(None),
        help="the profile file, in place of the usual one",
    )
    group.add_argument("-q", "--quiet", action="store_true", default=value(False), help="print no notes")
    group.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=value(0),
        help="say which profile is used; twice: tracebacks",
    )
    group.add_argument("--no-color", action="store_true", default=value(False), help="no colour, as with NO_COLOR")


def offer(kind: str, action: argparse.Action) -> None:
    """Let TAB offer `kind`, one of `candidates.KINDS`, for an argument whose `metavar` tells another one."""
    action.completion = kind  # type: ignore[attr-defined]  # an attribute of its own, as shtab and argcomplete set one


def add_profile(parser: argparse.ArgumentParser, purpose: str = "the profile (default: the current one)") -> None:
    """Add the profile as an argument, and as `-p`."""
    parser.add_argument("name", nargs="?", metavar="NAME", help=purpose)
    add_profile_option(parser, "the same, as an option, which may stand before the command")


def add_profile_option(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add `-p`, which may stand before the command, too."""
    parser.add_argument("-p", "--profile", metavar="NAME", action="append", dest="profile", help=purpose)


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """Add the overrides of one call. There is no option that takes a token as its value: argv is public."""
    parser.add_argument("--base-url", metavar="URL", help="use this base URL for this call")
    parser.add_argument(
        "--token-file", metavar="FILE", help="use the token in FILE for this call; `-` is standard input"
    )


def add_json(parser: "argparse._ActionsContainer") -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON, with documented keys")


def add_format(parser: argparse.ArgumentParser, formats: Sequence[str], what: str) -> None:
    """Add `--format`, the first one as default, and `--json` for one of them."""
    parser.add_argument("--format", choices=formats, default=formats[0], help=f"how to print the {what}")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as `--format json`")


def add_jobs(parser: argparse.ArgumentParser, default: int) -> None:
    """Add `-j`, how many are worked on at once."""
    parser.add_argument(
        "-j", "--jobs", type=_count, default=default, metavar="N", help=f"how many at once (default {default})"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError("give a number from 1 to 256")
    return int(text)


def add_yes(parser: argparse.ArgumentParser, purpose: str = "do not ask for confirmation") -> None:
    """Add `-y`."""
    parser.add_argument("-y", "--yes", action="store_true", help=purpose)


PINNED = "allow a protected profile that only a project pin selects"
"""What `-y` is for where a protected profile that is named needs no confirmation."""


def add_gateway(parser: argparse.ArgumentParser) -> None:
    """Add `--gateway`."""
    parser.add_argument(
        "--gateway",
        action="store_true",
        help="give COMMAND the address of a gateway in place of the token, as `access` of the profile may demand",
    )


def port_number(text: str) -> int:
    """Read a port. Raises what argparse takes for a usage error."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError("give a number from 1 to 65535")
    return int(text)


def named_profile(args: argparse.Namespace) -> Sourced[str] | None:
    """Return the profile that the command line names. Raises UsageError when it names two, or an empty one."""
    given = [
        Sourced(value, Provenance(Layer.FLAG, how))
        for values, how in (
            ([getattr(args, "name", None)], "NAME"),
            (getattr(args, "profile", None) or [], "--profile"),
        )
        for value in values
        if value is not None
    ]
    if any(not profile.value for profile in given):
        raise UsageError("the profile's name is empty", hint="leave it out to use the current profile")
    if len({profile.value for profile in given}) > 1:
        raise UsageError(
            f"two profiles are named: {quoted_list((profile.value for profile in given), 'and')}",
            hint="name one, as an argument or with `--profile`",
        )
    return given[0] if given else None


def request_of(args: argparse.Namespace) -> ProfileRequest:
    """Return what the command line asks for: a profile, and overrides of this call."""
    if getattr(args, "base_url", None) == "":
        raise UsageError("the value of `--base-url` is empty")
    if getattr(args, "token_file", None) == "":
        raise UsageError("the value of `--token-file` is empty", hint="`-` is standard input")
    return ProfileRequest(named_profile(args), getattr(args, "base_url", None), getattr(args, "token_file", None))


def command_first(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the command, and the words with a `-p NAME` that stands before it behind it. None: no command is named.

    The command is the first word that is not an option and no value of one; there is none behind an option that is not known.
    """
    front: list[str] = []
    moved: list[str] = []
    words = iter(argv)
    for word in words:
        if word in ("-p", "--profile"):
            moved += [word, *itertools.islice(words, 1)]
        elif word.startswith(("-p", "--profile=")):
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
