"""`omniprofile schema`: the JSON Schema of the profile file, for editors."""

import argparse

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the argument."""
    parser.add_argument("--pin", action="store_true", help="the schema of a project pin, `.omniprofile.toml`")


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print the schema."""
    from omniprofile.config.json_schema import json_schema, pin_json_schema

    console.json(pin_json_schema() if args.pin else json_schema())
    return DONE
