"""`omniprofile schema`: the JSON Schema of the profile file, for editors."""

import argparse

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.registry import Help

HELP = Help(
    description="Prints the JSON Schema of the profile file, from which editors complete and check it while you type.",
    examples=(
        ("omniprofile schema", "print it"),
        (
            "omniprofile schema > ~/.config/omniprofile/schema.json",
            "for a line `#:schema` with the whole path of that file: `edit` opens a copy elsewhere",
        ),
    ),
    see=("lint",),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the argument."""
    parser.add_argument("--pin", action="store_true", help="the schema of a project pin, `.omniprofile.toml`")


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print the schema."""
    from omniprofile.config.json_schema import json_schema, pin_json_schema

    console.json(pin_json_schema() if args.pin else json_schema())
    return DONE
