"""`omniprofile list`: list every profile, without unlocking a store or contacting an instance."""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from omniprofile.app import App, ProfileRequest
from omniprofile.cli.arguments import Help, add_json
from omniprofile.cli.commands.current import shadows_json
from omniprofile.cli.console import Console
from omniprofile.cli.render.tables import table
from omniprofile.cli.render.times import remaining, rfc3339
from omniprofile.config.name_patterns import matching
from omniprofile.errors import Error, NoProfileSelected, OriginMismatch
from omniprofile.model.effective import effective
from omniprofile.model.names import counted, printable
from omniprofile.model.resolution import Resolution
from omniprofile.model.times import parse_time

HELP = Help(
    description="Lists the profiles in the order of their files, with `*` before the current one. The state of a credential "
    "is shown without unlocking a store, running a command or contacting an instance; `omniprofile test --all` "
    "asks the instances. `[shadowed]` marks the current profile when a base URL and a token in the environment "
    "are used instead of it.\n\n"
    "A PATTERN is a name, a glob over names such as `'acme-*'`, or `@TAG` for all profiles that have this tag in "
    "their `tags`.",
    examples=(
        ("omniprofile list", "all profiles"),
        ("omniprofile list @acme 'play-*'", "those with the tag, and those whose names begin so"),
        ("omniprofile list --json", "with documented keys"),
    ),
    exits=((5, "no profile matches a PATTERN"),),
    see=("show", "test"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="only profiles of these names, globs or `@TAG`s")
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    names = list(app.config.profiles)  # before the selection, which would only warn of invalid files
    if args.patterns:
        matched = matching(app.config, args.patterns)
        names = [name for name in names if name in matched]
    active: str | None = None
    shadows: tuple[str, ...] = ()
    try:
        with suppress(NoProfileSelected):
            selection = app.select()
            app.tell(f"the current profile is selected by {selection.provenance}", app.detail)
            active, shadows = selection.profile, app.shadowed_by(selection)
    except Error as error:
        console.warn(error.message)
    rows = [row_of(app, console, name, active=name == active) for name in names]
    if args.json:
        console.json({"profiles": rows, "shadowed_by": shadows_json(shadows)})
    elif rows:
        console.data(table_of(rows, app, console, shadowed=bool(shadows)))
    else:
        console.note("no profile is defined yet: run `omniprofile init`")


def row_of(app: App, console: Console, name: str, *, active: bool) -> dict[str, Any]:
    """Return the JSON row of one profile. Its errors are printed as warnings."""
    declared = effective(app.config, name)
    row: dict[str, Any] = {
        "name": name,
        "active": active,
        "base_url": None,
        "auth": declared.auth.value,
        "credential": "unknown",
        "expires_at": None,
        "protected": declared.protected.value,
        "access": declared.access.value,
        "description": app.config.profiles[name].description,
        "tags": list(declared.tags.value),
        "secrets": [],
    }
    try:
        resolution = app.resolve(ProfileRequest.for_profile(name), tell=False)
        row["base_url"] = str(resolution.origin) if resolution.origin else None
        row["auth"] = resolution.auth
        row["credential"], expires_at = _credential(app, resolution)
        row["expires_at"] = rfc3339(expires_at)
        for variable, given in declared.env.items():
            if source := given.value.secret:
                known = app.credential_status(name, resolution.origin, "api-key", source, variable)
                row["secrets"].append({"variable": variable, "state": known.state})
    except Error as error:
        # One profile's error must not hide the others.
        console.warn(f"`{name}`: {error.message}")
    return row


def _credential(app: App, resolution: Resolution) -> tuple[str, datetime | None]:
    if resolution.token is not None:
        return "present", None
    if isinstance(resolution.refusal, OriginMismatch) and not resolution.uses_store:
        return "missing", None  # an existing key would be for another origin
    known = app.credential_status(resolution.profile, resolution.origin, resolution.auth, resolution.key)
    return known.state, known.expires_at


def table_of(rows: Sequence[Mapping[str, Any]], app: App, console: Console, *, shadowed: bool) -> str:
    """Return the rows as a table. `shadowed`: the environment overrides the active profile."""
    titles = ("", "NAME", "INSTANCE", "AUTH", "CREDENTIAL", "DESCRIPTION")
    return table(
        [_cells(row, app, console, shadowed=shadowed and row["active"]) for row in rows],
        [console.style("dim", title) for title in titles],
        columns=console.columns,
    )


def _cells(row: Mapping[str, Any], app: App, console: Console, *, shadowed: bool) -> list[str]:
    style = console.style
    credential = row["credential"]
    if row["expires_at"] is not None:
        credential = remaining(parse_time(row["expires_at"]), app.environment.now())
        if row["auth"] == "oauth" and row["credential"] == "expired":
            credential += ", refreshed on use"
    if row["secrets"]:
        missing = sum(secret["state"] == "missing" for secret in row["secrets"])
        secrets = counted(len(row["secrets"]), "secret")
        credential += f", {missing} of {secrets} missing" if missing else f", {secrets}"
    colour = {"present": "green", "missing": "yellow", "expired": "yellow"}.get(row["credential"], "dim")
    name_colour = "yellow" if row["protected"] else "bold" if row["active"] else None
    about = [
        style("yellow", "[shadowed]") if shadowed else "",
        "[protected]" if row["protected"] else "",
        f"[{row['access']}]" if row["access"] != "full" else "",
        printable(row["description"] or "", 400),
        *(f"@{tag}" for tag in row["tags"]),
    ]
    return [
        style("bold", "*") if row["active"] else "",
        style(name_colour, row["name"]) if name_colour else row["name"],
        row["base_url"] or "none",
        row["auth"],
        style(colour, credential),
        " ".join(filter(None, about)),
    ]
