"""The errors for words of a command line that no argument takes: what is wrong with them, and what was probably meant."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from omniprofile.cli.synonyms import OPTIONS
from omniprofile.errors import UsageError
from omniprofile.model.names import KEY_IN_VIEW, holds_key, is_valid, printable, quoted_list
from omniprofile.model.near_names import closest

if TYPE_CHECKING:
    from omniprofile.cli.base_parser import Parser

_DASHES = "‐‑‒–—―−"
"""The characters that word processors and chats put in the place of `-` or `--`."""


def require_plain_dashes(parser: "Parser", words: Sequence[str]) -> None:
    """Raise UsageError for the first of `words` that would be an option if it began with plain dashes."""
    for word in words:
        plain = "--" + word.partition("=")[0].lstrip(_DASHES + "-")
        if word.startswith(tuple(_DASHES)) and plain in parser.options:
            raise UsageError(
                f"`{printable(word.partition('=')[0], 40)}` does not begin with `--`, but with another character that "
                "looks like it",
                hint=f"type `{plain}`",
            )


def refusal(parser: "Parser", rest: Sequence[str], words: Sequence[str]) -> UsageError:
    """Return the error for `rest`, the part of `words` that no argument takes.

    Words after an unknown option may be secret, so it shows none: one may also have been taken as another argument.
    """
    exposed = any(holds_key(word) for word in words)
    options = [word.partition("=")[0] for word in rest if word.startswith("-")]
    if any(map(holds_key, rest)) and (not options or holds_key(options[0])):
        return UsageError(f"`{parser.prog}` takes no API key as an argument", hint=KEY_IN_VIEW)
    if not options:
        return UsageError(
            f"too many arguments for `{parser.prog}`", hint=_place_of(parser, rest[0], words) or parser.hint
        )
    unknown = options[0] if options[0].startswith("--") else options[0][:2]
    hint = _meant(parser, unknown, words) + (KEY_IN_VIEW if exposed else parser.hint)
    return UsageError(f"unknown option `{printable(unknown, 40)}` for `{parser.prog}`", hint=hint)


def _value(option: str, words: Sequence[str]) -> str:
    """Return the value of an option, `--option VALUE` or `--option=VALUE`; empty if there is none."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, _, value = word.partition("=")
        if name == option:
            return value or following
    return ""


def _place_of(parser: "Parser", word: str, words: Sequence[str]) -> str | None:
    """Return the hint for a word that belongs behind an option, or to the value of one, in the whole line `words`; or None."""
    if "--base-url" in parser.options and "://" in word:
        return "give the address with `--base-url`"
    if "--name" in parser.options and is_valid(word):
        return "give a name with `--name`, and quote a value that contains spaces"
    if any(option in words for option in ("--description", "--tags")):
        return "quote a value that contains spaces"
    return None


def _meant(parser: "Parser", unknown: str, words: Sequence[str]) -> str:
    """Return the beginning of the hint about an unknown option of `words`: what the command takes instead, or nothing."""
    known = parser.options
    if unknown in ("-o", "--output") and "." in _value(unknown, words):
        return "`> FILE` at the end of the line writes the output to a file; "
    near = [each for each, words in OPTIONS.items() if unknown in words and each.split()[0] in known]
    if not near and len(unknown) > 2:
        near = closest(unknown, known.keys() - {"--help"})
    if near:
        return f"did you mean {quoted_list(near)}? "
    word = unknown.removeprefix("--")
    if any(action.metavar == word.upper() and not action.option_strings for action in parser.arguments):
        return f"give `{word.upper()}` alone, without an option; "
    if parser.prog in ("omniprofile add", "omniprofile init", "omniprofile set"):
        from omniprofile.config.schema.models import Profile

        if key := next(iter(closest(word.replace("-", "_"), Profile.model_fields, 1)), None):
            return f"`omniprofile set NAME {key} VALUE` sets it in a profile; "
    return ""
