"""`omniprofile explain`, and the code of `show`, which leaves out overridden values."""

import argparse
from collections.abc import Sequence

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_json, add_overrides, add_profile, request_of
from omniprofile.cli.console import Console, error_json
from omniprofile.cli.exits import DONE, status_of
from omniprofile.cli.render.tables import indented, table, width
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
    """Return one row for each value. If the terminal is too narrow for three columns, put the places below the values."""
    style, columns, selection = console.style, console.columns, resolution.selection

    def shown(place: str) -> str:
        return console.with_short_paths(place) if console.shows_data else place

    def beaten(values: Sequence[Overridden]) -> list[tuple[str, str]]:
        rows = [(f"not {_value(each.value)}", shown(f"{each.provenance}: {each.reason}")) for each in values]
        return rows if overridden else []

    # Name, value, place and overridden values of the profile and of each field.
    by = f"selected by {shown(str(selection.provenance))}"
    entries = [("profile", resolution.profile, by, beaten(selection.overridden))]
    for name, field in resolution.explain().items():
        if field.provenance.layer != "builtin" or field.overridden or overridden:
            entries.append((name, _value(field.value), shown(str(field.provenance)), beaten(field.overridden)))
    rows = []
    for name, value, place, others in entries:
        rows.append([style("bold", name), value, style("dim", place)])
        rows += [["", style("dim", other), style("dim", why)] for other, why in others]
    text = table(rows)
    if columns is None or max(map(width, text.splitlines())) <= columns:
        return text
    size = max(len(name) for name, *_ in entries)
    text = ""
    for name, value, place, others in entries:
        text += table([[style("bold", name.ljust(size)), value]], columns=columns)
        for line in (place, *(f"{other}: {why}" for other, why in others)):
            text += indented(style("dim", line), columns)
    return text


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = ", ".join(map(str, value)) or "none"
    return printable(str(value), 400)
