"""`omniprofile show`: show the resolved profile, with secrets masked."""

import argparse

from omniprofile.app import App
from omniprofile.cli.arguments import Help
from omniprofile.cli.commands.explain import configure, run_view
from omniprofile.cli.console import Console

__all__ = ["HELP", "configure", "run"]

HELP = Help(
    description="Shows what the profile resolves to, each value with the place it comes from. Secrets are masked.",
    examples=(("omniprofile show", "the current profile"), ("omniprofile show prod --json", "for a program")),
    exits=((6, "the resolution would be refused; it is shown all the same"),),
    see=("explain",),
)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    return run_view(args, app, console, overridden=False)
