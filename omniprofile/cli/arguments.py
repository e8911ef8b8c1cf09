"""The building blocks of a command's arguments: its help, shared options, and their conversion."""

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from omniprofile.app import ProfileRequest
from omniprofile.errors import UsageError
from omniprofile.model.names import quoted_list
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.model.shell_words import command_words

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class Help(NamedTuple):
    """The text of `--help` and the manual for one command, besides its arguments. Backticks mark literal input.

    `examples` are command lines with descriptions, `exits` statuses with their meaning here, `see` related commands.
    """

    description: str
    examples: tuple[tuple[str, str], ...] = ()
    exits: tuple[tuple[int, str], ...] = ()
    see: tuple[str, ...] = ()


def add_flag(parser: "argparse._ActionsContainer", name: str, purpose: str) -> None:
    """Add an option that takes no value."""
    parser.add_argument(name, action="store_true", help=purpose)


def add_option(
    parser: "argparse._ActionsContainer", name: str, metavar: str, purpose: str, **more: Any
) -> argparse.Action:
    """Add an option with a value, called `metavar` in help. `more` is as for `add_argument`."""
    return parser.add_argument(name, metavar=metavar, help=purpose, **more)


def offer(kind: str, action: argparse.Action) -> None:
    """Make TAB offer `kind`, one of `completion_table.KINDS`, in place of the kind of the argument's metavar."""
    action.completion = kind  # type: ignore[attr-defined]  # shtab and argcomplete set such an attribute, too


def add_profile(parser: argparse.ArgumentParser, purpose: str = "the profile (default: the current one)") -> None:
    """Add the profile as an argument, and as `-p`."""
    parser.add_argument("name", nargs="?", metavar="NAME", help=purpose)
    add_profile_option(parser, "the same, as an option, which may stand before the command")


def add_profile_option(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add `-p`, which may also precede the command."""
    parser.add_argument("-p", "--profile", metavar="NAME", action="append", dest="profile", help=purpose)


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """Add the overrides of one call. No option takes a token as its value, because argv is public."""
    add_option(parser, "--base-url", "URL", "use this base URL for this call")
    add_option(parser, "--token-file", "FILE", "use the token in FILE for this call; `-` is standard input")


def add_json(parser: "argparse._ActionsContainer") -> None:
    """Add `--json`."""
    add_flag(parser, "--json", "print JSON, with documented keys")


def add_format(parser: argparse.ArgumentParser, formats: Sequence[str], what: str) -> None:
    """Add `--format`, whose default is the first of `formats`, and `--json` as its short form."""
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--format", choices=formats, default=formats[0], help=f"how to print the {what}")
    one.add_argument("--json", action="store_const", const="json", dest="format", help="the same as `--format json`")


def add_jobs(parser: argparse.ArgumentParser, default: int) -> None:
    """Add `-j`, the number of profiles to process at once."""
    parser.add_argument(
        "-j", "--jobs", type=number(256), default=default, metavar="N", help=f"how many at once (default {default})"
    )


def add_yes(parser: argparse.ArgumentParser, purpose: str = "do not ask for confirmation") -> None:
    """Add `-y`."""
    parser.add_argument("-y", "--yes", action="store_true", help=purpose)


PINNED = "allow a protected profile that only a project pin selects"
"""The purpose of `-y` for commands in which a named protected profile needs no confirmation."""


def add_gateway(parser: argparse.ArgumentParser) -> None:
    """Add `--gateway`."""
    add_flag(
        parser,
        "--gateway",
        "give COMMAND the address of a gateway instead of the token (always so where the profile's `access` is not `full`)",
    )


def named_profile(args: argparse.Namespace) -> Sourced[str] | None:
    """Return the profile named on the command line. Raises UsageError if it names two, or an empty one."""
    words = [
        ("NAME", getattr(args, "name", None)),
        *(("--profile", word) for word in getattr(args, "profile", None) or ()),
    ]
    given = [Sourced(word, Provenance(Layer.FLAG, how)) for how, word in words if word is not None]
    if any(not profile.value for profile in given):
        raise UsageError("the profile's name is empty", hint="leave it out to use the current profile")
    if len({profile.value for profile in given}) > 1:
        raise UsageError(
            f"two profiles are named: {quoted_list((profile.value for profile in given), 'and')}",
            hint="name one, as an argument or with `--profile`",
        )
    return given[0] if given else None


def request_of(args: argparse.Namespace) -> ProfileRequest:
    """Return the profile and overrides given on the command line. Raises UsageError for an empty value."""
    base_url, token_file = getattr(args, "base_url", None), getattr(args, "token_file", None)
    if base_url == "":
        raise UsageError("the value of `--base-url` is empty")
    if token_file == "":
        raise UsageError("the value of `--token-file` is empty", hint="`-` is standard input")
    return ProfileRequest(named_profile(args), base_url, token_file)


def number(most: int) -> Callable[[str], int]:
    """Return a parser for whole numbers from 1 to `most`, for argparse."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"give a number from 1 to {most}")
        return int(text)

    return read


port_number = number(65535)


def duration(text: str, longest: float = 24 * 3600.0) -> float:
    """Parse a time to wait (`30`, `30s`, `5m`, `5 min`, `2h`) of at most a day; return seconds. For argparse."""
    found = re.fullmatch(r"\s*+([0-9]++(?>(?:\.[0-9]*+)?)|\.[0-9]++)\s*+(s|m|min|h|d|)\s*+", text)
    value = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < value <= longest:
        raise argparse.ArgumentTypeError(
            f"give a number of seconds above 0, or a duration such as `30s`, `5m` or `2h`, of at most {longest / 86400:g} d"
        )
    return value


def span(text: str) -> timedelta:
    """Parse a time (`30s`, `10m`, `10min`, `2h`, `1d`) of at most a year. For argparse."""
    return timedelta(seconds=duration(text, 366 * 86400.0))


def split_words(command: str, what: str) -> list[str]:
    """Split a command as a shell does. Raises UsageError, in which `what` names it."""
    try:
        return command_words(command)
    except ValueError as problem:
        raise UsageError(f"{what} has a quote that does not end") from problem
