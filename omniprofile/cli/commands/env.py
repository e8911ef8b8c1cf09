"""`omniprofile env`: print the credential for a shell, a file or a CI job."""

import argparse
import os
from collections.abc import Sequence

from omniprofile.app import App
from omniprofile.cli.arguments import PINNED, Help, add_flag, add_option, add_overrides, add_profile, add_yes
from omniprofile.cli.commands.token import given_credential
from omniprofile.cli.console import Console
from omniprofile.cli.credential_files import append_to_github_env, replace_file
from omniprofile.errors import Error, UsageError
from omniprofile.handover.calling_shell import calling_shell, parent_command
from omniprofile.handover.env_file_syntax import github
from omniprofile.handover.shell_syntax import FILES, SHELLS, render
from omniprofile.handover.variables import exports, removals
from omniprofile.model.names import printable, printable_place
from omniprofile.system.atomic_write import PRIVATE
from omniprofile.transfer.omni_config import OmniConfig
from omniprofile.transfer.omni_config_path import shell_omni_config_path

HELP = Help(
    description="Prints assignments of `OMNI_BASE_URL`, `OMNI_API_TOKEN`, `OMNI_API_KEY`, `OMNI_PROFILE` and the profile's "
    "own `env`, quoted for the shell so that any value survives. The shell also gets a mark, by which omniprofile "
    "knows them from variables that you set yourself. If you have set a base URL and a token in the environment, "
    "and name no profile, those two are printed instead of the profile's: a note says so, and `OMNI_PROFILE` is "
    "left out.\n\n"
    "Variables in the shell that would lead a program to another credential or host, such as "
    "`OMNI_VANITY_DOMAIN`, are removed. `--unset`, and the next `env`, remove what was exported, except values "
    "that you have changed since.\n\n"
    "`--output` replaces FILE, as a whole or not at all, with a file that only you can read (mode 0600). A link, "
    "pipe or device is refused.\n\n"
    "If the vendor's `omni` has a default profile of its own whose OAuth session has expired, `omni` would renew "
    "that session and send its token instead of this one: a note says so.\n\n"
    "To run a single program, `omniprofile exec` is safer: it leaves no token in the shell.",
    examples=(
        ('eval "$(omniprofile env staging)"', "into this shell"),
        ('eval "$(omniprofile env --unset)"', "and out again"),
        ("omniprofile env staging --output .env", "a file for the SDK or `docker run --env-file`: never commit it"),
        ("omniprofile env ci --shell github", "for the later steps of a GitHub Actions job, masked in its log"),
    ),
    exits=(
        (4, "no usable credential was found"),
        (5, "the profile does not exist"),
        (6, "token and host do not belong together, a pin selects a protected profile, or FILE is a link or pipe"),
    ),
    see=("exec", "token"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_profile(parser)
    add_overrides(parser)
    parser.add_argument(
        "--shell",
        choices=sorted(SHELLS),
        help="the syntax to print (default: that of the calling shell, else bash; `dotenv` if FILE is a `.env`)",
    )
    add_option(parser, "--output", "FILE", "write to a file that only you can read; `-` is standard output")
    add_flag(parser, "--unset", "print what removes the variables again")
    add_yes(parser, PINNED)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    environ = app.environment.environ
    if args.output == "":
        raise UsageError("the value of `--output` is empty", hint="`-` is standard output")
    output = None if args.output == "-" else args.output
    if output and args.shell == "github":
        raise UsageError("`--shell github` writes to the file of `GITHUB_ENV`", hint="leave `--output` out")
    github_env = environ.get("GITHUB_ENV", "")
    if args.shell == "github" and not github_env:
        raise UsageError("`GITHUB_ENV` is not set", hint="the format `github` is for a step of a GitHub Actions job")
    name = os.path.basename(output or "")
    usual = "dotenv" if name.startswith(".env.") or name.endswith(".env") else None  # the names that tools expect
    shell = args.shell or usual or calling_shell(environ, parent_command())
    if args.unset:
        assign, remove, secrets = dict[str, str](), removals(environ), list[str]()
    else:
        credential = given_credential(args, app, console, "env")
        assign, remove = exports(credential, environ)
        secrets = [secret.reveal() for secret in credential.secrets]
        if not output and shell not in FILES:
            _warn_of_omni(app, console, remove)
    if shell == "github":
        masks, lines = github(assign, remove, secrets)
        console.give(masks)
        append_to_github_env(app, github_env, lines)
    elif output:
        replace_file(app, output, render(shell, assign, remove))
        console.note(f"`{printable_place(output)}` was written{PRIVATE}")
    else:
        console.give(render(shell, assign, remove))


def _warn_of_omni(app: App, console: Console, removed: Sequence[str]) -> None:
    """Warn that a bare `omni` in this shell would use another credential: its own expired session, renewed."""
    there = app.environment
    path = shell_omni_config_path(there.environ, removed, platform=there.platform, home=app.places.home)
    if path is None:
        return
    try:
        config = OmniConfig.read(os.path.join(there.cwd or os.sep, path), whole=False)
    except Error:
        return  # `omni` does not accept it as a config either
    default = config.default
    if default and default.is_renewed and default.has_expired(there.now()):
        console.warn(
            f"a bare `omni` will not use this credential: its own default profile `{printable(default.name, 40)}` "
            f"(`{printable_place(path)}`) is an expired OAuth session, which it renews and sends instead; "
            "use `omniprofile exec -- omni …`"
        )
