"""`omniprofile logout`: revoke what the instance lets one revoke, delete what is stored, be honest about what stays valid."""

import argparse

from omniprofile.app import App, Call
from omniprofile.cli.confirmation import confirm_pinned
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.parser import add_profile, add_yes, named_profile
from omniprofile.errors import SessionBusy, StoreUnavailable
from omniprofile.model.resolution import Resolution
from omniprofile.model.stored import StoredSecret


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_profile(parser)
    add_yes(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Revoke, and in any case delete, what is stored for the profile."""
    resolution = app.declared(Call(named_profile(args)))
    confirm_pinned(app, console, resolution.selection, yes=args.yes)
    logout(app, console, resolution)
    return DONE


def logout(app: App, console: Console, resolution: Resolution) -> None:
    """Revoke what can be revoked, and delete what is stored for the profile."""
    if resolution.auth == "oauth":
        _logout_session(app, console, resolution)
    else:
        _logout_key(app, console, resolution)


def _logout_key(app: App, console: Console, resolution: Resolution) -> None:
    name = resolution.profile
    if app.store.delete(name):
        console.note(f"the key of `{name}` is deleted from the {app.store.label}")
        console.note(
            f"an API key cannot be revoked from here and stays valid: revoke it in Omni, {resolution.origin or 'your instance'}, "
            "Settings > API access"
        )
    elif resolution.key.kind != "keyring":
        console.note(f"`{name}` takes its key from {resolution.key}: nothing is stored, and nothing was deleted")
    else:
        console.note(f"nothing is stored for `{name}`")


def _logout_session(app: App, console: Console, resolution: Resolution) -> None:
    """End the session alone with it: a refresh that is under way ends first, and none brings it back."""
    name = resolution.profile
    try:
        with app.sessions.locked(name):
            _end(app, console, resolution)
    except SessionBusy as busy:
        console.warn(f"{busy.message}; it is deleted all the same")
        _end(app, console, resolution)


def _end(app: App, console: Console, resolution: Resolution) -> None:
    name, passing = resolution.profile, app.outside.passing
    session: StoredSecret | None = None
    why: str | None = "this was interrupted"
    try:
        session = app.store.get(name)
    except StoreUnavailable as problem:
        why = problem.message  # what cannot be read cannot be revoked; whether it can be deleted is the store's to say
    try:
        if session is not None:
            why = _revoke(app, resolution, session)
            passing("revoked")
    finally:
        deleted = app.store.delete(name)
    passing("deleted")
    if not deleted and session is None:
        console.note(f"nothing is stored for `{name}`")
        return
    console.note(
        f"the {'key' if session and not session.is_session else 'session'} of `{name}` is deleted from the {app.store.label}"
    )
    if why is None:
        console.note("its refresh token and its access token are revoked")
        return
    from omniprofile.cli.browser_login import SETTINGS

    origin = session.origin if session else resolution.origin or "your instance"
    until = f" until {session.expires_at:%Y-%m-%d %H:%M} UTC" if session and session.expires_at else ""
    console.warn(
        f"it could not be revoked ({why}): the access token stays valid{until}, and the refresh token after that; revoke them in "
        f"Omni, {origin}, {SETTINGS}"
    )


def _revoke(app: App, resolution: Resolution, session: StoredSecret) -> str | None:
    """Revoke the session where it belongs; None, or why it was not done. Bounded in time."""
    if not session.is_session:
        return "it is an API key"
    from omniprofile.cli.browser_login import REVOKE_SECONDS, not_to_be_asked, revoke_session
    from omniprofile.instance.client import Client

    if (why := not_to_be_asked(app, resolution, session)) is not None:
        return why
    with Client(timeout=REVOKE_SECONDS, connections=1) as client:
        return revoke_session(client, session, None)
