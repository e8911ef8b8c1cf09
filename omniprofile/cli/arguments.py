"""What commands are described with: their help, the arguments that several take, and what those mean."""

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from omniprofile.app import ProfileRequest
from omniprofile.errors import UsageError
from omniprofile.model.names import quoted_list
from omniprofile.model.provenance import Layer, Provenance, Sourced

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_WAIT = 24 * 3600.0
_LONGEST = 366 * 86400.0


@dataclass(frozen=True, slots=True)
class Help:
    """What `--help` and the manual say of one command beyond its arguments; backticks mark what is typed.

    `examples` are command lines with what they do, `exits` statuses with what they mean here, `see` the commands to read on.
    """

    description: str
    examples: tuple[tuple[str, str], ...] = ()
    exits: tuple[tuple[int, str], ...] = ()
    see: tuple[str, ...] = ()


def add_flag(parser: "argparse._ActionsContainer", name: str, purpose: str) -> None:
    """Add an option that takes no value."""
    parser.add_argument(name, action="store_true", help=purpose)


def add_option(
    parser: "argparse._ActionsContainer", name: str, metavar: str, purpose: str, action: str = "store"
) -> argparse.Action:
    """Add an option that takes a value, called `metavar` in help; with the action `append` it may be repeated."""
    return parser.add_argument(name, metavar=metavar, help=purpose, action=action)


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
    add_option(parser, "--base-url", "URL", "use this base URL for this call")
    add_option(parser, "--token-file", "FILE", "use the token in FILE for this call; `-` is standard input")


def add_json(parser: "argparse._ActionsContainer") -> None:
    """Add `--json`."""
    add_flag(parser, "--json", "print JSON, with documented keys")


def add_format(parser: argparse.ArgumentParser, formats: Sequence[str], what: str) -> None:
    """Add `--format`, the first one as default, and `--json` for one of them."""
    parser.add_argument("--format", choices=formats, default=formats[0], help=f"how to print the {what}")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as `--format json`")


def add_jobs(parser: argparse.ArgumentParser, default: int) -> None:
    """Add `-j`, how many are worked on at once."""
    parser.add_argument(
        "-j", "--jobs", type=number(1, 256), default=default, metavar="N", help=f"how many at once (default {default})"
    )


def add_yes(parser: argparse.ArgumentParser, purpose: str = "do not ask for confirmation") -> None:
    """Add `-y`."""
    parser.add_argument("-y", "--yes", action="store_true", help=purpose)


PINNED = "allow a protected profile that only a project pin selects"
"""What `-y` is for where a protected profile that is named needs no confirmation."""


def add_gateway(parser: argparse.ArgumentParser) -> None:
    """Add `--gateway`."""
    add_flag(
        parser,
        "--gateway",
        "give COMMAND the address of a gateway instead of the token (always so where the profile's `access` is not `full`)",
    )


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


def number(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number, for argparse."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"give a number from {least} to {most}")
        return int(text)

    return read


port_number = number(1, 65535)


def duration(text: str) -> float:
    """Return the seconds to wait, at most a day, that `30`, `30s`, `5m`, `5 min` or `2h` stands for. For argparse."""
    return _seconds(text, _LONGEST_WAIT)


def span(text: str) -> timedelta:
    """Return the time, at most a year, that `30s`, `10m`, `10min`, `2h` or `1d` stands for. For argparse."""
    return timedelta(seconds=_seconds(text, _LONGEST))


def _seconds(text: str, longest: float) -> float:
    found = re.fullmatch(r"\s*+([0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)\s*+(s|m|min|h|d|)\s*+", text)
    value = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < value <= longest:
        raise argparse.ArgumentTypeError("give a number of seconds, or a duration such as `30s`, `5m` or `2h`")
    return value
