"""`omniprofile explain`, and `show`, which is the same without the overridden values."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from omniprofile.app import App
from omniprofile.cli.console import Console, Style, error_json
from omniprofile.cli.exits import DONE, status_of
from omniprofile.cli.parser import add_json, add_overrides, add_profile, request_of
from omniprofile.cli.registry import Help
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
    """Print every field with its layer and place, and every overridden value with the reason."""
    return run_view(args, app, console, overridden=True)


def run_view(args: argparse.Namespace, app: App, console: Console, *, overridden: bool) -> int:
    """Print the resolution. One that would be refused is printed all the same, and then ends as the refusal does."""
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


@dataclass(frozen=True, slots=True)
class _Entry:
    """A field, or the profile itself, as it is shown: its value, the place of that, and each overridden value with why."""

    name: str
    value: str
    place: str
    overridden: list[tuple[str, str]]


def _as_text(resolution: Resolution, console: Console, *, overridden: bool) -> str:
    """One row for each value; on a terminal that is too narrow for three columns, the places stand below the values."""

    def shown(place: str) -> str:
        return console.with_short_paths(place) if console.shows_data else place

    def rows(values: Sequence[Overridden]) -> list[tuple[str, str]]:
        return [
            (f"not {_value(each.value)}", shown(f"{each.provenance}: {each.reason}")) for each in values if overridden
        ]

    selection = resolution.selection
    entries = [
        _Entry(
            "profile", resolution.profile, f"selected by {shown(str(selection.provenance))}", rows(selection.overridden)
        )
    ]
    for name, field in resolution.explain().items():
        if field.provenance.layer == "builtin" and not field.overridden and not overridden:
            continue
        entries.append(_Entry(name, _value(field.value), shown(str(field.provenance)), rows(field.overridden)))
    text = table([row for entry in entries for row in _wide(entry, console.style)])
    if console.columns is not None and max(map(width, text.splitlines())) > console.columns:
        return _narrow(entries, console)
    return text


def _wide(entry: _Entry, style: Style) -> list[list[str]]:
    """Three columns: the name, the value, the place; the name of an overridden value is empty."""
    overridden = [["", style("dim", value), style("dim", place)] for value, place in entry.overridden]
    return [[style("bold", entry.name), entry.value, style("dim", entry.place)], *overridden]


def _narrow(entries: Sequence[_Entry], console: Console) -> str:
    """Two columns, the place and the overridden values below."""
    style, columns = console.style, console.columns
    size = max(len(entry.name) for entry in entries)
    text = ""
    for entry in entries:
        text += table([[style("bold", entry.name.ljust(size)), entry.value]], columns=columns)
        below = [entry.place, *(f"{value}: {place}" for value, place in entry.overridden)]
        text += "".join(indented(style("dim", line), columns) for line in below)
    return text


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = ", ".join(map(str, value)) or "none"
    return printable(str(value), 400)
