"""`omniprofile env`: the credential as something a shell, a file or a CI job can take in."""

import argparse
import errno
import os
import stat

from omniprofile.app import App, Intent
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.parser import add_overrides, add_profile, add_yes, call_of
from omniprofile.credentials.protection import GIVE
from omniprofile.errors import CheckFailed, Refused, UsageError
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
        resolution = app.resolve(call_of(args), GIVE)
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
        with open(_opened(os.path.join(app.outside.cwd or os.sep, path)), "ab") as file:
            file.write(lines.encode("utf-8", "surrogateescape"))
    except OSError as problem:
        raise CheckFailed(f"the file of `GITHUB_ENV` cannot be written: {reason(problem)}") from problem


def _opened(path: str) -> int:
    """Open the file for appending: the runner's own as it is, a new one for its owner alone. Raises OSError, and Refused.

    A link or a pipe would take the credential to somebody else's file or program.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    refused = Refused(
        "the file of `GITHUB_ENV` is not a regular file, so the credential would go somewhere else",
        hint="set `GITHUB_ENV` to a file, or leave it as the runner set it",
    )
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as problem:
        if problem.errno in (errno.ELOOP, errno.ENXIO):  # a link, a pipe that nobody reads
            raise refused from problem
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise refused
    return descriptor
