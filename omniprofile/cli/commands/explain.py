"""`omniprofile explain`, and the code of `show`, which leaves out overridden values."""

import argparse
from collections.abc import Sequence

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_json, add_overrides, add_profile, request_of
from omniprofile.cli.console import Console, error_json
from omniprofile.cli.exit_statuses import DONE, status_of
from omniprofile.cli.render.tables import table
from omniprofile.model.names import printable
from omniprofile.model.resolution import Overridden, Resolution

HELP = Help(
    description="Shows for the selection and for every field the value, the layer it comes from with file and line, and every "
    "value that it overrides, with the reason. Secrets are masked. Nothing is unlocked, run or contacted.",
    examples=(
        ("omniprofile explain", "why this profile, why these values"),
        ("omniprofile explain staging --base-url https://play.omniapp.co", "what a flag would change"),
        ("omniprofile explain staging --json", "for a program"),
    ),
    exits=((6, "the resolution would be refused; it is explained all the same"),),
    see=("show", "lint"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_profile(parser)
    add_overrides(parser)
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    return run_view(args, app, console, overridden=True)


def run_view(args: argparse.Namespace, app: App, console: Console, *, overridden: bool) -> int:
    """Print the resolution. If it would be refused, print it too, then exit as the refusal does."""
    resolution = app.resolve(request_of(args), explain=True)
    refusal = resolution.refusal
    if args.json:
        view = _as_json(resolution, overridden=overridden)
        console.json(view if refusal is None else {**view, **error_json(refusal)})
    else:
        console.data(_as_text(resolution, console, overridden=overridden))
    if refusal is None:
        return DONE
    console.report(refusal, as_json=False)
    return status_of(refusal)


def _as_json(resolution: Resolution, *, overridden: bool) -> dict[str, object]:
    fields = {}
    for name, field in resolution.explain().items():
        fields[name] = {"value": field.value, "provenance": field.provenance.as_json()}
        if overridden:
            fields[name]["overridden"] = [_overridden_json(other) for other in field.overridden]
    view: dict[str, object] = {
        "profile": resolution.profile,
        "selected_by": resolution.selection.provenance.as_json(),
        "fields": fields,
    }
    if overridden:
        view["selection_overridden"] = [_overridden_json(other) for other in resolution.selection.overridden]
    return view


def _overridden_json(other: Overridden) -> dict[str, object]:
    return {"value": other.value, "provenance": other.provenance.as_json(), "reason": other.reason}


def _as_text(resolution: Resolution, console: Console, *, overridden: bool) -> str:
    """Return one row for each value, with its place, followed by rows for the values that it overrides."""
    style = console.style

    def entry(name: str, value: str, place: str, overrides: Sequence[Overridden]) -> list[list[str]]:
        others = ((f"not {_value(each.value)}", f"{each.provenance}: {each.reason}") for each in overrides)
        rows = [[style("bold", name), value, style("dim", shown(place))]]
        return rows + [["", style("dim", other), style("dim", shown(why))] for other, why in others if overridden]

    def shown(place: str) -> str:
        return console.with_short_paths(place) if console.shows_data else place

    selection = resolution.selection
    rows = entry("profile", resolution.profile, f"selected by {selection.provenance}", selection.overridden)
    for name, field in resolution.explain().items():
        if field.provenance.layer != "builtin" or field.overridden or overridden:
            rows += entry(name, _value(field.value), str(field.provenance), field.overridden)
    return table(rows, columns=console.columns)


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = ", ".join(map(str, value)) or "none"
    return printable(str(value), 400)
