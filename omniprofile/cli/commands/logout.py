"""`omniprofile logout`: delete a profile's stored credential, and be honest about what stays valid."""

import argparse

from omniprofile.app import App, Call
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.parser import add_profile, named_profile


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_profile(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Delete what is stored for the profile."""
    resolution = app.declared(Call(named_profile(args)))
    name = resolution.profile
    if app.store.delete(name):
        console.note(f"the key of `{name}` is deleted from the {app.store.label}")
        console.note(
            f"an API key cannot be revoked from here and stays valid: revoke it in Omni, {resolution.origin or 'your instance'}, "
            "Settings > API access"
        )
    elif resolution.auth == "api-key" and resolution.key.kind != "keyring":
        console.note(f"`{name}` takes its key from {resolution.key}: nothing is stored, and nothing was deleted")
    else:
        console.note(f"nothing is stored for `{name}`")
    return DONE
