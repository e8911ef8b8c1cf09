"""`omniprofile status`: show the current profile, what selected it, and its state."""

import argparse

from omniprofile.app import App
from omniprofile.cli.arguments import Help, named_profile
from omniprofile.cli.commands.current import configure, selection_json
from omniprofile.cli.commands.list import row_of, table_of
from omniprofile.cli.console import Console

__all__ = ["HELP", "configure", "run"]

HELP = Help(
    description="Shows the current profile as `omniprofile list` does, and what selected it. Nothing is unlocked or "
    "contacted: `omniprofile test` asks the instance.",
    examples=(("omniprofile status", "the current profile"), ("omniprofile status --json", "for a program")),
    exits=((5, "no profile is selected, or the selected one does not exist"),),
    see=("current", "list", "test"),
)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    selection = app.select(named_profile(args))
    shadows = app.shadowed_by(selection)
    row = row_of(app, console, selection.profile, active=True)
    if args.json:
        del row["name"], row["active"]
        console.json({**selection_json(selection, shadows), **row})
    else:
        console.data(table_of([row], app, console, shadowed=bool(shadows)))
        console.note(f"selected by {selection.provenance}")
