"""`omniprofile demo`: a tour of the real commands, with no account and nothing of the user's touched."""

import argparse

from omniprofile import demo
from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.registry import Help

HELP = Help(
    description="Runs the everyday commands against stand-ins of Omni on this machine, in a temporary home. It needs no "
    "account, touches nothing of yours, and takes a few seconds.",
    examples=(
        ("omniprofile demo", "the tour"),
        ("omniprofile demo | less", "page by page"),
    ),
    exits=(
        (0, "everything did what it should"),
        (1, "something did not"),
    ),
    see=("init",),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the tour has no choices."""


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Show the tour."""
    demo.run(console.data, app.environment.environ)
    return DONE
