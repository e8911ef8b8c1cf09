"""`omniprofile exec`: run a command that has exactly this credential and no rival to it."""

import argparse
from datetime import timedelta

from omniprofile.app import App, Intent
from omniprofile.cli.console import Console
from omniprofile.cli.durations import span
from omniprofile.cli.expiry import tell_expiry
from omniprofile.cli.parser import add_overrides, add_profile, add_yes, call_of
from omniprofile.credentials.protection import RUN
from omniprofile.errors import UsageError
from omniprofile.handover.process import run_command
from omniprofile.handover.shield import omni_config
from omniprofile.handover.variables import child_environment
from omniprofile.model.names import printable
from omniprofile.model.variables import credential_variables


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; the command itself stands after `--`, where argparse does not look."""
    parser.usage = "omniprofile exec [NAME] [options] -- COMMAND [ARGUMENT ...]"
    add_profile(parser)
    add_overrides(parser)
    parser.add_argument(
        "--for",
        dest="job",
        type=span,
        metavar="DURATION",
        help="fail unless the credential lasts so long, such as `30s`, `10min`, `2h`, `1d`; a session is renewed for it",
    )
    add_yes(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Replace this process by the command (POSIX), or run it and return its exit status (Windows)."""
    if not args.child:
        raise UsageError(
            "no command is given", hint="`omniprofile exec NAME -- COMMAND …`: the command stands after `--`"
        )
    resolution = app.resolve(call_of(args), RUN)
    program = printable(args.child[0])
    named = f"{resolution.profile} " if resolution.selection.named else ""
    hint = f"run `omniprofile exec --yes {named}-- {program} …`"
    intent = Intent(RUN, f"run `{program}` with it", hint, yes=args.yes, remember=True)
    credential = app.obtain(resolution, intent, interactive=console.interactive, job=args.job or timedelta(0))
    tell_expiry(console, credential, app.outside.now())
    environ = child_environment(
        credential_variables(credential, credential.base_url, credential.token),
        app.outside.environ,
        omni_config=omni_config(app.places.cache_folder),
        key_variables=resolution.key_variables,
    )
    return run_command(args.child, environ)
