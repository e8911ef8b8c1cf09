"""`omniprofile rename`: rename a profile, with everything that refers to it.

After a kill between any two steps, the same command completes the rename. The order is: journal, copy of the secret, profile
files (the one that defines the profile first), state, pin, deletion of the old secret, end of the journal.
"""

import argparse
import os
from contextlib import ExitStack

from omniprofile.app import App
from omniprofile.cli import edit_target, editing
from omniprofile.cli.arguments import Help
from omniprofile.cli.console import Console
from omniprofile.config.editing.draft import Draft
from omniprofile.config.editing.replace import Content, replace_all
from omniprofile.config.toml.edit import set_text
from omniprofile.errors import ConfigInvalid, Error, Refused, StoreUnavailable, UsageError
from omniprofile.model.names import printable_place
from omniprofile.model.stored import Account
from omniprofile.system.foreign_access import real_path

HELP = Help(
    description="Renames a profile along with its stored secrets, the active and the previous profile, `default`, the "
    "`extends` of other profiles and your nearest project pin. If it is interrupted, run the same command again "
    "to complete it.\n\n"
    "All secrets of the name are renamed, whatever origin they are for, and, with a note, those that another "
    "profile file stored for the name. A secret that another profile file stored for the new name is never replaced.",
    examples=(
        ("omniprofile rename stage staging", "one name"),
        ("omniprofile rename prod acme-prod", "the variables of the profile change with it"),
    ),
    exits=(
        (2, "the new name is taken or not valid"),
        (5, "the profile does not exist"),
        (6, "another profile file has stored a secret for the new name"),
    ),
    see=("remove",),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", help="the profile")
    parser.add_argument("new", metavar="NEW", help="its new name")
    editing.add_leave_secret(parser)
    editing.add_diff(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    old, new = args.old, args.new
    if old == new:
        raise UsageError("the two names are the same")
    with app.editing(dry_run=args.diff) as draft, ExitStack() as held:
        work, resumed = editing.unfinished(app, "rename", old, new)
        files_are_new = _rename_in_files(app, draft, old, new, resumed=resumed)
        path = edit_target.profile_file(draft, new)
        draft.check()
        if args.diff:
            console.data(editing.masked(draft.patch))
            return
        carries = not args.leave_secret and editing.may_be_stored(app, old, new, resumed=resumed)
        accounts = _accounts(app, old, new) if carries else []
        if carries:
            app.store.check()
            for account in accounts:
                held.enter_context(app.sessions.locked(account))
            if not resumed:
                _require_free(app, old, new)
        app.journal.begin(work)
        copied: list[Account] = []
        try:
            if not files_are_new:
                _copy_secrets(app, console, accounts, new, copied)
            editing.write_changes(draft.changes(), console)
        except Error:
            # So far only the secret was copied: deleting the copy restores everything.
            if not files_are_new:
                for account in copied:
                    app.store.delete(account)
                app.journal.end()
            raise
        app.state.rename(old, new)
        pin = _rename_in_pin(app, console, old, new)
        _delete_copied(app, console, accounts, new, copied)
        app.journal.end()
    along = [word for word, done in (("its stored secret", carries), ("the project pin", pin)) if done]
    console.note(f"`{old}` is now `{new}`" + (f", with {' and '.join(along)}" if along else ""))
    editing.warn_of_variables(app, console, old, new)
    if args.json:
        console.json({"profile": new, "previous": old, "file": path, "changed": True, "secret": carries, "pin": pin})


def _rename_in_files(app: App, draft: Draft, old: str, new: str, *, resumed: bool) -> bool:
    """Rename the profile, also in `default` and in every `extends`; return whether a resumed command had done that before."""
    is_gone = resumed and not draft.files_of(("profiles", old))
    was_renamed = is_gone and bool(draft.files_of(("profiles", new)))
    if is_gone and not was_renamed:
        app.journal.end()  # both names are gone, so there is nothing to finish
    if not was_renamed:
        path = edit_target.profile_file(draft, old)
        edit_target.require_new_name(draft, new)
        draft.rename(path, ("profiles", old), new)
    for path in draft.paths:
        if draft.data(path).get("default") == old:
            draft.set_text(path, ("default",), new)
        for name in draft.table(path, ("profiles",)):
            if draft.table(path, ("profiles", name)).get("extends") == old:
                draft.set_text(path, ("profiles", name, "extends"), new)
    return was_renamed


def _accounts(app: App, old: str, new: str) -> list[Account]:
    """Return the accounts of the old name that may hold a secret: those in the store's index, and the declared ones."""
    accounts = app.accounts(old)
    for name in (old, new):  # after an interruption the files may have either name
        try:
            declared = app.declared_profile(name).accounts
        except Error:
            continue
        own = (account._replace(profile=old) for account in declared)
        accounts += [account for account in own if account not in accounts]
    return accounts


def _require_free(app: App, old: str, new: str) -> None:
    """Raise Refused if another profile file has a secret for the new name, which the copy would replace."""
    summaries = app.store.summaries()
    for account in app.accounts(old):
        there = summaries.get(account._replace(profile=new))
        if there and (others := [file for file in there.files if not app.is_owner(file)]):
            raise Refused(
                f"a secret is stored for `{new}` and {account.origin} already, by `{printable_place(others[0])}`",
                hint="choose another name, or leave the secrets as they are with `--leave-secret`",
            )


def _copy_secrets(app: App, console: Console, accounts: list[Account], new: str, copied: list[Account]) -> None:
    """Copy the stored secrets, and read them back to verify. Adds the account of each copy to `copied`."""
    for account in accounts:
        secret, copy = app.store.get(account), account._replace(profile=new)
        if secret is None:
            there = app.store.summaries().get(copy)
            if there and all(map(app.is_owner, there.files)) and app.store.delete(copy):
                console.note(f"what was stored for `{new}`, which no profile used, is deleted")
            continue
        copied.append(copy)
        app.store.put(new, secret)
        if app.store.get(copy) != secret:
            raise StoreUnavailable(
                f"the {app.store.label} returned something other than what was stored; nothing was changed"
            )


def _delete_copied(app: App, console: Console, accounts: list[Account], new: str, copied: list[Account]) -> None:
    """Delete the secrets of the old name. One that a login has stored since the copy is carried over first."""
    summaries = app.store.summaries() if accounts else {}
    for account in accounts:
        copy = account._replace(profile=new)
        secret, carried = app.store.get(account), app.store.get(copy)
        if secret is not None and (carried is None or (copy in copied and secret != carried)):
            app.store.put(new, secret)
        app.store.delete(account)
        editing.warn_of_other_files(app, console, account, summaries.get(account))


def _rename_in_pin(app: App, console: Console, old: str, new: str) -> bool:
    """Replace the old name in the nearest project pin if the user owns it; return whether it was replaced."""
    try:
        pin = app.pin()
    except ConfigInvalid:
        return False  # an invalid pin does not name this profile
    path = app.pin_file()
    if pin is None or path is None or pin.value != old:
        return False
    before = Content.read(path)
    if before.status is None or before.content is None:
        return False
    own = app.environment.uid is None or before.status.st_uid == app.environment.uid
    if not own or not os.access(real_path(path), os.W_OK):
        console.warn(f"the project pin `{path}` still names `{old}`, and is not yours to change")
        return False
    replace_all([before.changed_to(set_text(before.text, ("profile",), new))])
    return True
