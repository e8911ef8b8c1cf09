"""`omniprofile list`: every profile at a glance, with no store unlocked and nobody contacted."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from omniprofile.app import App, ProfileRequest
from omniprofile.cli.commands.current import shadows_json
from omniprofile.cli.console import Console
from omniprofile.cli.parser import add_json
from omniprofile.cli.registry import Help
from omniprofile.cli.render.tables import table
from omniprofile.cli.render.times import remaining, rfc3339
from omniprofile.config.patterns import matching
from omniprofile.errors import Error, NoProfileSelected, OriginMismatch
from omniprofile.model.effective import effective
from omniprofile.model.names import counted, printable
from omniprofile.model.resolution import Resolution


@dataclass(frozen=True, slots=True)
class Row:
    """One profile of the list."""

    name: str
    active: bool
    base_url: str | None
    auth: str
    credential: str
    expires_at: datetime | None
    protected: bool
    access: str
    description: str | None
    tags: tuple[str, ...]
    secrets: Mapping[str, str]
    """What is known of each secret of the profile's `env`, by its variable."""


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
    """Print the profiles in the order of their files, the current one marked."""
    names = list(app.config.profiles)  # what is wrong with the files is an error, and no warning of the selection's
    if args.patterns:
        matched = matching(app.config, args.patterns)
        names = [name for name in names if name in matched]
    active, shadows = _active(app, console)
    rows = [row_of(app, console, name, active=name == active) for name in names]
    if args.json:
        console.json({"profiles": [row_json(row) for row in rows], "shadowed_by": shadows_json(shadows)})
    elif rows:
        console.data(table_of(rows, app, console, shadowed=bool(shadows)))
    else:
        console.note("no profile is defined yet: run `omniprofile init`")


def _active(app: App, console: Console) -> tuple[str | None, tuple[str, ...]]:
    """Return the current profile, and the variables that shadow it."""
    try:
        selection = app.select()
    except NoProfileSelected:
        return None, ()
    except Error as error:
        console.warn(error.message)
        return None, ()
    app.tell(f"the current profile is selected by {selection.provenance}", app.detail)
    return selection.profile, app.shadowed_by(selection)


def row_of(app: App, console: Console, name: str, *, active: bool) -> Row:
    """Return what is known of one profile; what is wrong with it is said."""
    declared = effective(app.config, name)
    try:
        resolution = app.resolve(ProfileRequest.for_profile(name), tell=False)
        state, expires_at = _credential(app, resolution)
        secrets = {
            variable: app.credential_status(name, resolution.origin, "api-key", given.value.secret, variable).state
            for variable, given in declared.env.items()
            if given.value.secret
        }
    except Error as error:
        # One profile's trouble is not a reason to hide the others.
        console.warn(f"`{name}`: {error.message}")
        protected, access = declared.protected.value, declared.access.value
        return Row(name, active, None, "api-key", "unknown", None, protected, access, None, declared.tags.value, {})
    return Row(
        name,
        active,
        str(resolution.origin) if resolution.origin else None,
        resolution.auth,
        state,
        expires_at,
        resolution.protected,
        resolution.access,
        app.config.profiles[name].description,
        declared.tags.value,
        secrets,
    )


def _credential(app: App, resolution: Resolution) -> tuple[str, datetime | None]:
    if resolution.token is not None:
        return "present", None
    if isinstance(resolution.refusal, OriginMismatch) and not resolution.uses_store:
        return "missing", None  # the key that there may be is for another origin
    known = app.credential_status(resolution.profile, resolution.origin, resolution.auth, resolution.key)
    return known.state, known.expires_at


def row_json(row: Row) -> dict[str, object]:
    """Return the documented shape of a row."""
    return {
        "name": row.name,
        "active": row.active,
        "base_url": row.base_url,
        "auth": row.auth,
        "credential": row.credential,
        "expires_at": rfc3339(row.expires_at),
        "protected": row.protected,
        "access": row.access,
        "description": row.description,
        "tags": list(row.tags),
        "secrets": [{"variable": variable, "state": state} for variable, state in row.secrets.items()],
    }


def table_of(rows: Sequence[Row], app: App, console: Console, *, shadowed: bool) -> str:
    """Return the rows as a table; `shadowed` says that the environment takes the place of the active profile."""
    titles = ("", "NAME", "INSTANCE", "AUTH", "CREDENTIAL", "DESCRIPTION")
    return table(
        [_cells(row, app, console, shadowed=shadowed and row.active) for row in rows],
        [console.style("dim", title) for title in titles],
        columns=console.columns,
    )


def _cells(row: Row, app: App, console: Console, *, shadowed: bool) -> list[str]:
    credential = row.credential
    if row.expires_at is not None:
        credential = remaining(row.expires_at, app.environment.now())
        if row.auth == "oauth" and row.credential == "expired":
            credential += ", refreshed on use"
    if row.secrets:
        missing, secrets = list(row.secrets.values()).count("missing"), counted(len(row.secrets), "secret")
        credential += f", {missing} of {secrets} missing" if missing else f", {secrets}"
    colour = {"present": "green", "missing": "yellow", "expired": "yellow"}.get(row.credential, "dim")
    return [
        console.style("bold", "*") if row.active else "",
        console.style("yellow", row.name)
        if row.protected
        else console.style("bold", row.name)
        if row.active
        else row.name,
        row.base_url or "none",
        row.auth,
        console.style(colour, credential),
        " ".join(
            [
                *([console.style("yellow", "[shadowed]")] if shadowed else []),
                *(["[protected]"] if row.protected else []),
                *([f"[{row.access}]"] if row.access != "full" else []),
                *([printable(row.description, 400)] if row.description else []),
                *(f"@{tag}" for tag in row.tags),
            ]
        ),
    ]
