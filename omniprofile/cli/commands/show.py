"""`omniprofile show`: the resolved profile, secrets masked."""

import argparse

from omniprofile.app import App
from omniprofile.cli.commands.explain import configure, run_view
from omniprofile.cli.console import Console

__all__ = ["configure", "run"]


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print every field with its layer and place."""
    return run_view(args, app, console, losers=False)
