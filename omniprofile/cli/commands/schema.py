"""`omniprofile schema`: the JSON Schema of the profile file, for editors."""

import argparse

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE


def configure(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print the schema."""
    from omniprofile.config.schema import json_schema

    console.json(json_schema())
    return DONE
