"""argparse with omniprofile's errors, which have hints, and its help screens."""

import argparse
import re
import sys
from collections.abc import Sequence
from functools import partial
from itertools import takewhile
from typing import Any, NoReturn

from omniprofile.cli.arguments import Help
from omniprofile.cli.stream import write_out
from omniprofile.cli.synonyms import CHOICES
from omniprofile.errors import UsageError
from omniprofile.model.names import quoted_list
from omniprofile.model.near_names import closest


class Parser(argparse.ArgumentParser):
    """An argument parser that raises errors with hints and uses omniprofile's help screens.

    `described` is the command's name and help; None for the program itself.
    """

    described: tuple[str, Help] | None = None

    def __init__(self, **options: Any) -> None:
        # argparse checks each argument with a formatter, which without a width would import `shutil`.
        super().__init__(allow_abbrev=False, formatter_class=partial(argparse.HelpFormatter, width=80), **options)
        self.color = False  # Python 3.14 colours by default, ignoring `--no-color`

    @property
    def arguments(self) -> list[argparse.Action]:
        """All arguments and options.

        argparse has no public list of them, and what is added to a group does not pass through the parser's `add_argument`.
        """
        return self._actions

    @property
    def options(self) -> dict[str, argparse.Action]:
        """The options, by each of their names."""
        return {name: action for action in self.arguments for name in action.option_strings}

    def format_usage(self) -> str:
        """Return the usage, without the options of every command."""
        from omniprofile.cli.help import Formatter

        self.formatter_class = Formatter
        return super().format_usage()

    def format_help(self) -> str:
        """Return the help screen."""
        from omniprofile.cli.help import Formatter, command_texts, program_texts

        self.formatter_class = Formatter
        self.description, self.epilog = command_texts(*self.described) if self.described else program_texts()
        return super().format_help()

    def _print_message(self, message: str, _file: object = None) -> None:
        """Print help, raising an error if it cannot be written; argparse would ignore that."""
        write_out(sys.stdout, message)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing the usage and exiting."""
        raise UsageError(self._in_our_words(message), hint=self._choice_meant(message) + self.hint)

    def _choice_meant(self, message: str) -> str:
        """Return the beginning of the hint for argparse's error about a wrong choice: the nearest right one, or nothing."""
        choice = re.search(r"^argument (\S+): invalid choice: '(.*)' \(choose from ", message)
        if choice is None:
            return ""
        typed, choices = choice[2], self._choices(choice[1].partition("/")[0])
        word = typed.replace("\\", "/").rpartition("/")[2].lower()
        near = [own for own in choices if word in CHOICES.get(own, ())] or closest(typed, choices, 1)
        return f"did you mean `{near[0]}`? " if near else ""

    @property
    def hint(self) -> str:
        """The hint that names the help page."""
        return f"`{self.prog} --help` shows how to use it"

    def unknown_options(self, words: Sequence[str]) -> list[str]:
        """Return the words before `--` that look like options and are not options of this parser."""
        options = [word for word in takewhile("--".__ne__, words) if self._is_option(word)]
        names = [word.partition("=")[0] if word.startswith("--") else word[:2] for word in options]
        return [word for word, name in zip(options, names, strict=True) if name not in self.options]

    def split_options(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the options at the start of `words`, with their values, and the rest."""
        front: list[str] = []
        rest = list(words)
        while rest and rest[0].startswith("-") and rest[0] != "-":
            action = self.options.get(rest[0])
            takes = 2 if action and action.nargs != 0 else 1
            front, rest = front + rest[:takes], rest[takes:]
        return front, rest

    def options_first(self, words: Sequence[str]) -> list[str]:
        """Return `words` with the options and their values first, and nothing changed from `--` on.

        argparse fills optional arguments at the first positional word, so it would have none left for a word after an option.
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
            if (action := self.options.get(word)) is not None and action.nargs != 0:
                if not rest or self._is_option(rest[0]):
                    return list(words)  # or argparse would take another word as its value
                options.append(rest.pop(0))
        return [*options, *others]

    def _is_option(self, word: str) -> bool:
        """Whether argparse takes `word` as an option, known or not. `-`, numbers and words with a space are not."""
        if word in self.options:
            return True
        return word.startswith("-") and not (word[1:2] in ("", *".0123456789") or " " in word.partition("=")[0])

    def _choices(self, name: str) -> list[str]:
        """Return the values that the argument or option `name` of an error takes, or an empty list if it takes any."""
        found = (each for each in self.arguments if name in (*each.option_strings, each.dest, each.metavar))
        return [str(choice) for action in found for choice in action.choices or ()]

    def _in_our_words(self, message: str) -> str:
        """Return argparse's error as one sentence, without a value that could be a secret."""
        required = message.removeprefix("the following arguments are required: ")
        if required != message:
            missing = required.split(", ")
            choices = self._choices(missing[0])
            which = f": give {quoted_list(choices)}" if choices else ""
            verb = "is" if len(missing) == 1 else "are"
            return f"{quoted_list((word.upper() for word in missing), 'and')} {verb} missing{which}"
        named, colon, complaint = message.partition(": ")
        if not colon or not named.startswith("argument "):
            return message
        name = named.removeprefix("argument ").rpartition("/")[2]
        if complaint.startswith("invalid choice: "):
            shown = name if name in self.options else name.upper()
            return f"the value of `{shown}` must be {quoted_list(self._choices(name))}"
        other = complaint.removeprefix("not allowed with argument ")
        if other != complaint:
            return f"`{name}` and `{other.rpartition('/')[2]}` cannot be given together"
        if complaint.startswith("ignored explicit argument"):
            return f"`{name}` takes no value"
        if complaint.startswith("expected"):
            return f"`{name}` needs a value"
        return f"`{name}`: {complaint}"
