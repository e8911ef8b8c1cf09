"""The report of `import`: its table, its JSON, and its notes."""

import argparse
import sys
from collections.abc import Sequence

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.render.tables import table
from omniprofile.model.names import printable, printable_place
from omniprofile.system.atomic_write import PRIVATE
from omniprofile.system.foreign_access import foreign_access
from omniprofile.transfer.found_profiles import Source
from omniprofile.transfer.matching import SecretStep, Step


def is_stored(step: Step) -> bool:
    """Whether the secret of a step is in the store."""
    return step.secret in (SecretStep.STORE, SecretStep.STORED)


def imported_rows(steps: Sequence[Step], *, scrubbed: bool) -> list[dict[str, object]]:
    """Return the documented JSON of what happened to each profile."""
    return [
        {
            "profile": step.profile,
            "from": step.found.name,
            "action": "added" if step.is_new else "unchanged",
            "base_url": str(step.found.origin),
            "auth": step.found.auth,
            "secret": step.secret.value,
            "scrubbed": scrubbed and is_stored(step),
        }
        for step in steps
    ]


def imported_text(steps: Sequence[Step], *, dry_run: bool) -> str:
    """Return the steps as a table, worded as a plan for a dry run."""
    added = "would be added" if dry_run else "added"
    secrets = {
        SecretStep.NONE: "none in the file",
        SecretStep.STORE: "would be stored" if dry_run else "stored",
        SecretStep.STORED: "already stored",
        SecretStep.DIFFERS: f"{'would not be taken' if dry_run else 'not taken'}: another one is stored",
        SecretStep.LEFT: "session would not be copied" if dry_run else "session not copied",
        SecretStep.COMMAND: "by a command",
    }
    cells = [
        [
            added if step.is_new else "unchanged",
            step.profile,
            printable(step.found.name, 40),
            str(step.found.origin),
            step.found.auth,
            secrets[step.secret],
        ]
        for step in steps
    ]
    return table(cells, ("", "PROFILE", "FROM", "INSTANCE", "AUTH", "SECRET"))


def say_imported(
    args: argparse.Namespace,
    app: App,
    console: Console,
    source: Source,
    steps: Sequence[Step],
    default: str | None,
    backup: str | None,
) -> None:
    """Print what the table leaves out: where things went, what was not imported, and what to do about it."""
    dry = args.dry_run
    were = "would be" if dry else "were"
    if not steps:
        console.note(f"`{printable_place(source.file.path)}` has no profile")
    if dry:
        console.note("this is a dry run: nothing was changed")
    if any(step.is_new for step in steps):
        console.note(f"the profiles {were} written to `{app.places.config_file}`")
    if any(step.secret is SecretStep.STORE for step in steps):
        checked = "" if dry else ", read back and compared"
        console.note(f"the secrets {were} stored in the {app.store.label}{checked}")
    if default:
        console.note(f"`default` {'would be' if dry else 'is'} `{default}`")
    for step in steps:
        _say_of(step, console, dry=dry)
        if args.name not in (None, step.profile):
            console.note(
                f"it is here as `{step.profile}` already: run `omniprofile rename {step.profile} {args.name}` to rename it"
            )
    for sentence in (*source.left, *(source.scrubbed if backup is None else ())):
        console.warn(sentence)
    _say_of_originals(args, console, source, [step for step in steps if is_stored(step)], backup)


def _say_of(step: Step, console: Console, *, dry: bool) -> None:
    """Print what is special about one profile."""
    name, was = step.profile, "would be" if dry else "was"
    if step.secret is SecretStep.LEFT:
        console.warn(
            f"`{name}`: its OAuth session {'would not be' if dry else 'was not'} copied, because two programs that use one "
            f"session end it: run `omniprofile login {name}` for a session of its own, or import with `--scrub` to move this one"
        )
    if step.secret is SecretStep.DIFFERS:
        console.warn(
            f"`{name}`: another secret is stored for it and {was} kept; to have the file's, run `omniprofile logout {name}` and "
            "import again"
        )
    if step.renamed:
        console.note(f"`{printable(step.found.name, 64)}` {was} imported as `{name}`: {step.renamed}")
    if step.found.command:
        command = f"{step.found.command[0]} {step.found.command[1]}"
        console.note(f"the key of `{name}` {'would come' if dry else 'comes'} from `{command}`, as the file says")


def _say_of_originals(
    args: argparse.Namespace, console: Console, source: Source, safe: Sequence[Step], backup: str | None
) -> None:
    """Print where the secrets of the `safe` profiles still are, and who else can read or change them there."""
    path = printable_place(source.file.path)
    if backup is not None:
        console.note(f"the secrets were removed from `{path}`")
        moved = any(step.found.auth == "oauth" for step in safe)
        console.warn(
            f"they are still in the backup `{printable_place(backup)}`{PRIVATE}: delete it once everything works"
            + ("; restoring it ends the OAuth sessions, here and there" if moved else "")
        )
        if args.source == "omni-cli":
            console.note("`omni` has no credential of its own now: `omniprofile exec NAME -- omni …` gives it one")
    elif safe and args.dry_run and args.scrub:
        console.note(f"the secrets would be removed from `{path}`, after a backup")
    elif safe:
        console.note(f"the secrets are still in plain text in `{path}`; `--scrub` removes them")
    if foreign := foreign_access(source.file.path, console.home):
        console.warn(foreign.refusal("choose the hosts of these profiles")[0])
    if source.file.can_be_read_by_others() and safe and sys.platform != "win32":
        console.warn(f"others can read `{path}`: treat these secrets as exposed, and replace them")
