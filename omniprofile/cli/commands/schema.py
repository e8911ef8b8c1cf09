"""`omniprofile schema`: the JSON Schema of the profile file, for editors."""

import argparse
from pathlib import Path

import omniprofile
from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.registry import Help
from omniprofile.errors import OperationFailed

HELP = Help(
    description="Prints the JSON Schema of the profile file. Editors use it to complete and check the file while you type.",
    examples=(
        ("omniprofile schema", "print it"),
        ("omniprofile schema --path", "the file that holds it, for a first line `#:schema PATH` that works offline"),
    ),
    see=("lint",),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--pin", action="store_true", help="the schema of a project pin, `.omniprofile.toml`")
    parser.add_argument(
        "--path", action="store_true", help="print the path of the installed file instead of its content"
    )


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print the schema, or where it is."""
    if args.path:
        console.data(_installed("omniprofile-pin" if args.pin else "omniprofile") + "\n")
        return DONE
    from omniprofile.config.schema.json_schema import json_schema, pin_json_schema

    console.json(pin_json_schema() if args.pin else json_schema())
    return DONE


def _installed(name: str) -> str:
    """Return the path of a schema's file: in the installed package, or beside it in a clone."""
    package = Path(omniprofile.__file__).parent
    for folder in (package / "schemas", package.parent / "schemas"):
        if (file := folder / f"{name}.schema.json").is_file():
            return str(file)
    raise OperationFailed("the file of the schema is not installed", hint="print it with `omniprofile schema > FILE`")
