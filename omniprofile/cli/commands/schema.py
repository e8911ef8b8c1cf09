"""`omniprofile schema`: print the JSON Schema of the profile file, for editors."""

import argparse
from pathlib import Path

import omniprofile
from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_flag
from omniprofile.cli.console import Console
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
    add_flag(parser, "--pin", "the schema of a project pin, `.omniprofile.toml`")
    add_flag(parser, "--path", "print the path of the installed file instead of its content")


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    if not args.path:
        from omniprofile.config.schema.json_schema import json_schema, pin_json_schema

        console.json(pin_json_schema() if args.pin else json_schema())
        return
    name = f"{'omniprofile-pin' if args.pin else 'omniprofile'}.schema.json"
    package = Path(omniprofile.__file__).parent
    for folder in (package, package.parent):  # in the installed package, or next to it in a clone
        if (file := folder / "schemas" / name).is_file():
            console.data(f"{file}\n")
            return
    raise OperationFailed("the file of the schema is not installed", hint="print it with `omniprofile schema > FILE`")
