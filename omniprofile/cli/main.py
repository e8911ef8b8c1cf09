"""The command line's entry: parse, run one command, and turn whatever happens into one exit status."""

import argparse
import gc
import itertools
import os
import sys
from collections.abc import Collection, Sequence
from contextlib import redirect_stdout
from dataclasses import replace

from omniprofile.app import App
from omniprofile.cli import exits
from omniprofile.cli.console import Console
from omniprofile.cli.parser import command_first, parse
from omniprofile.cli.signals import undone_on_signals
from omniprofile.cli.stream import flush, silence
from omniprofile.errors import Error, Interrupted, OperationFailed, Unexpected
from omniprofile.model.names import printable
from omniprofile.system.environment import Environment
from omniprofile.system.threads import left_running

_GIVES = frozenset({"token", "env"})
"""Commands whose stdout a program takes for the credential: their errors go to stderr alone, also with `--json`."""


def run(failed: BaseException | None = None) -> int:
    """Run the command line of this process; return the exit status. `failed` is as for `main`."""
    environment = Environment.real()
    if sys.platform != "win32":  # where names are found in any case
        # `os.environ` decodes a name or value again each time it is looked at, which hundreds of profiles make often.
        environment = replace(environment, environ=dict(environment.environ))
    try:
        with undone_on_signals():
            status = main(sys.argv[1:], environment, failed)
    finally:
        # The interpreter would fail at its end with what is left to flush, and make 120 of the status.
        flush(environment.stdout)
        flush(environment.stderr)
        gc.freeze()  # the process is about to end: nothing that it has made is looked through once more
    if (
        left_running()
    ):  # a thread in a library, when the interpreter is taken down around it, can end by a segmentation fault
        os._exit(status)
    return status


def main(argv: Sequence[str], environment: Environment, failed: BaseException | None = None) -> int:
    """Run one command line in `environment`; return the exit status. Nothing but SystemExit by argparse's help escapes.

    `failed` is what the fast path ran into after it had answered: it ends as if it had happened here.
    """
    console = Console(environment)
    as_json = _asks_for_json(argv)
    try:
        if failed is not None:
            raise failed  # noqa: TRY301 - the clauses below are for it, too
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
        if args.command == "exec":  # which never comes back
            _renew_prompt(args, app, console)
        try:
            # Stdout is for data alone, which `environment` writes: what a keyring's backend prints is not.
            with redirect_stdout(environment.stderr):
                return command.run(args, app, console) or exits.DONE
        finally:
            _renew_prompt(args, app, console)
    except Error as error:
        return _report(console, error, as_json, environment)
    except KeyboardInterrupt:
        if console.interactive:
            console.say("")  # the terminal's `^C`, and a question, stand in the line
        return _report(console, Interrupted("interrupted"), as_json, environment)
    except BrokenPipeError:
        silence(environment.stdout)
        return exits.BROKEN_PIPE
    except MemoryError:
        return _report(console, _out_of("memory"), as_json, environment)
    except Exception as problem:  # noqa: BLE001 - the last resort: a bug becomes one line and a report
        if isinstance(problem, RuntimeError) and "start new thread" in str(problem):
            return _report(console, _out_of("memory or threads"), as_json, environment)
        if isinstance(problem, ImportError) and (problem.name or "omniprofile").partition(".")[0] != "omniprofile":
            message = f"the library `{problem.name}` cannot be loaded: {printable(problem.msg, 200)}"
            hint = "install omniprofile again; where memory is limited (`ulimit -v`), raise the limit"
            return _report(console, OperationFailed(message, hint=hint), as_json, environment)
        return _report_bug(console, problem, argv, environment, as_json=as_json)


def _names(environment: Environment, config: str | None) -> Collection[str]:
    """Return the names of the profiles, for what is said of a wrong command line; none where the files are wrong, too."""
    try:
        return App(environment, config_flag=config).config.profiles
    except (Error, OSError):
        return ()


def _out_of(what: str) -> Error:
    return OperationFailed(f"there is not enough {what} for this process", hint="raise its limit: see `ulimit -a`")


def _renew_prompt(args: argparse.Namespace, app: App, console: Console) -> None:
    """Renew what prompts know of the profiles: where the hook says that this shell's knows nothing current, where a hook with
    a prompt is being loaded, and where the profile files were changed, by this command or before it.
    """
    from omniprofile.config import prompt

    asked = app.environment.environ.get("OMNIPROFILE_PROMPT") == "stale" or getattr(args, "prompt", False)
    try:
        if app.config_flag is None and (asked or prompt.is_stale(app.places)):
            app.renew_prompt()
    except (Error, OSError) as problem:
        # No reason for a command to fail that has done its work; the prompt shows that it does not know.
        if console.verbosity:
            console.note(f"the prompt could not be renewed: {problem}")


def _asks_for_json(argv: Sequence[str]) -> bool:
    """Tell whether a command line that cannot be parsed asks for a report as JSON. What follows `--` is not omniprofile's."""
    if command_first(argv)[0] in _GIVES:
        return False
    words = list(itertools.takewhile(lambda word: word != "--", argv))
    return "--json" in words or "--format=json" in words or ("--format", "json") in itertools.pairwise(words)


def _report(console: Console, error: Error, as_json: bool, environment: Environment) -> int:
    try:
        console.report(error, as_json=as_json)
    except BrokenPipeError:
        silence(environment.stdout)
    except Error:
        # stdout takes no JSON; what it would have said is on stderr already.
        return exits.status_of(error)
    if console.verbosity >= 2:
        from omniprofile.cli.crash import trace

        for line in trace(error):
            console.say(line)
    return exits.status_of(error)


def _report_bug(
    console: Console, problem: Exception, argv: Sequence[str], environment: Environment, *, as_json: bool
) -> int:
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
    return _report(console, bug, as_json, environment)
