"""The entry point: parse the command line, run one command, and map every outcome to an exit status."""

import argparse
import itertools
import sys
from collections.abc import Collection, Sequence
from contextlib import redirect_stdout

from omniprofile.app import App
from omniprofile.cli import exit_statuses
from omniprofile.cli.console import Console
from omniprofile.cli.parser import parse, split_command
from omniprofile.cli.signals import undone_on_signals
from omniprofile.cli.stream import flush, silence
from omniprofile.errors import Error, Interrupted, OperationFailed, Unexpected
from omniprofile.model.names import printable
from omniprofile.system.environment import Environment

_GIVES = frozenset({"token", "env"})
"""Commands whose stdout is parsed as the credential, so their errors go only to stderr, even with `--json`."""


def run(failed: BaseException | None = None) -> int:
    """Run this process's command line; return the exit status. `failed` is as for `main`."""
    environment = Environment.real()
    if sys.platform != "win32":  # on Windows `os.environ` is needed, as it ignores case
        # `os.environ` decodes a value at every access, which is slow with hundreds of profiles.
        environment = environment._replace(environ=dict(environment.environ))
    try:
        with undone_on_signals():
            status = main(sys.argv[1:], environment, failed)
    finally:
        # Otherwise the interpreter fails to flush the rest at exit, and exits with 120.
        flush(environment.stdout)
        flush(environment.stderr)
    return status


def main(argv: Sequence[str], environment: Environment, failed: BaseException | None = None) -> int:
    """Run one command line in `environment`; return the exit status. Only argparse's SystemExit (help) is raised.

    `failed` is an exception that the fast path raised; it is handled as if raised here.
    """
    console = Console(environment)
    as_json = _asks_for_json(argv)
    try:
        if failed is not None:
            raise failed  # noqa: TRY301 - handled by the clauses below
        args, command = parse(argv, lambda config: _names(environment, config))
        as_json = args.command not in _GIVES and (
            getattr(args, "json", False) or getattr(args, "format", None) == "json"
        )
        console = Console(environment, quiet=args.quiet, verbosity=args.verbose, no_colour=args.no_color)
        app = App(environment, config_flag=args.config, notify=console.note, warn=console.warn)
        console.home = app.places.home
        app.ask = console.confirm_protected if console.interactive else None
        if console.verbosity:
            app.detail = console.note
        if args.command == "exec":  # does not return
            _renew_prompt(args, app, console)
        try:
            # Stdout is only for data, written through `environment`; redirect what a keyring backend prints.
            with redirect_stdout(environment.stderr):
                return command.run(args, app, console) or exit_statuses.DONE
        finally:
            _renew_prompt(args, app, console)
    except BrokenPipeError:
        silence(environment.stdout)
        return exit_statuses.BROKEN_PIPE
    except (Exception, KeyboardInterrupt) as problem:  # noqa: BLE001 - the last resort: a bug becomes one line and a report
        if isinstance(problem, KeyboardInterrupt) and console.interactive:
            console.say("")  # ends the line with the terminal's `^C` or a question
        return _report(console, _error_of(problem, argv, environment), as_json, environment)


def _names(environment: Environment, config: str | None) -> Collection[str]:
    """Return the profile names, for hints about a wrong command line; none if the files are invalid."""
    try:
        return App(environment, config_flag=config).config.profiles
    except (Error, OSError):
        return ()


def _renew_prompt(args: argparse.Namespace, app: App, console: Console) -> None:
    """Renew the profile data that prompts read.

    It is renewed if the hook reports that this shell's data is stale, if a hook with a prompt is being loaded, or if the profile
    files have changed, by this command or before it.
    """
    from omniprofile.config import prompt_file

    asked = app.environment.environ.get("OMNIPROFILE_PROMPT") == "stale" or getattr(args, "prompt", False)
    try:
        if app.config_flag is None and (asked or prompt_file.is_stale(app.places)):
            app.renew_prompt()
    except (Error, OSError) as problem:
        # The command has done its work, so it does not fail; the prompt shows a `?`.
        if console.verbosity:
            console.note(f"the prompt could not be renewed: {problem}")


def _asks_for_json(argv: Sequence[str]) -> bool:
    """Return whether an unparsable command line asks for JSON. Words after `--` belong to the child."""
    if split_command(argv)[0] in _GIVES:
        return False
    words = list(itertools.takewhile(lambda word: word != "--", argv))
    return "--json" in words or "--format=json" in words or ("--format", "json") in itertools.pairwise(words)


def _report(console: Console, error: Error, as_json: bool, environment: Environment) -> int:
    try:
        console.report(error, as_json=as_json)
    except BrokenPipeError:
        silence(environment.stdout)
    except Error:
        # stdout cannot take the JSON, and stderr already has the message.
        return exit_statuses.status_of(error)
    if console.verbosity >= 2:
        from omniprofile.cli.crash import trace

        for line in trace(error):
            console.say(line)
    return exit_statuses.status_of(error)


def _error_of(problem: Exception | KeyboardInterrupt, argv: Sequence[str], environment: Environment) -> Error:
    """Return the error to report for any exception. For a bug, write the crash report."""
    if isinstance(problem, Error):
        return problem
    if isinstance(problem, KeyboardInterrupt):
        return Interrupted("interrupted")
    no_thread = isinstance(problem, RuntimeError) and "start new thread" in str(problem)
    if isinstance(problem, MemoryError) or no_thread:
        what = "memory or threads" if no_thread else "memory"
        return OperationFailed(f"there is not enough {what} for this process", hint="raise its limit: see `ulimit -a`")
    if isinstance(problem, ImportError) and (problem.name or "omniprofile").partition(".")[0] != "omniprofile":
        message = f"the library `{problem.name}` cannot be loaded: {printable(problem.msg, 200)}"
        hint = "install omniprofile again; where memory is limited (`ulimit -v`), raise the limit"
        return OperationFailed(message, hint=hint)
    from omniprofile.cli.crash import write_report

    frame = problem.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    where = f" at {frame.tb_frame.f_globals.get('__name__')}:{frame.tb_lineno}" if frame else ""
    path = write_report(problem, argv, App(environment))
    hint = f"report it with the file `{path}`" if path else "report what the same command prints with `-v -v`"
    bug = Unexpected(
        f"unexpected {type(problem).__name__}{where}: this is a bug in omniprofile", hint=f"{hint}; it holds no secret"
    )
    bug.__cause__ = problem
    return bug
