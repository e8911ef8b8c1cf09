"""`omniprofile doctor`: diagnose the setup; each finding has a remedy."""

import argparse

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_flag, add_json
from omniprofile.cli.console import Console
from omniprofile.cli.exit_statuses import DONE, FINDINGS
from omniprofile.cli.render.tables import table
from omniprofile.doctor.diagnosis import Diagnosis, Health
from omniprofile.errors import Interrupted, Refused
from omniprofile.model.names import counted, printable

_COLOURS = {Health.OK: "green", Health.WARNING: "yellow", Health.PROBLEM: "red", Health.SKIPPED: "dim"}
_WIDEST = 110

HELP = Help(
    description="Diagnoses the setup: which secret store is used and why, file modes, variables that shadow profiles, the "
    "shell hook, the vendor's `omni`, secrets in plain text in its config or in a `.env`, leftovers of killed "
    "commands, secrets that no profile uses, the clock. Each finding comes with its remedy.\n\n"
    "Only the check of the clock contacts anything: it asks the current instance, without a token. `--offline` "
    "skips it. No program is run. A check that hangs or fails is itself a finding.",
    examples=(
        ("omniprofile doctor", "look"),
        ("omniprofile doctor --offline --json", "for a program or a report, contacting nothing"),
        (
            "omniprofile doctor --prune",
            "also delete stored secrets that no profile uses, but for those of other profile files",
        ),
    ),
    exits=(
        (0, "no problems found"),
        (1, "at least one `warning` or `problem`"),
        (6, "`--prune` found secrets to delete, `--yes` is missing, and there is no terminal to ask on"),
    ),
    see=("lint", "test"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_flag(parser, "--offline", "contact nothing: skip the check of the clock")
    add_flag(parser, "--prune", "delete stored secrets that no profile uses; asks first")
    parser.add_argument("-y", "--yes", action="store_true", help="with `--prune`: do not ask")
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    from omniprofile.doctor.examine import CHECKS, examine

    pruned = _prune(app, console, yes=args.yes) if args.prune else []
    found = []
    width = max(len(check.name) for check in CHECKS)
    for name, diagnosis in examine(app, offline=args.offline):
        found.append((name, diagnosis))
        if not args.json:
            console.data(_as_text(name, diagnosis, console, width))
    if args.json:
        checks = [
            {
                "check": name,
                "status": each.status.value,
                "message": printable(each.message, 1000),
                "remedy": each.remedy,
            }
            for name, each in found
        ]
        console.json({"checks": checks, "pruned": pruned})
    actionable = sum(diagnosis.actionable for _, diagnosis in found)
    console.note(f"{counted(actionable, 'finding')} to look at" if actionable else "no problems found")
    return FINDINGS if actionable else DONE


def _prune(app: App, console: Console, *, yes: bool) -> list[str]:
    """Delete the secrets that no profile uses; return the profile names they were stored for."""
    from omniprofile.doctor.secret_store import unreferenced

    accounts = unreferenced(app)
    if not accounts:
        console.note(
            "every stored secret is used by a profile, or was stored by another profile file: nothing to prune"
        )
        return []
    listed = ", ".join(
        (f"`{account.variable}` of " if account.variable else "") + f"`{printable(account.profile)}` ({account.origin})"
        for account in accounts
    )
    if not yes:
        if not console.interactive:
            raise Refused(
                f"secrets would be deleted: {listed}", hint="run `omniprofile doctor --prune --yes` to delete them"
            )
        if not console.confirm(f"delete the stored secrets of {listed}?"):
            raise Interrupted("nothing was deleted")
    for account in accounts:
        app.store.delete(account)
    console.note(f"the secrets of {listed} were deleted from the {app.store.label}")
    return [account.profile for account in accounts]


def _as_text(name: str, diagnosis: Diagnosis, console: Console, width: int) -> str:
    """Return a finding and its remedy as rows of a table whose names take `width` columns."""
    status = console.style(_COLOURS[diagnosis.status], f"{diagnosis.status.value:7}")
    rows = [[status, f"{name:{width}}", printable(diagnosis.message, 1000)]]
    if diagnosis.remedy:
        rows.append(["", "", f"-> {printable(diagnosis.remedy, 1000)}"])
    return table(rows, columns=console.columns and min(console.columns, _WIDEST))
