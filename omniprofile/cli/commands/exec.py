"""`omniprofile exec`: run a command or a shell with exactly one credential, or one per prefix."""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta

from omniprofile.app import App
from omniprofile.cli import arguments
from omniprofile.cli.arguments import Help
from omniprofile.cli.command_credentials import Handed, environment_of, hand_over, instead_of_omni, real_omni
from omniprofile.cli.console import Console
from omniprofile.cli.corrected_lines import line_meant, require_program, with_yes
from omniprofile.cli.exec_prefixes import permit_all, prefixed_requests
from omniprofile.cli.exit_statuses import DONE
from omniprofile.cli.render.times import good_until
from omniprofile.cli.signals import end_as
from omniprofile.credentials.intent import Intent
from omniprofile.errors import UsageError
from omniprofile.handover.omni_command_line import CommandLine
from omniprofile.handover.real_omni import is_omni, unreached
from omniprofile.handover.rival_dotenv import rival_dotenv
from omniprofile.handover.run_as_child import run_child
from omniprofile.handover.run_in_place import run_command
from omniprofile.handover.variables import SHIM, child_environment
from omniprofile.model.credential_variables import HIDDEN
from omniprofile.model.names import printable, printable_place, quoted_list
from omniprofile.model.near_names import closest

HELP = Help(
    description="Runs COMMAND with the profile's credential in its environment: `OMNI_BASE_URL`, `OMNI_API_TOKEN`, "
    "`OMNI_API_KEY`, `OMNI_PROFILE`, `OMNI_ORGANIZATION_NAME` where the host is `NAME.omniapp.co`, and the "
    "profile's own `env`. Rival variables are removed first, including the one that the key came from. COMMAND "
    "replaces omniprofile (on Windows, omniprofile waits for it), so its exit status and signals are its own; the "
    "statuses below are those of errors before it starts.\n\n"
    "If you have set a base URL and a token in the environment, and name no profile, these are used instead of "
    "the current profile's: a note says so, and COMMAND gets no `OMNI_PROFILE`. A protected profile, and any "
    "credential for its host, needs a confirmation, once an hour in each terminal session (on Linux; each time "
    "elsewhere), or `--yes` where there is no terminal.\n\n"
    "A session is renewed first when less than half of its life is left. `--for 2h` asks for more, and fails at "
    "once where a session cannot last that long; an API key does not expire. `-v` says until when the token is "
    "good. If COMMAND may run longer than its token lasts, use `--gateway`, or call `omniprofile exec` for each "
    "step.\n\n"
    "With `--gateway`, and always where the profile's `access` is not `full`, COMMAND gets the address of a "
    "gateway on this machine and a token that is good for this run only. The gateway forwards requests to the "
    "instance with the real credential and renews it when needed: COMMAND never holds that credential and never "
    "sees it expire. omniprofile stays as COMMAND's parent, with its exit status, and ends with it, which also "
    "ends the gateway for anything left in the background.\n\n"
    "`--as` gives one command several profiles: all variables of each, including its own `env`, start with its "
    "prefix, as in `SOURCE_OMNI_API_TOKEN`, and none without a prefix is set. Each profile counts as named, and "
    "each session is renewed. When COMMAND calls omniprofile for one of these profiles, that uses the credential "
    "given here.\n\n"
    "`omni` under `exec` runs through a wrapper that passes it this credential, with a session renewed at each "
    "call. It does not see omni's own config file, and refuses `--token`, and a `-p` or `--base-url` of another "
    "profile or instance. `omni config show` and `list` show the profile; for other `omni config` verbs it names "
    "the omniprofile command to use instead. A host of `allowed_hosts` is allowed for each call. The wrapper "
    "refuses to run where its environment has been emptied or changed, because `omni` would then use its own "
    "config. `-v` and `doctor` say when the wrapper is not first on `PATH`.\n\n"
    "Without COMMAND, on a terminal, you get a shell (`SHELL`, on Windows `COMSPEC`) in which `OMNI_PROFILE` "
    "names the profile.\n\n"
    "A note says when a `.env` in this folder, or the nearest one above, names another instance: a program that "
    "loads it may go there.",
    examples=(
        ("omniprofile exec staging -- omni whoami whoami", "the vendor's CLI"),
        ("omniprofile exec staging -- python report.py", "a program"),
        ("omniprofile exec staging", "a shell, until `exit`"),
        ("omniprofile exec mine --gateway -- ./nightly.sh", "a job of many hours, whose token never expires"),
        (
            "omniprofile exec --as SOURCE_=staging --as TARGET_=prod --yes -- ./migrate.py",
            "two instances at once: `SOURCE_OMNI_BASE_URL`, `TARGET_OMNI_API_TOKEN` and so on",
        ),
        ("omniprofile exec prod --yes -- ./nightly.sh", "a protected profile, with nobody to ask"),
        ("omniprofile exec mine --for 2h -- ./migrate.sh", "with a session that lasts for two hours, or not at all"),
    ),
    exits=(
        (4, "no usable credential, or none that lasts as long as `--for` asks"),
        (5, "the profile does not exist"),
        (
            6,
            "token and host do not belong together, the profile is protected and was not confirmed, or `omni` was misdirected",
        ),
        (126, "the command cannot be run"),
        (127, "the command is not found"),
    ),
    see=("env", "gateway", "token"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments. The command follows `--`, where argparse does not look."""
    parser.usage = "omniprofile exec [NAME] [options] [-- COMMAND [ARGUMENT ...]]"
    arguments.add_profile(parser)
    prefixed = "a profile whose variables all start with PREFIX; may be repeated; no variable without a prefix is set"
    arguments.add_option(parser, "--as", "PREFIX=NAME", prefixed, dest="prefixes", action="append")
    arguments.add_overrides(parser)
    lasts = (
        "fail unless the credential lasts this long, such as `30s`, `10min`, `2h`, `1d`; renews a session if that helps"
    )
    arguments.add_option(parser, "--for", "DURATION", lasts, dest="job", type=arguments.span, default=timedelta(0))
    arguments.add_gateway(parser)
    arguments.add_yes(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Replace this process with the command (POSIX), or run it and return its exit status (Windows, and with a gateway)."""
    requests = prefixed_requests(args) if args.prefixes else {"": arguments.request_of(args)}
    command = args.child or _shell(args, app, console)
    line = CommandLine(command[1:]) if is_omni(command[0]) and not args.prefixes else None
    if line and line.direct:
        if (named := requests[""].profile) is not None:
            app.require(named.value, named.provenance)
        environ = child_environment({}, app.environment.environ)
        return run_command(*real_omni(command, environ, console.note))
    resolutions = {prefix: app.resolve(request, "run") for prefix, request in requests.items()}
    require_program("exec", command, app.config.profiles, app.environment.environ)
    intent = Intent("run", f"run `{printable(command[0])}` with it", with_yes(args), yes=args.yes, remember=True)
    if args.prefixes:
        intent = permit_all(app, resolutions, intent)
    if line and (said := instead_of_omni(line, resolutions[""])):
        console.give(said)
        return DONE
    with ExitStack() as opened:
        handed = [
            hand_over(
                app,
                resolution,
                intent,
                opened,
                command[0],
                prefix=prefix,
                gateway=args.gateway,
                interactive=console.interactive,
                job=args.job,
            )
            for prefix, resolution in resolutions.items()
        ]
        environ = environment_of(handed, app.environment.environ)
        _tell_what_it_gets(args, app, console, handed, environ)
        if line:
            command, environ = real_omni(command, environ, console.note)
        gateways = [each.gateway for each in handed if each.gateway]
        if not gateways:
            return run_command(command, environ)

        def started() -> None:
            for gateway in gateways:
                gateway.start()

        status = run_child(command, environ, started)
    return end_as(status)


def _tell_what_it_gets(
    args: argparse.Namespace, app: App, console: Console, handed: Sequence[Handed], environ: Mapping[str, str]
) -> None:
    """Print how long the tokens are good, what a child `omni` does, if a `.env` names another instance, what a shell has."""
    for each in handed:
        if not each.gateway:
            app.tell(good_until(each.credential, app.environment.now()), app.detail)
    for prefix, name in (word.split("=", 1) for word in args.prefixes or ()):
        if not prefix.endswith("_"):
            app.tell(
                f"`--as {prefix}={name}` sets `{prefix}OMNI_API_TOKEN`; for `{prefix}_OMNI_API_TOKEN`, write "
                f"`--as {prefix}_={name}`"
            )
    if console.verbosity:
        console.note(f"`omni` will not see its own config, nor save one: {HIDDEN}")
        if found := unreached(environ, SHIM):
            why, remedy = found
            console.note(f"{why}: `omni` is the real one, which ignores another `-p` and obeys `--base-url`; {remedy}")
        else:
            shim = printable_place(SHIM)
            console.note(f"`omni` is omniprofile's own (`{shim}`), which uses only the credential that it is given")
    cwd, origin = app.environment.cwd, handed[0].credential.origin
    if not args.prefixes and cwd and (rival := rival_dotenv(cwd, str(origin))):
        path, name, other = rival
        app.tell(
            f"`{printable_place(path)}` names {printable(other, 100)} in `{name}`: a program that loads that file may use it "
            f"in place of {origin}"
        )
    if not args.child:
        who = quoted_list((each.credential.profile for each in handed), "and")
        console.note(f"the shell has the credential of {who} until it ends")


def _shell(args: argparse.Namespace, app: App, console: Console) -> list[str]:
    """Return the user's shell. Raises UsageError if there is no terminal, or NAME can only be the command."""
    profiles = app.config.profiles
    if args.name is not None and args.name not in profiles:
        if closest(args.name, profiles):
            app.require(args.name)  # raises an error that suggests similar names
        line = line_meant("exec", [], [args.name])
        raise UsageError(
            f"profile `{printable(args.name)}` not found, and no command is given",
            hint=f"if that is the command, run `{line}`",
        )
    if not console.interactive:
        named = arguments.request_of(args).profile
        line = " ".join(f"--as {printable(word)}" for word in args.prefixes or ()) or (named.value if named else "NAME")
        raise UsageError("no command is given", hint=f"put it after `--`: `omniprofile exec {line} -- COMMAND`")
    environ = app.environment.environ
    if app.environment.platform == "win32":
        return [environ.get("COMSPEC") or "cmd.exe"]
    return [environ.get("SHELL") or "/bin/sh"]
