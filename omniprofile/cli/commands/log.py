"""`omniprofile log`: which credentials were handed out when and to what, and what gateways did with them."""

import argparse
from typing import Any

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_json, add_option, add_profile, named_profile, span
from omniprofile.cli.console import Console
from omniprofile.cli.render.tables import table
from omniprofile.errors import OperationFailed
from omniprofile.model.names import counted, printable, printable_place
from omniprofile.model.times import parse_time
from omniprofile.system.audit import FILE, entries
from omniprofile.system.files import Unreadable

HELP = Help(
    description="Shows the audit log, oldest entry first: each credential that was handed to `exec`, `each`, `env`, `token`, "
    "a gateway, a program that uses the library, or the file of `export --with-secrets`; for which command; and "
    "which layer chose the profile. A gateway adds one summary for each run and one entry for each request that "
    "it refused, without the query. The log holds no secret.\n\n"
    "The log is `audit.jsonl` in the state folder: at most 1 MiB, and one older file. It is written on a "
    "best-effort basis, so no command fails or waits because of it. `[settings] audit = false` turns it off.",
    examples=(
        ("omniprofile log prod --since 2h", "who used production in the last two hours"),
        ("omniprofile log --json", "with documented keys"),
    ),
    exits=((5, "the profile does not exist, and no entry is about it"),),
    see=("exec", "each", "gateway"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_profile(parser, "only what is about this profile, which may be gone")
    add_option(parser, "--since", "DURATION", "show only the last `30min`, `2h`, `7d` and so on", type=span)
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    try:
        found, damaged = entries(app.places.state_folder)
    except Unreadable as problem:
        where = printable_place(f"{app.places.state_folder}/{FILE}")
        raise problem.as_error(OperationFailed, f"the audit log `{where}`", "fix or remove it") from problem
    named = named_profile(args)
    if named is not None:
        known = any(entry["profile"] == named.value for entry in found)
        if not known:  # a profile with entries may be gone
            app.require(named.value, named.provenance)
        found = [entry for entry in found if entry["profile"] == named.value]
    if args.since is not None:
        start = app.environment.now() - args.since
        found = [entry for entry in found if parse_time(entry["time"]) >= start]
    if damaged:
        console.note(f"{counted(damaged, 'damaged line')} of the audit log left out")
    if args.json:
        console.json({"entries": found})
    elif found:
        titles = [
            console.style("dim", title) for title in ("TIME", "PROFILE", "HOW", "COMMAND", "CHOSEN BY", "INSTANCE", "")
        ]
        console.data(table([_cells(entry) for entry in found], titles, columns=console.columns))
    elif not app.config.settings.audit:
        console.note("the audit log is turned off by `audit = false` in `[settings]`")
    else:
        what = f"about `{printable(named.value)}` " if named else ""
        console.note(f"nothing {what}is in the audit log{' for that time' if args.since else ''}")


def _cells(entry: dict[str, Any]) -> list[str]:
    local = parse_time(entry["time"]).astimezone()
    texts = [entry["profile"] or "none", entry["how"], entry["command"] or "", entry["layer"], entry["base_url"]]
    parts = [
        f"{count} {method} {status}"
        for method, counts in (entry["requests"] or {}).items()
        for status, count in counts.items()
    ]
    if refused := entry["refused"]:
        parts.append(f"refused: {refused['method']} {refused['path']}")
    return [f"{local:%Y-%m-%d %H:%M:%S}", *(printable(str(text)) for text in texts), printable(", ".join(parts), 400)]
