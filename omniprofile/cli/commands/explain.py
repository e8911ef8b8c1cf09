"""`omniprofile explain`, and `show`, which is the same without the losers."""

import argparse

from omniprofile.app import App
from omniprofile.cli.console import Console, error_json
from omniprofile.cli.exits import DONE, status_of
from omniprofile.cli.parser import add_json, add_overrides, add_profile, call_of
from omniprofile.cli.render.tables import table
from omniprofile.model.names import printable
from omniprofile.model.resolution import Loser, Resolution


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_profile(parser)
    add_overrides(parser)
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print every field with its layer and place, and every value that lost with the reason."""
    return run_view(args, app, console, losers=True)


def run_view(args: argparse.Namespace, app: App, console: Console, *, losers: bool) -> int:
    """Print the resolution. One that would be refused is printed all the same, and then ends as the refusal does."""
    resolution = app.resolve(call_of(args), explain=True)
    refusal = resolution.refusal
    if args.json:
        view = _as_json(resolution, losers=losers)
        console.json(view if refusal is None else {**view, **error_json(refusal)})
    else:
        console.data(_as_text(resolution, console, losers=losers))
    if refusal is None:
        return DONE
    console.report(refusal, as_json=False)
    return status_of(refusal)


def _as_json(resolution: Resolution, *, losers: bool) -> dict[str, object]:
    fields = {}
    for name, field in resolution.fields.items():
        fields[name] = {"value": field.value, "provenance": field.provenance.as_json()}
        if losers:
            fields[name]["overridden"] = [_loser_json(loser) for loser in field.overridden]
    view: dict[str, object] = {
        "profile": resolution.profile,
        "selected_by": resolution.selection.provenance.as_json(),
        "fields": fields,
    }
    if losers:
        view["selection_overridden"] = [_loser_json(loser) for loser in resolution.selection.overridden]
    return view


def _loser_json(loser: Loser) -> dict[str, object]:
    return {"value": loser.value, "provenance": loser.provenance.as_json(), "reason": loser.reason}


def _as_text(resolution: Resolution, console: Console, *, losers: bool) -> str:
    style = console.style
    rows = [
        [style("bold", "profile"), style("bold", resolution.profile), f"selected by {resolution.selection.provenance}"]
    ]
    if losers:
        rows += [_loser_row(loser, console) for loser in resolution.selection.overridden]
    for name, field in resolution.fields.items():
        if field.provenance.layer == "builtin" and not field.overridden and not losers:
            continue
        rows.append([style("bold", name), _value(field.value), str(field.provenance)])
        if losers:
            rows += [_loser_row(loser, console) for loser in field.overridden]
    return table(rows)


def _loser_row(loser: Loser, console: Console) -> list[str]:
    dim = console.style
    return ["", dim("dim", f"not {_value(loser.value)}"), dim("dim", f"{loser.provenance}: {loser.reason}")]


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return printable(str(value), 200)
