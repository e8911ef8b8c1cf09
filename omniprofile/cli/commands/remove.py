"""`omniprofile remove`: remove a profile, its stored secrets, and omniprofile's own references to it.

If it is killed between two steps, the journal has an entry, and the same command completes the removal.
"""

import argparse
from contextlib import suppress

from omniprofile.app import App
from omniprofile.cli import edit_target, editing
from omniprofile.cli.arguments import Help, add_yes
from omniprofile.cli.commands.logout import logout
from omniprofile.cli.console import Console
from omniprofile.cli.corrected_lines import with_yes
from omniprofile.config.editing.draft import Draft
from omniprofile.credentials.intent import Intent
from omniprofile.errors import Error, Refused
from omniprofile.model.names import quoted_list
from omniprofile.model.resolution import Resolution

HELP = Help(
    description="Removes a profile from the profile file, revokes its session and deletes its stored secrets. Asks first, and "
    "refuses while other profiles extend it. If it is interrupted, run the same command again to complete it.",
    examples=(("omniprofile remove play", "asks"), ("omniprofile remove play --yes", "does not")),
    exits=((5, "the profile does not exist"), (6, "others extend it, or it was not confirmed")),
    see=("logout", "rename"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the profile")
    editing.add_leave_secret(parser)
    add_yes(parser)
    editing.add_diff(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    name = args.name
    with app.editing(dry_run=args.diff) as draft:
        _, resumed = editing.unfinished(app, "remove", name)
        path = next(iter(draft.files_of(("profiles", name))), None)
        sentences = _plan(app, draft, name, resumed=resumed)
        draft.check()
        patch = draft.patch
    if args.diff:
        console.data(editing.masked(patch))
        return
    resolution: Resolution | None = None
    with suppress(Error):  # a resumed removal, or one from invalid files, deletes secrets by the profile's name alone
        resolution = app.declared_profile(name)
    stored = not args.leave_secret and editing.may_be_stored(app, name, resumed=resumed)
    if stored:
        app.store.check()
    if not (args.yes or resumed):
        steps = [will for will, _ in sentences]
        if stored and resolution and resolution.auth == "oauth":
            steps.append(f"revoke its session, and delete it from the {app.store.label}")
        elif stored:
            steps.append(f"delete its stored secret from the {app.store.label} (an API key stays valid in Omni)")
        _confirm(app, console, name, resolution, steps, with_yes(args))
    with app.editing() as draft:
        work, _ = editing.unfinished(app, "remove", name)
        _plan(app, draft, name, resumed=resumed)
        draft.check()
        app.journal.begin(work)
        try:
            editing.write_changes(draft.changes(), console)
        except Error:
            app.journal.end()
            raise
        if stored and resolution is not None:
            logout(app, console, resolution)
        elif stored:
            _delete_unrevoked(app, console, name)
        app.state.rename(name, None)
        app.journal.end()
    for _, did in sentences:
        console.note(did)
    editing.warn_of_variables(app, console, name)
    if args.json:
        console.json({"profile": name, "file": path, "changed": True, "secret": stored})


def _delete_unrevoked(app: App, console: Console, name: str) -> None:
    """Delete all stored secrets of a name whose profile cannot be resolved, so it is not known how to revoke them."""
    summaries = app.store.summaries()
    if deleted := [account for account in app.accounts(name) if app.store.delete(account)]:
        console.warn(f"what was stored for `{name}` is deleted, and not revoked: revoke it in Omni")
    for account in deleted:
        editing.warn_of_other_files(app, console, account, summaries.get(account))


def _plan(app: App, draft: Draft, name: str, *, resumed: bool) -> list[tuple[str, str]]:
    """Remove the profile from the draft; return each step as planned and as done. Raises Refused if others extend it."""
    children = [
        child
        for path in draft.paths
        for child in draft.table(path, ("profiles",))
        if draft.table(path, ("profiles", child)).get("extends") == name and child != name
    ]
    if children:
        names = quoted_list(children, "and")
        raise Refused(
            f"`{name}` is extended by {names}",
            hint=f"remove {'it' if len(children) == 1 else 'them'} first, or change `extends` with "
            f"`omniprofile set {children[0]} extends NAME`",
        )
    sentences = [(f"finish removing `{name}`", f"finished removing `{name}`")]
    if draft.files_of(("profiles", name)) or not resumed:
        path = edit_target.profile_file(draft, name)
        sentences = [(f"remove `{name}` from `{path}`", f"removed `{name}` from `{path}`")]
        draft.unset(path, ("profiles", name))
    for path in draft.paths:
        if draft.data(path).get("default") == name:
            draft.unset(path, ("default",))
            sentences.append((f"remove `default`, which names it, from `{path}`", f"removed `default` from `{path}`"))
        if path != draft.main and not draft.data(path).keys() - {"version"}:
            sentences.append(
                (f"leave `{path}` empty", f"`{path}` defines nothing now: delete it if you no longer need it")
            )
    if app.state.read()[0] == name:
        sentences.append(("leave no profile active", "no profile is active now"))
    return sentences


def _confirm(app: App, console: Console, name: str, resolution: Resolution | None, steps: list[str], hint: str) -> None:
    if console.interactive:
        console.say("this will:")
        for step in steps:
            console.say(f"  {step}")
    if resolution and resolution.protected:
        app.permit(resolution, Intent("delete", "remove it", hint))
        return
    if not console.interactive:
        raise Refused(f"profile `{name}` is only removed with a confirmation", hint=hint)
    # If the files cannot be resolved, protection is unknown; the confirmation is required anyway.
    host = f" ({resolution.origin})" if resolution and resolution.origin else ""
    if not console.confirm(f"remove the profile `{name}`{host}?"):
        raise Refused("not confirmed: nothing was changed")
