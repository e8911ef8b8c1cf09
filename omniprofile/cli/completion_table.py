"""The completion table, made from the real parser: for each command its options, their values, its operands.

The kind of a value is `@profiles`, `@patterns` (profiles and `@TAG`s), `@instances`, `@secrets` (of `env`, for `login`),
`@files`, `@none`, `@codes` (of lint), `@keys` (of a profile, and variables of `env`), `@values` (of the preceding key, whose kind
is listed with those of the options), or a list of words separated by commas. `?` at the end of a kind marks an optional value,
`...` a repeated operand.
"""

import argparse
from typing import NamedTuple

from omniprofile.checks.rule_texts import rules
from omniprofile.cli.base_parser import Parser
from omniprofile.cli.parser import command_parser, program_parser
from omniprofile.cli.registry import ALIASES, COMMANDS
from omniprofile.config.schema.keys import profile_keys
from omniprofile.model.names import printable

KINDS = dict.fromkeys(
    ("COMMAND", "DURATION", "NEW", "KEY=VALUE", "N", "NAME=VALUE", "PREFIX=NAME", "SECONDS", "TEXT", "URL", "VARIABLE"),
    "@none",
) | {
    "CODE": "@codes",
    "FILE": "@files",
    "FOLDER": "@files",
    "NAME": "@profiles",
    "OLD": "@profiles",
    "PATTERN": "@patterns",
    "KEY": "@keys",
    "VALUE": "@values",
}
"""The kind of a value, by its metavar in help. `arguments.offer` overrides it."""

_LONGEST = 70


class Row(NamedTuple):
    """One command, or the program itself if the name is empty: lines of a word, a tab and a description, and kinds."""

    name: str
    options: str
    takes: str
    operands: str


def rows() -> list[Row]:
    """Return the table for all shells: the program, its commands, and the kinds that are lists."""
    program = program_parser()
    everything = [Row("", *_arguments(program, program)[:2], "@commands")]
    own = {command.name: _arguments(command_parser(command), program) for command in COMMANDS}
    everything += [Row(name, *columns) for name, columns in own.items()]
    everything += [Row(alias, *own[name]) for alias, name in ALIASES.items()]
    everything.append(Row("help", "", "", "@commands"))
    codes = {code: rule.title for code, rule in rules().items()}
    keys = {key: about for key, (about, _) in profile_keys().items()}
    lists = {"@commands": {command.name: command.summary for command in COMMANDS}, "@codes": codes, "@keys": keys}
    return [*everything, *(Row(kind, _lines(words), "", "") for kind, words in lists.items())]


def kinds_of(action: argparse.Action) -> list[str]:
    """Return the kind for each word of an action's metavar. Raises KeyError for a word without a kind."""
    if (kind := getattr(action, "completion", None)) is not None:
        return [kind]
    if action.choices is not None:
        return [",".join(str(choice) for choice in action.choices)]
    return [KINDS[word] for word in str(action.metavar).split()]


def _arguments(parser: Parser, program: Parser) -> tuple[str, str, str]:
    """Return the last three columns of a row. `program` has the help of the options that every command takes, which come last."""
    shared = {action.dest: action.help for action in program.arguments}
    options: dict[str, str] = {}
    takes, operands = [], []
    for action in sorted(parser.arguments, key=lambda action: action.help in (argparse.SUPPRESS, shared["help"])):
        if action.nargs == argparse.PARSER:  # the command
            continue
        if action.option_strings:
            about = shared[action.dest] if action.help == argparse.SUPPRESS else action.help
            options |= dict.fromkeys(action.option_strings, about or "")
            if action.nargs != 0:
                (kind,) = kinds_of(action)
                takes += [f"{name}:{kind}{'?' if action.nargs == '?' else ''}" for name in action.option_strings]
        else:
            *kinds, last = kinds_of(action)
            repeats = action.nargs in ("*", "+") and not kinds
            operands += [*kinds, last + ("..." if repeats else "")]
    if "@values" in operands:  # for each key with a few values, or with a name as its value
        kinds_of_keys = {"instance": "@instances", "extends": "@profiles"}
        kinds_of_keys |= {key: ",".join(words) for key, (_, words) in profile_keys().items() if words}
        takes += [f"{key}:{kind}" for key, kind in kinds_of_keys.items()]
    return _lines(options), " ".join(takes), " ".join(operands)


def _lines(words: dict[str, str]) -> str:
    # In ASCII, so that a shell's encoding does not matter.
    short = {
        word: printable(" ".join(about.replace("%%", "%").split()), _LONGEST).replace("…", "...")
        for word, about in words.items()
    }
    return "\n".join(f"{word}\t{about}" for word, about in short.items())
