"""`omniprofile test`: ask the instance who the credential is, for one profile or for all."""

import argparse
from collections.abc import Callable, Sequence

from omniprofile.app import App, Call
from omniprofile.cli.console import Console
from omniprofile.cli.exits import CREDENTIAL_REFUSED, DONE, UNREACHABLE, status_of
from omniprofile.cli.parser import add_json, add_overrides
from omniprofile.cli.render.tables import table
from omniprofile.errors import CredentialRefused, Error, IdentityMismatch, Unreachable, UsageError
from omniprofile.model.live import LiveResult, Status
from omniprofile.model.names import printable
from omniprofile.model.provenance import Layer, Provenance, Sourced

SECONDS = 10.0
JOBS = 16


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="the profiles (default: the one in use)")
    parser.add_argument("-p", "--profile", metavar="NAME", help="one more profile, as an option")
    parser.add_argument("--all", action="store_true", help="test every profile")
    add_overrides(parser)
    parser.add_argument(
        "--timeout", type=_positive, default=SECONDS, metavar="SECONDS", help=f"for each (default {SECONDS:g})"
    )
    parser.add_argument("--jobs", type=_count, default=JOBS, metavar="N", help=f"how many at once (default {JOBS})")
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Test, print one line for each profile, and exit with the gravest outcome."""
    calls = _calls(args, app)
    progress = _progress(console, len(calls)) if not args.json else None
    results = check(
        app, calls, timeout=args.timeout, jobs=args.jobs, on_result=progress, interactive=console.interactive
    )
    if args.json:
        console.json({"results": [result.as_json() for result in results]})
    else:
        console.data(_as_text(results, console))
    return _status(results)


def check(
    app: App,
    calls: Sequence[Call],
    *,
    timeout: float = SECONDS,
    jobs: int = JOBS,
    on_result: Callable[[LiveResult], None] | None = None,
    interactive: bool = False,
) -> list[LiveResult]:
    """Test the credential of each call; results in the same order. A key command may use the terminal only if alone."""
    from omniprofile.checks.live import check_live

    subjects = [app.subject(call, interactive=interactive and len(calls) == 1) for call in calls]
    return check_live(subjects, timeout=timeout, jobs=jobs, on_result=on_result)


def error_of(result: LiveResult) -> Error | None:
    """The result as the error that a command depending on it ends with; None if it is ok."""
    if result.status is Status.OK:
        return None
    if result.error is not None:
        return result.error
    message = f"`{result.profile}`: {result.reason}"
    if result.status is Status.INVALID:
        kind = IdentityMismatch if result.symptom == "identity-mismatch" else CredentialRefused
        return kind(message, hint=result.remedy)
    return Unreachable(message, hint=result.remedy)


def _calls(args: argparse.Namespace, app: App) -> list[Call]:
    names = [Sourced(name, Provenance(Layer.FLAG, "NAME")) for name in args.names]
    if args.profile:
        names.append(Sourced(args.profile, Provenance(Layer.FLAG, "--profile")))
    if args.all and names:
        raise UsageError("`--all` and a profile's name are given", hint="leave one of them out")
    if args.all:
        names = [Sourced(name, Provenance(Layer.FLAG, "--all")) for name in app.config.profiles]
        if not names:
            app.select()  # says that there is none, and what to do
    if len(names) != 1 and names and (args.base_url or args.token_file):
        raise UsageError("`--base-url` and `--token-file` go with one profile", hint="name one profile")
    unique = list({name.value: name for name in names}.values())
    for name in unique:
        app.require(name.value)
    return [Call(name, args.base_url, args.token_file) for name in unique] or [
        Call(None, args.base_url, args.token_file)
    ]


def _status(results: Sequence[LiveResult]) -> int:
    """8 when a credential is refused, else 7 when something cannot be reached, else what kept the rest from being tested."""
    statuses = {result.status for result in results}
    if Status.INVALID in statuses:
        return CREDENTIAL_REFUSED
    if Status.UNREACHABLE in statuses:
        return UNREACHABLE
    for result in results:
        if (error := error_of(result)) is not None:
            return status_of(error)
    return DONE


def _as_text(results: Sequence[LiveResult], console: Console) -> str:
    colours = {Status.OK: "green", Status.INVALID: "red", Status.UNREACHABLE: "red", Status.UNTESTED: "yellow"}
    rows = []
    for result in results:
        identity = result.identity
        who = (
            ", ".join(part for part in (identity.org_role, identity.key_scope, identity.user) if part)
            if identity
            else ""
        )
        latency = "" if result.latency_ms is None else f"{result.latency_ms:.0f} ms"
        rows.append(
            [console.style(colours[result.status], result.status.value), result.profile, latency, printable(who)]
        )
    lines = table(rows).splitlines(keepends=True)
    for index, result in enumerate(results):
        if result.status is not Status.OK:
            lines[index] += f"    {printable(result.reason or '', 400)}\n"
            lines[index] += f"    {printable(result.remedy, 400)}\n" if result.remedy else ""
    return "".join(lines)


def _progress(console: Console, total: int) -> Callable[[LiveResult], None] | None:
    if total < 2 or console.quiet or not console.interactive:
        return None
    done = 0

    def show(_: LiveResult) -> None:
        nonlocal done
        done += 1
        console.status(f"{done} of {total} tested" if done < total else "")

    return show


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("a number of seconds, more than 0, is needed")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError("a number from 1 to 256 is needed")
    return int(text)
