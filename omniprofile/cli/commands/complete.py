"""`omniprofile __complete`: the words that a shell's TAB offers and that only the profile files know. Not for people.

Its output is an interface of the completion scripts alone: one word a line, a tab, what it is. Nothing is resolved, no store
is opened; what is wrong with the files is an error as everywhere, which the scripts do not show.
"""

import argparse

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.registry import Help
from omniprofile.compiled import profile_words, tag_words

HELP = Help("Lists words for the completion of a shell.")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("kind", choices=("profiles", "patterns"), help="what to list")


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print every profile's name and description, in the order of their files, and for patterns every tag."""
    console.give(profile_words(app.config) + (tag_words(app.config) if args.kind == "patterns" else ""))
    return DONE
