"""`omniprofile each`: run a command once per profile, several at once, each with only its own credential."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from omniprofile.app import App, ProfileRequest
from omniprofile.cli.arguments import Help, add_flag, add_gateway, add_jobs, add_json, add_yes
from omniprofile.cli.command_credentials import environment_of, hand_over, instead_of_omni, real_omni
from omniprofile.cli.console import Console, error_json
from omniprofile.cli.corrected_lines import require_program
from omniprofile.cli.exit_statuses import DONE, FINDINGS
from omniprofile.cli.style import shown
from omniprofile.config.name_patterns import matching, without_mixins
from omniprofile.credentials.intent import Intent
from omniprofile.errors import Error, ProtectedProfile, UsageError
from omniprofile.handover.omni_command_line import CommandLine
from omniprofile.handover.real_omni import is_omni
from omniprofile.handover.run_in_parallel import Commands, Stream
from omniprofile.model.names import printable, quoted_list
from omniprofile.model.resolution import Resolution
from omniprofile.system.capture import end_captures
from omniprofile.system.threads import concurrently

JOBS = 8
_COLOURS = ("cyan", "magenta", "blue", "green", "yellow")

HELP = Help(
    description="Runs COMMAND once for each profile that a PATTERN matches, with the environment that `omniprofile exec NAME` "
    "gives it. A PATTERN is a name, a glob over names such as `'acme-*'`, or `@TAG` for all profiles that have "
    "this tag in their `tags`. The profiles count as named on the command line: `OMNI_API_TOKEN` and similar "
    "variables are ignored. A profile that others extend and that has no address is left out, unless you give its "
    "full name.\n\n"
    "Each line of output is prefixed with its profile's name and goes to the stream that the command wrote it to; "
    "lines longer than 1 MiB are split. The commands have no standard input and no terminal. Ctrl-C ends all of "
    "them, with everything they started.\n\n"
    "A protected profile runs only if you give its full name, with `--yes` or a confirmation on the terminal. "
    "Otherwise it is skipped, with a note, and does not count as a failure. A profile without a credential counts "
    "as a failure, as does a command that exits with anything but 0; the others still run.\n\n"
    "`--json` prints one object when all commands have ended, with the complete output of each; bytes that are "
    "not UTF-8 appear there as U+FFFD. For a command that a signal ended, the exit code is 128 plus the signal's "
    "number.",
    examples=(
        ("omniprofile each @acme -- omni whoami whoami", "all profiles with a tag"),
        ("omniprofile each --all -j 4 -- ./nightly.sh", "all that are not protected, four at once"),
        ("omniprofile each 'acme-*' prod --yes --json -- omni models list", "and a protected one, for a program"),
    ),
    exits=(
        (0, "every command exited with 0"),
        (1, "one did not, or a profile has no credential"),
        (5, "no profile matches a PATTERN"),
    ),
    see=("exec", "test", "list"),
)


class _Result:
    """The result of one profile. `label` precedes each of its lines."""

    def __init__(self, profile: str, label: str, colour: str) -> None:
        self.profile = profile
        self.label = label
        self.colour = colour
        self.exit_code: int | None = None
        self.seconds: float | None = None
        self.output: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.skipped = False
        self.error: Error | None = None
        self.unwritten: Error | None = None
        """Why the output cannot be written. It ends the run, and is not counted against the profile."""

    def as_json(self) -> dict[str, object]:
        return {
            "profile": self.profile,
            "exit_code": self.exit_code,
            "duration_ms": None if self.seconds is None else round(self.seconds * 1000, 1),
            "stdout": self.output["stdout"].decode("utf-8", "replace"),
            "stderr": self.output["stderr"].decode("utf-8", "replace"),
            "skipped": "protected" if self.skipped else None,
            **(error_json(self.error) if self.error else {"error": None}),
        }


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments. The command follows `--`, where argparse does not look."""
    parser.usage = "omniprofile each [PATTERN ...] [options] -- COMMAND [ARGUMENT ...]"
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="names, globs or `@TAG`s")
    add_flag(parser, "--all", "every profile")
    add_jobs(parser, JOBS)
    add_gateway(parser)
    add_json(parser)
    add_yes(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    if not args.child:
        raise UsageError("no command is given", hint="put it after `--`: `omniprofile each PATTERN -- COMMAND`")
    if args.all and args.patterns:
        raise UsageError("`--all` and a pattern are given", hint="leave one of them out")
    if not args.all and not args.patterns:
        raise UsageError("no profile is named", hint="name some by a PATTERN, or all by `--all`")
    config = app.config_for_all(args.patterns)
    app.require_any()
    require_program("each", args.child, config.profiles, app.environment.environ)
    # For each profile, whether it was named in full.
    matched = dict.fromkeys(config.profiles, False) if args.all else matching(config, args.patterns)
    matched = without_mixins(config, matched)
    width = max(map(len, matched))
    results = [_Result(name, f"{name:{width}} | ", _COLOURS[at % len(_COLOURS)]) for at, name in enumerate(matched)]
    intent = Intent("run", f"run `{printable(args.child[0])}` with it", remember=True)
    permitted: list[tuple[_Result, Resolution]] = []
    for result in results:
        with _error_kept(result):
            resolution = app.resolve(ProfileRequest.for_profile(result.profile), "run")
            in_full = matched[result.profile]
            try:
                app.permit(resolution, intent._replace(yes=args.yes and in_full, asks=in_full))
                permitted.append((result, resolution))
            except ProtectedProfile as refusal:
                result.skipped = True
                console.warn(f"{refusal.message}: skipped; to run it, give its full name and `--yes`")
    interactive = console.interactive and len(permitted) == 1
    running = _Run(args, app, console, intent._replace(yes=True), interactive, Commands())
    for result in results:
        running.say_error(result)
    running.all(permitted)
    if args.json:
        console.json({"results": [result.as_json() for result in results]}, exact=True)
    failed = [
        f"`{result.profile}` ({result.error.code if result.error else f'exit {result.exit_code}'})"
        for result in results
        if not result.skipped and result.exit_code != 0
    ]
    skipped = [result.profile for result in results if result.skipped]
    console.note(
        f"{len(results) - len(failed) - len(skipped)} of {len(results)} ok"
        + (f"; failed: {', '.join(failed)}" if failed else "")
        + (f"; skipped as protected: {quoted_list(skipped, 'and')}" if skipped else "")
    )
    return FINDINGS if failed else DONE


@contextmanager
def _error_kept(result: _Result) -> Iterator[None]:
    try:
        yield
    except Error as error:
        result.error = error


class _Run(NamedTuple):
    """The commands of one run, whose threads share it. `interactive`: a key command may use the terminal."""

    args: argparse.Namespace
    app: App
    console: Console
    intent: Intent
    interactive: bool
    commands: Commands

    def all(self, permitted: Sequence[tuple[_Result, Resolution]]) -> None:
        """Run each command to its end. Any exception ends all of them and is raised."""
        with self.commands:
            try:
                for result in concurrently(self.one, permitted, self.args.jobs):
                    self.say_error(result)
            except BaseException:
                self.commands.end()
                end_captures()
                raise

    def one(self, permitted: tuple[_Result, Resolution]) -> _Result:
        """Run one command, and record how it ended. Raises the error that the output cannot be written, which ends them all."""
        result, resolution = permitted
        with _error_kept(result), ExitStack() as opened:
            self.run(result, resolution, opened)
        if result.unwritten:
            raise result.unwritten
        return result

    def run(self, result: _Result, resolution: Resolution, opened: ExitStack) -> None:
        command, as_json = self.args.child, self.args.json

        def emit(stream: Stream, part: bytes) -> None:
            if as_json:
                result.output[stream] += part
                return
            try:
                self.console.relay(part, result.label, result.colour, error=stream == "stderr")
            except Error as error:
                result.unwritten = error
                raise

        line = CommandLine(command[1:]) if is_omni(command[0]) else None
        if line and not line.direct and (said := instead_of_omni(line, resolution)):
            emit("stdout", said.encode())
            result.exit_code, result.seconds = DONE, 0.0
            return
        gateway, interactive = self.args.gateway, self.interactive
        handed = hand_over(
            self.app, resolution, self.intent, opened, command[0], gateway=gateway, interactive=interactive
        )
        environ = environment_of([handed], self.app.environment.environ)
        if line:
            command, environ = real_omni(command, environ, self.console.note)
        started = handed.gateway.start if handed.gateway else lambda: None
        result.exit_code, result.seconds = self.commands.run(command, environ, emit, started)

    def say_error(self, result: _Result) -> None:
        """Print why a profile's command did not run, if it did not."""
        if result.error is not None and not self.args.json:
            lines = shown(f"omniprofile: error: {result.error.lines}").encode("utf-8", "surrogateescape")
            self.console.relay(lines, result.label, result.colour, error=True)
