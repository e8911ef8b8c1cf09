"""`omniprofile demo`: a tour of the real commands, with no account and nothing of the user's touched."""

import argparse

from omniprofile import demo
from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.parser import add_flag
from omniprofile.cli.registry import Help

HELP = Help(
    description="Runs the everyday commands against stand-ins of Omni on this machine, in a temporary home. It needs no "
    "account, leaves your own files alone, and takes ten seconds.",
    examples=(
        ("omniprofile demo", "the tour, chapter by chapter"),
        ("omniprofile demo --no-pause", "all of it at once"),
    ),
    exits=(
        (0, "everything did what it should"),
        (1, "something did not"),
    ),
    see=("init",),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_flag(parser, "--no-pause", "do not wait for Enter between the chapters, on a terminal")


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    """Show the tour."""
    style = console.style
    waits = console.interactive and console.shows_data and not args.no_pause

    def pause() -> None:
        if waits:
            console.ask("\nEnter goes on, Ctrl-C ends the tour ")

    demo.run(
        demo.Screen(
            title=lambda text: console.data("\n" + style("bold", text) + "\n"),
            command=lambda line: console.data(style("green", "$") + " " + style("bold", line) + "\n"),
            output=console.give,  # masked and coloured by the command that printed it
            pause=pause,
            colours=style.on,
        ),
        app.environment.environ,
    )
