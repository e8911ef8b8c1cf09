"""Code shared by the editing commands: saving a draft, and what is left under a name that is given up."""

import argparse
from collections.abc import Sequence

from omniprofile.app import App
from omniprofile.checks.secrets import without_secrets
from omniprofile.cli.arguments import add_flag, add_json
from omniprofile.cli.console import Console
from omniprofile.config.editing.draft import Draft
from omniprofile.config.editing.journal import Unfinished
from omniprofile.config.editing.replace import Change, replace_all
from omniprofile.config.toml.data import NamePath
from omniprofile.errors import Error, NotWritten, Refused, StoreUnavailable
from omniprofile.model.names import printable_place
from omniprofile.model.shell_words import assignment
from omniprofile.model.stored import Account, StoredSummary
from omniprofile.model.times import format_time
from omniprofile.model.variable_names import base_url_variable, token_variable


def add_diff(parser: argparse.ArgumentParser) -> None:
    """Add `--diff`, and `--json`, which excludes it."""
    output = parser.add_mutually_exclusive_group()
    output.add_argument(
        "--diff", "--dry-run", action="store_true", help="print the change as a patch, and change nothing"
    )
    add_json(output)


def save(draft: Draft, console: Console, *, diff: bool) -> bool:
    """Validate a draft, then write it or, with `diff`, print it as a patch; return whether files were changed.

    Raises what `Draft.check` and `write_changes` raise; a change that could not be written is then on stderr.
    """
    left = draft.check()
    if diff:
        console.data(masked(draft.patch))
        return False
    if not (changes := draft.changes()):
        console.note("nothing to change")
        return False
    write_changes(changes, console)
    if left:
        console.warn(
            f"{left} {'error is' if left == 1 else 'errors are'} left in the files: `omniprofile lint` shows them"
        )
    return True


def masked(patch: str) -> str:
    """Return a patch with the secrets in it masked."""
    return "".join(
        without_secrets(line.rstrip("\r")) + "\r" * line.endswith("\r") + "\n" for line in patch.split("\n")[:-1]
    )


def write_changes(changes: Sequence[Change], console: Console, *, shown: str | None = None) -> None:
    """Write changes, all or none. If that fails, print them to stderr, so that the user can make them by hand.

    `shown` is printed instead of the patch if that could hold a secret. Raises NotWritten, OperationFailed.
    """
    try:
        replace_all(changes)
    except NotWritten as problem:
        console.say((masked(problem.patch) if shown is None else shown).removesuffix("\n"))
        raise
    for change in changes:
        if change.before.other_names:
            console.warn(
                f"`{change.path}` had another name (a hard link), which still holds the old content: "
                "a file is replaced as a whole"
            )


def add_leave_secret(parser: argparse.ArgumentParser) -> None:
    """Add `--leave-secret`."""
    add_flag(parser, "--leave-secret", "leave the secret store alone: what is stored stays there")


def unfinished(app: App, operation: str, name: str, new: str | None = None) -> tuple[Unfinished, bool]:
    """Return the journal entry for this work, and whether it was already begun. Raises Refused if other work is unfinished."""
    since = format_time(app.environment.now().replace(microsecond=0))
    work = Unfinished(operation, name, new, app.places.config_file, since)
    begun = app.journal.read()
    if begun is not None and not begun.is_same(work):
        raise Refused(str(begun), hint=f"finish it first: `{begun.command}`")
    return work, begun is not None


def may_be_stored(app: App, *names: str, resumed: bool) -> bool:
    """Return whether the store has, or may have, a secret for one of the profile's `names`; the first is in the files.

    The index may be lost, so if it has none, the store itself is asked; an unusable store counts as empty. If the files are
    invalid, a `resumed` command may have stored or copied one.
    """
    if any(map(app.accounts, names)):
        return True
    try:
        resolution = app.declared_profile(names[0])
    except Error:
        return resumed
    try:
        return any(app.store.get(account) is not None for account in resolution.accounts)
    except StoreUnavailable as problem:
        app.tell(f"{problem.message}; what may be stored there for `{resolution.profile}` stays")
        return False


def warn_of_variables(app: App, console: Console, gone: str, now: str | None = None) -> None:
    """Warn of variables in this shell that are for the profile name `gone`, which is `now` another, or none."""
    environ = app.environment.environ
    if environ.get("OMNI_PROFILE") == gone:
        fix = f"run `{assignment('OMNI_PROFILE', now)}`" if now else "unset it"
        console.warn(f"`OMNI_PROFILE` in this shell still names `{gone}`: {fix}")
    for variable in filter(environ.get, (token_variable(gone), base_url_variable(gone))):
        console.warn(f"`{variable}` in this shell no longer belongs to a profile")


def warn_of_other_files(app: App, console: Console, account: Account, summary: StoredSummary | None) -> None:
    """Warn about other profile files that stored a secret, according to its summary: their profile no longer finds it."""
    for file in summary.files if summary else ():
        if not app.is_owner(file):
            console.warn(
                f"`{printable_place(file)}` stored it too: its profile `{account.profile}` has to log in again"
            )


def save_key(args: argparse.Namespace, draft: Draft, console: Console, path: str, names: NamePath, done: str) -> bool:
    """Save a draft in which `set` or `unset` changed one key, and report it; return whether the file was changed."""
    changed = save(draft, console, diff=args.diff)
    if changed:
        console.note(f"`{'.'.join(names)}` {done} `{path}`")
    if args.json:
        profile, key = (names[1], names[2:]) if names[0] == "profiles" else (None, names)
        console.json({"profile": profile, "key": ".".join(key), "file": path, "changed": changed})
    return changed
