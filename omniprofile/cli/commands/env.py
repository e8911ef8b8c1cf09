"""`omniprofile env`: the credential as something a shell, a file or a CI job can take in."""

import argparse
import os

from omniprofile.app import App, Intent
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.parser import add_overrides, add_profile, add_yes, call_of
from omniprofile.credentials.protection import GIVE
from omniprofile.errors import CheckFailed, UsageError
from omniprofile.handover.process import parent_command
from omniprofile.handover.shells import SHELLS, calling_shell, github, render
from omniprofile.handover.variables import exports, removals
from omniprofile.system.files import reason


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_profile(parser)
    add_overrides(parser)
    parser.add_argument(
        "--shell", choices=sorted(SHELLS), help="whose syntax to print (default: the calling shell's, else bash)"
    )
    parser.add_argument("--unset", action="store_true", help="print what takes the variables away again")
    add_yes(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print the exports, or with `--unset` their removal."""
    environ = app.outside.environ
    shell = args.shell or calling_shell(environ, parent_command())
    if args.unset:
        assign: dict[str, str] = {}
        remove = removals(environ)
        secrets: list[str] = []
    else:
        resolution = app.resolve(call_of(args))
        hint = f"name it, as in `omniprofile env {resolution.profile}`, or give `--yes`"
        credential = app.obtain(resolution, Intent(GIVE, hint=hint, yes=args.yes), interactive=console.interactive)
        assign, remove = exports(credential, environ)
        secrets = [credential.token]
    if shell == "github":
        _to_github(app, console, assign, remove, secrets)
    else:
        console.give(render(shell, assign, remove))
    return DONE


def _to_github(app: App, console: Console, assign: dict[str, str], remove: list[str], secrets: list[str]) -> None:
    """Mask the secrets in the job's log first, then append to the file that GitHub Actions reads variables from."""
    path = app.outside.environ.get("GITHUB_ENV")
    if not path:
        raise UsageError("`GITHUB_ENV` is not set", hint="the format `github` is for a step of a GitHub Actions job")
    masks, lines = github(assign, remove, secrets)
    console.give(masks)
    try:
        with open(
            os.path.join(app.outside.cwd or os.sep, path), "a", encoding="utf-8", errors="surrogateescape", newline="\n"
        ) as file:
            file.write(lines)
    except OSError as problem:
        raise CheckFailed(f"`GITHUB_ENV`'s file cannot be written: {reason(problem)}") from problem
