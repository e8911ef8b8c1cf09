"""Corrected command lines for hints: with the missing `--`, or with `--yes`. They repeat no word that could be a secret."""

from argparse import Namespace
from collections.abc import Collection, Mapping, Sequence

from omniprofile.cli.base_parser import Parser
from omniprofile.errors import CommandNotFound, UsageError
from omniprofile.model.names import printable
from omniprofile.model.near_names import closest
from omniprofile.model.secret import masked
from omniprofile.model.server_text import without_opaque_words
from omniprofile.model.shell_words import quoted_word


def require_dashes(
    parser: Parser, name: str, words: Sequence[str], unread: Sequence[str], known: Collection[str]
) -> None:
    """Raise UsageError with a corrected line if `words` of `exec` or `each` contain a command without `--`.

    `unread` are the words that no argument took.
    """
    from shutil import which

    from omniprofile.config.name_patterns import is_name

    is_each = name == "each"
    front, words = parser.split_options(words)
    named = 0
    while words and (words[0] in known or (is_each and not is_name(words[0]))) and (is_each or not named):
        options, left = parser.split_options(words[1:])
        front, words, named = [*front, words[0], *options], left, named + 1
    if words[:1] == ["-"]:
        words = words[1:]
    by_option = any(word.partition("=")[0] in ("-p", "--profile") for word in front)
    has_command = unread or (is_each and (named or "--all" in front)) or (by_option and not named)
    if words and has_command and not set(unread[:1]) & set(front):
        near = (
            [] if is_each or named or by_option or len(words) == 1 or which(words[0]) else closest(words[0], known, 1)
        )
        line = line_meant(name, [*front, *near], words[len(near) :])
        missing = "`--` is missing before the command"
        raise UsageError(
            f"profile `{printable(words[0])}` not found, and {missing}" if near else missing, hint=f"run `{line}`"
        )


def require_program(command: str, child: Sequence[str], known: Collection[str], environ: Mapping[str, str]) -> None:
    """Raise CommandNotFound with a corrected line if the `child` of `exec` or `each` begins with a profile, not a program."""
    name = child[0]
    if name not in known:
        return
    from shutil import which

    if which(name, path=environ.get("PATH")) is None:
        rest = child[2:] if child[1:2] == ["--"] else child[1:]
        raise CommandNotFound(
            f"command `{name}` not found, but there is a profile of that name",
            hint=f"run `{line_meant(command, [name], rest or ['COMMAND'])}`",
        )


def line_meant(command: str, front: Sequence[str], child: Sequence[str]) -> str:
    """Return the corrected command line of `exec` or `each`, from `front` (names and options) and the `child` to run."""
    return " ".join([f"omniprofile {command}", *map(quoted_word, front), "--", *_harmless(child)])


def with_yes(args: Namespace) -> str:
    """Return the hint to run the whole command line again with `--yes`, including its options."""
    child = ["--", *_harmless(args.child)] if args.child else []
    return f"run `{' '.join(['omniprofile', *map(quoted_word, args.with_yes), *child])}`"


def _harmless(words: Sequence[str]) -> list[str]:
    """Return the words before the first that could hold a secret, and an ellipsis for the rest."""
    shown: list[str] = []
    for word in words:
        is_value = bool(shown) and shown[-1].startswith("-")
        plain = word.isascii() and all(char.isalnum() or char in "-_./:+" for char in word)
        if is_value or not plain or without_opaque_words(masked(word)) != word:
            return [*shown, "…"]
        shown.append(word)
    return shown
