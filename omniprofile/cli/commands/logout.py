"""`omniprofile logout`: revoke what can be revoked, delete the stored secrets, and say what stays valid."""

import argparse
from contextlib import ExitStack
from datetime import datetime

from omniprofile.app import App, ProfileRequest
from omniprofile.cli.arguments import Help, add_json, add_profile, add_yes, named_profile
from omniprofile.cli.console import Console
from omniprofile.cli.corrected_lines import with_yes
from omniprofile.cli.editing import warn_of_other_files
from omniprofile.credentials.intent import Intent
from omniprofile.errors import SessionBusy, StoreUnavailable
from omniprofile.model.resolution import Resolution
from omniprofile.model.stored import Account, StoredSecret, by_hand

HELP = Help(
    description="Deletes the profile's stored secrets from this machine, whatever the instance answers. Tokens that the "
    "instance can revoke are revoked; for the others it says where to revoke them by hand.\n\n"
    "Stored secrets belong to a profile's name and an origin. All secrets of the name are deleted: those for a "
    "base URL that the profile had before, and, with a note, those of a profile with this name in another profile "
    "file.",
    examples=(
        ("omniprofile logout staging", "delete its credential"),
        ("omniprofile logout", "that of the current profile"),
    ),
    exits=((5, "the profile does not exist"), (9, "the secret store cannot be used")),
    see=("login", "remove"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_profile(parser)
    add_yes(parser)
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    resolution = app.declared(ProfileRequest(named_profile(args)), "delete")
    app.permit(resolution, Intent("delete", "delete its stored credential", with_yes(args), yes=args.yes))
    changed = logout(app, console, resolution)
    if args.json:
        console.json({"profile": resolution.profile, "changed": changed})


def logout(app: App, console: Console, resolution: Resolution) -> bool:
    """Revoke what can be revoked, and delete all stored secrets of the profile's name, for any origin.

    That includes secrets that another profile file stored under the name; a warning says that its profile has to log in again.
    Return whether anything was stored.
    """
    name = resolution.profile
    accounts = app.accounts(name)
    # The index of stored secrets may be lost, so check the declared accounts in the store itself.
    accounts += [account for account in resolution.accounts if account not in accounts]
    ended = [account for account in accounts if _end_alone(app, console, resolution, account)]
    if not ended:
        if resolution.accounts:
            console.note(f"nothing is stored for `{name}`")
        else:
            console.note(f"`{name}` takes its key from {resolution.key}: nothing is stored, and nothing was deleted")
    return bool(ended)


def _end_alone(app: App, console: Console, resolution: Resolution, account: Account) -> bool:
    """Delete an account's secret under its lock, so that no refresh restores it. If the lock stays busy, warn and go on."""
    summary = app.store.summaries().get(account)
    with ExitStack() as held:
        try:
            held.enter_context(app.sessions.locked(account))
        except SessionBusy as busy:
            console.warn(f"{busy.message}; deleting it anyway")
        ended = _end(app, console, resolution, account)
    if ended:
        warn_of_other_files(app, console, account, summary)
    return ended


def _end(app: App, console: Console, resolution: Resolution, account: Account) -> bool:
    """Revoke and delete the secret of one account; return whether there was anything."""
    checkpoint = app.environment.checkpoint
    secret: StoredSecret | None = None
    why: str | None = "this was interrupted"
    try:
        secret = app.store.get(account)
    except StoreUnavailable as problem:
        why = problem.message  # an unreadable secret cannot be revoked, but the store may still delete it
    try:
        if secret is not None and secret.is_session:
            from omniprofile.cli.revocation import REVOKE_SECONDS, revoke_stored
            from omniprofile.instance.client import Client

            with Client(timeout=REVOKE_SECONDS, environ=app.environment.environ) as client:
                why = revoke_stored(app, resolution, secret, client, None)
            checkpoint("revoked")
    finally:
        deleted = app.store.delete(account)
    checkpoint("deleted")
    if not deleted and secret is None:
        return False
    session = secret.is_session if secret else resolution.auth == "oauth"
    expires_at = secret.expires_at if secret else None
    _tell_what_was_done(app, console, account, session=session, unrevoked=why, expires_at=expires_at)
    return True


def _tell_what_was_done(
    app: App, console: Console, account: Account, *, session: bool, unrevoked: str | None, expires_at: datetime | None
) -> None:
    """Say that the secret of `account` was deleted, and what remains valid. `unrevoked` is why a session was not revoked."""
    name = account.profile
    if account.variable:
        console.note(
            f"the secret `{account.variable}` of `{name}` was deleted from the {app.store.label}; it stays valid where it was "
            "made"
        )
        return
    console.note(f"the {'session' if session else 'key'} of `{name}` was deleted from the {app.store.label}")
    if not session:
        console.note(f"an API key cannot be revoked from here and stays valid: {by_hand(account.origin)}")
    elif unrevoked is None:
        console.note("its refresh token and its access token were revoked")
    else:
        until = f" until {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else ""
        console.warn(
            f"it could not be revoked ({unrevoked}): the access token stays valid{until}, and the refresh token after that; "
            f"{by_hand(account.origin, 'them')}"
        )
