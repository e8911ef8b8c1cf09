"""`omniprofile token`: print the bare token of a profile, for programs that need nothing else."""

import argparse
import json
from typing import Literal

from omniprofile.app import App
from omniprofile.cli.arguments import PINNED, Help, add_flag, add_json, add_overrides, add_profile, add_yes, request_of
from omniprofile.cli.console import Console
from omniprofile.cli.render.times import good_until, rfc3339
from omniprofile.credentials.intent import Intent
from omniprofile.model.credential import Credential

HELP = Help(
    description="Prints the bare token and a line end. It is a secret: pipe it, do not show it.\n\n"
    "An OAuth session is refreshed when less than five minutes are left (or less than a quarter of its life, if "
    "that is shorter), by one process at a time, and stored before it is used. `--force-refresh` gets a new "
    "access token even if the old one is not about to expire, for a program whose token was refused; it does "
    "nothing if the session was refreshed in the last ten seconds. If the instance cannot be reached, an access "
    "token that is still valid is used.\n\n"
    '`--header` prints `{"Authorization": "Bearer …"}`, for MCP clients that run a headers helper. With it and '
    "with `--json`, errors go to stderr only.\n\n"
    "With `--json`: `version` (1), `profile` (null if the token is the environment's own), `base_url`, `auth`, `token`, and "
    "`expires_at` (RFC 3339 or null).",
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
    add_profile(parser)
    add_overrides(parser)
    add_flag(
        parser,
        "--force-refresh",
        "refresh an OAuth session even if it is still valid, unless it was refreshed in the last 10 s",
    )
    form = parser.add_mutually_exclusive_group()
    add_json(form)
    add_flag(form, "--header", "print the `Authorization` header as a JSON object")
    add_yes(parser, PINNED)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    """Print the token, the header that carries it (RFC 6750, 2.1), or the whole credential as JSON."""
    credential = given_credential(args, app, console, "token", force_refresh=args.force_refresh)
    if args.json:
        console.json(
            {
                "version": 1,
                "profile": credential.profile if credential.of_profile else None,
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


def given_credential(
    args: argparse.Namespace, app: App, console: Console, how: Literal["env", "token"], *, force_refresh: bool = False
) -> Credential:
    """Obtain the credential that a command prints, and record that in the audit log. `how` is the command's name."""
    resolution = app.resolve(request_of(args), "give")
    hint = f"name it, as in `omniprofile {how} {resolution.profile}`, or give `--yes`"
    intent = Intent("give", hint=hint, yes=args.yes)
    credential = app.obtain(resolution, intent, interactive=console.interactive, force_refresh=force_refresh)
    app.record(resolution, how)
    app.tell(good_until(credential, app.environment.now()), app.detail)
    return credential
