"""`omniprofile exec`: run a command, or a shell, that has exactly this credential and no rival to it."""

import argparse
from datetime import timedelta

from omniprofile.app import App, Intent
from omniprofile.cli.console import Console
from omniprofile.cli.durations import span
from omniprofile.cli.expiry import tell_expiry
from omniprofile.cli.parser import add_overrides, add_profile, add_yes, call_of
from omniprofile.cli.registry import Help
from omniprofile.credentials.protection import RUN
from omniprofile.errors import UsageError
from omniprofile.handover.process import run_command
from omniprofile.handover.shield import omni_config
from omniprofile.handover.variables import child_environment
from omniprofile.model.names import printable
from omniprofile.model.variables import credential_variables

HELP = Help(
    description="Runs COMMAND with the profile's credential in its environment: `OMNI_BASE_URL`, `OMNI_API_TOKEN`, "
    "`OMNI_API_KEY`, `OMNI_PROFILE`, `OMNI_ORGANIZATION_NAME` where the host is `NAME.omniapp.co`, and the "
    "profile's own `env`. Rival variables are removed first, and with them the variable that the key came from; a child "
    "`omni` does not see its own config file. So exactly this credential is used, also by an `omniprofile` that the "
    "command calls for the same profile.\n\n"
    "A base URL and a token that you set in the environment yourself are used in place of the current profile's, unless "
    "a profile is named: that is said, and the command gets no `OMNI_PROFILE`. A protected profile, or its host, is asked "
    "for once an hour in one terminal session (on Linux, elsewhere each time); without a terminal it needs `--yes`.\n\n"
    "A session is renewed first when less than half of its life is left. `--for 2h` asks for more, and fails at once where "
    "that cannot be had; an API key lasts. A command that runs longer than its token calls `omniprofile exec` for each of "
    "its steps: that renews it. `-v` says until when the token is good.\n\n"
    "Without COMMAND a terminal gets a shell (`SHELL`, on Windows `COMSPEC`), in which `OMNI_PROFILE` names the profile.\n\n"
    "The command replaces omniprofile: its exit status and signals are its own. An error of omniprofile's ends "
    "with the statuses below before the command starts.",
    examples=(
        ("omniprofile exec staging -- omni whoami whoami", "the vendor's CLI"),
        ("omniprofile exec staging -- python report.py", "a program"),
        ("omniprofile exec staging", "a shell, until `exit`"),
        ("omniprofile exec prod --yes -- ./nightly.sh", "a protected profile, with nobody to ask"),
        (
            "omniprofile exec mine --for 2h -- ./migrate.sh",
            "with a session that lasts for two hours, or not at all",
        ),
    ),
    exits=(
        (4, "there is no usable credential, or none that lasts `--for` so long"),
        (5, "there is no such profile"),
        (6, "token and host do not belong together, or the profile is protected and there was no yes"),
        (126, "the command cannot be run"),
        (127, "there is no such command"),
    ),
    see=("env", "token"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; the command itself stands after `--`, where argparse does not look."""
    parser.usage = "omniprofile exec [NAME] [options] [-- COMMAND [ARGUMENT ...]]"
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
    command = args.child or _shell(app, console)
    resolution = app.resolve(call_of(args), RUN)
    program = printable(command[0])
    named = f" {resolution.profile}" if resolution.selection.named else ""
    hint = f"run `omniprofile exec --yes{named}{f' -- {program} …' if args.child else ''}`"
    intent = Intent(RUN, f"run `{program}` with it", hint, yes=args.yes, remember=True)
    credential = app.obtain(resolution, intent, interactive=console.interactive, job=args.job or timedelta(0))
    tell_expiry(console, credential, app.outside.now())
    environ = child_environment(
        credential_variables(credential, credential.base_url, credential.token),
        app.outside.environ,
        omni_config=omni_config(app.places.cache_folder),
        key_variables=resolution.key_variables,
    )
    if not args.child:
        console.note(f"`{program}` has the credential of `{resolution.profile}` until it ends")
    return run_command(command, environ)


def _shell(app: App, console: Console) -> list[str]:
    """Return the person's shell. Raises UsageError where there is no terminal."""
    if not console.interactive:
        raise UsageError(
            "no command is given", hint="`omniprofile exec NAME -- COMMAND …`: the command stands after `--`"
        )
    environ = app.outside.environ
    if app.outside.platform == "win32":
        return [environ.get("COMSPEC") or "cmd.exe"]
    return [environ.get("SHELL") or "/bin/sh"]
