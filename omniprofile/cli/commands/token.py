"""`omniprofile token`: the bare token of a profile, for programs that want nothing else."""

import argparse
import json

from omniprofile.app import App, Intent
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.expiry import tell_expiry
from omniprofile.cli.parser import add_json, add_overrides, add_profile, add_yes, call_of
from omniprofile.cli.render.times import rfc3339
from omniprofile.credentials.protection import GIVE


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_profile(parser)
    add_overrides(parser)
    parser.add_argument(
        "--force-refresh",
        action="store_true",
        help="refresh an OAuth session though it has time left, unless that was done in the last 10 seconds",
    )
    form = parser.add_mutually_exclusive_group()
    add_json(form)
    form.add_argument("--header", action="store_true", help="print a JSON object of the header that carries it")
    add_yes(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print the token, the header that carries it (RFC 6750, 2.1), or the whole credential as JSON."""
    resolution = app.resolve(call_of(args), GIVE)
    hint = f"name it, as in `omniprofile token {resolution.profile}`, or give `--yes`"
    intent = Intent(GIVE, hint=hint, yes=args.yes)
    credential = app.obtain(resolution, intent, interactive=console.interactive, force_refresh=args.force_refresh)
    tell_expiry(console, credential, app.outside.now())
    if args.json:
        console.json(
            {
                "version": 1,
                "profile": credential.profile,
                "base_url": credential.base_url,
                "auth": credential.auth,
                "token": credential.token,
                "expires_at": rfc3339(credential.expires_at),
            },
            exact=True,
        )
    elif args.header:
        console.give(json.dumps({"Authorization": f"Bearer {credential.token}"}) + "\n")
    else:
        console.give(credential.token + "\n")
    return DONE
