"""Code shared by the editing commands: finding the table to edit, and saving a draft."""

import argparse
import os
from collections.abc import Iterable

from omniprofile.app import App
from omniprofile.checks.secrets import without_secrets
from omniprofile.cli.arguments import add_flag, add_json
from omniprofile.cli.console import Console
from omniprofile.config.editing.draft import Draft
from omniprofile.config.editing.journal import Unfinished
from omniprofile.config.editing.replace import Change, replace_all
from omniprofile.config.name_patterns import require_profile
from omniprofile.config.paths import DROP_IN_FOLDER
from omniprofile.config.toml.data import NamePath
from omniprofile.config.toml.values import key_path
from omniprofile.errors import ConfigInvalid, Error, NotWritten, Refused, StoreUnavailable, UsageError
from omniprofile.model.declaration import Config, Declaration
from omniprofile.model.names import (
    RULE,
    base_url_variable,
    is_valid,
    nearest_valid,
    printable,
    printable_place,
    quoted_list,
    token_variable,
)
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.model.stored import Account, StoredSummary
from omniprofile.system.foreign_access import real_path


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


def write_changes(changes: Iterable[Change], console: Console, *, shown: str | None = None) -> None:
    """Write changes, all or none. If that fails, print them to stderr, so that the user can make them by hand.

    `shown` is printed instead of the patch if that could hold a secret. Raises NotWritten, OperationFailed.
    """
    changes = list(changes)
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
    since = app.environment.now().strftime("%Y-%m-%dT%H:%M:%SZ")
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


def warn_of_variables(app: App, console: Console, gone: str) -> None:
    """Warn of variables in this shell that are for a profile name that no longer exists."""
    environ = app.environment.environ
    if environ.get("OMNI_PROFILE") == gone:
        console.warn(f"`OMNI_PROFILE` in this shell still names `{gone}`")
    for variable in filter(environ.get, (token_variable(gone), base_url_variable(gone))):
        console.warn(f"`{variable}` in this shell no longer belongs to a profile")


def warn_of_other_files(app: App, console: Console, account: Account, summary: StoredSummary | None) -> None:
    """Warn of other profile files that stored a secret, by its summary, which their profile no longer finds."""
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


def profile_file(draft: Draft, name: str) -> str:
    """Return the file that defines the profile. Raises NoSuchProfile, or ConfigInvalid if two files do."""
    files = draft.files_of(("profiles", name))
    if len(files) > 1:
        raise ConfigInvalid(
            f"profile `{name}` is defined in {quoted_list(files, 'and')}",
            hint="remove one of the two by hand: `omniprofile edit`",
        )
    if not files:
        names = [(each, path) for path in draft.paths for each in draft.table(path, ("profiles",))]
        known = {each: Declaration(Layer.PROFILE, each, path, 1) for each, path in names}
        require_profile(Config(profiles=known), name, Provenance(Layer.FLAG, "NAME"))
    return files[0]


def require_valid_name(name: str) -> None:
    """Raise UsageError unless `name` is a valid profile name."""
    if not name:
        raise UsageError("the profile's name is empty", hint="give it a name")
    if not is_valid(name):
        hint = f"did you mean `{nearest_valid(name)}`?"
        raise UsageError(f"`{printable(name)}` is not a valid profile name: use {RULE}", hint=hint)


def require_new_name(draft: Draft, name: str) -> None:
    """Raise UsageError unless `name` can name a new profile."""
    require_valid_name(name)
    if files := draft.files_of(("profiles", name)):
        place = draft.place(files[0], ("profiles", name))
        raise UsageError(f"profile `{name}` already exists ({place})", hint="choose another name")


def target(draft: Draft, words: list[str], how: str) -> tuple[str, NamePath]:
    """Return the file and path for the words `NAME KEY` (a profile's key), or `KEY` (from the top of the file).

    `how` is the hint, containing `NAME`, if one of the two is missing. Raises UsageError.
    """
    from omniprofile.config.schema.models import Profile, ProfilesFile

    if len(words) == 2:
        name, key = words
        return profile_file(draft, name), ("profiles", name, *key_path(key))
    names = key_path(words[0])
    if len(names) == 1 and draft.files_of(("profiles", names[0])) and not draft.files_of(names):
        raise UsageError(f"`{names[0]}` is a profile, and no key of it is named", hint=how.replace("NAME", names[0]))
    if names[0] in Profile.model_fields and names[0] not in ProfilesFile.model_fields and not draft.files_of(names[:1]):
        raise UsageError(f"`{names[0]}` is a key of a profile, and no profile is named", hint=how)
    if names[0] == "profiles" and len(names) > 1:
        return profile_file(draft, names[1]), names
    own = names[:2] if names[0] == "instances" else names[:1]
    files = draft.files_of(names) or draft.files_of(own)
    return (files or [draft.main])[0], names


def drop_in(app: App, draft: Draft, given: str | None) -> str:
    """Return the profile file for `--file`: a path, or the bare name of a file in `profiles.d`."""
    if given is None:
        return draft.main
    folder = os.path.join(app.places.config_folder, DROP_IN_FOLDER)
    if os.sep in given or (os.altsep and os.altsep in given):
        path = os.path.normpath(os.path.join(app.environment.cwd or os.sep, given))
    else:
        path = os.path.join(folder, given if given.endswith(".toml") else f"{given}.toml")
    real = {real_path(known): known for known in (draft.main, *draft.paths)}
    if real_path(path) in real:
        return real[real_path(path)]
    hidden = os.path.basename(path).startswith(".") or not os.path.normcase(path).endswith(".toml")
    if hidden or real_path(os.path.dirname(path)) != real_path(folder):
        raise UsageError(
            f"`{printable(given)}` would not be read", hint=f"name a `.toml` file in `{folder}`, or leave `--file` out"
        )
    return path
