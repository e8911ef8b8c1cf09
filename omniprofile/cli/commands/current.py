"""`omniprofile current`: print the current profile, and why it is current."""

import argparse
from collections.abc import Iterable

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_json, add_profile_option, named_profile
from omniprofile.cli.console import Console
from omniprofile.model.effective import effective
from omniprofile.model.provenance import Layer
from omniprofile.model.resolution import Selection

HELP = Help(
    description="Prints the profile that a command without a name would use. `-v` and `--json` also say what selected it.",
    examples=(
        ("omniprofile current", "the name alone, for a script"),
        ("omniprofile -v current", "and what selected it"),
        ("omniprofile current --json", "the same for a program"),
    ),
    exits=((5, "no profile is selected, or the selected one does not exist"),),
    see=("use", "explain"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_profile_option(parser, "the profile, as for the other commands")
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    selection = app.select(named_profile(args))
    shadows = app.shadowed_by(selection)
    if args.json:
        declared = effective(app.config_for(named_profile(args)), selection.profile)
        limits = {"protected": declared.protected.value, "access": declared.access.value}
        console.json({**selection_json(selection, shadows), **limits})
    else:
        console.data(selection.profile + "\n")
        app.tell(f"selected by {selection.provenance}", app.detail)


def selection_json(selection: Selection, shadows: Iterable[str]) -> dict[str, object]:
    """Return the documented JSON of the current profile and why it is current."""
    return {
        "profile": selection.profile,
        "selected_by": selection.provenance.as_json(),
        "shadowed_by": shadows_json(shadows),
    }


def shadows_json(variables: Iterable[str]) -> list[dict[str, str]]:
    """Return the documented JSON of what overrides a profile's own values."""
    return [{"layer": Layer.ENVIRONMENT.value, "name": name} for name in variables]
