"""`omniprofile token`: the bare token of a profile, for programs that want nothing else."""

import argparse
import json

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.parser import PINNED, add_json, add_overrides, add_profile, add_yes, request_of
from omniprofile.cli.registry import Help
from omniprofile.cli.render.times import good_until, rfc3339
from omniprofile.credentials.permission import Intent
from omniprofile.credentials.protection import GIVE

HELP = Help(
    description="Prints the bare token and a line end. It is a secret: pipe it, do not show it.\n\n"
    "An OAuth session is refreshed five minutes ahead of its expiry (or a quarter of its life, if that is less), by "
    "one process at a time, and stored before it is used. `--force-refresh` asks for a new access token though the "
    "old one has time left, for a program that was refused; it stands down if anybody refreshed in the last ten "
    "seconds. Where the instance cannot be reached, an access token that is still valid is used meanwhile.\n\n"
    '`--header` prints `{"Authorization": "Bearer …"}`, what an MCP client calls a headers helper. With it and with '
    "`--json`, errors go to stderr alone.\n\n"
    "With `--json`: `version` (1), `profile`, `base_url`, `auth`, `token`, and `expires_at` (RFC 3339 or null).",
    examples=(
        ("omniprofile token staging --json", "token and host together, as a program needs them"),
        ("omniprofile token staging --header", "for `headersHelper` in the MCP settings of Claude Code"),
        (
            'curl -H @<(printf "Authorization: Bearer %s" "$(omniprofile token staging)") https://acme.omniapp.co/api/v1/whoami',
            "bash and zsh: not in curl's arguments, which are public",
        ),
    ),
    exits=(
        (4, "no usable credential was found"),
        (6, "token and host do not belong together"),
        (9, "the secret store cannot be used"),
    ),
    see=("exec", "env"),
)


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
    add_yes(parser, PINNED)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print the token, the header that carries it (RFC 6750, 2.1), or the whole credential as JSON."""
    resolution = app.resolve(request_of(args), GIVE)
    hint = f"name it, as in `omniprofile token {resolution.profile}`, or give `--yes`"
    intent = Intent(GIVE, hint=hint, yes=args.yes)
    credential = app.obtain(resolution, intent, interactive=console.interactive, force_refresh=args.force_refresh)
    app.record(resolution, "token")
    app.tell(good_until(credential, app.environment.now()), app.detail)
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
