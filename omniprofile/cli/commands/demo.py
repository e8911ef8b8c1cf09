"""`omniprofile demo`: a tour of the real commands, with no account and nothing of the user's touched."""

import argparse

from omniprofile import demo
from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the tour has no choices."""


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Show the tour."""
    demo.run(console.data, app.outside.environ)
    return DONE
