"""`omniprofile test`: ask the instance for the identity of the credential, for one profile or many."""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic

from omniprofile.app import App, ProfileRequest
from omniprofile.cli import arguments
from omniprofile.cli.arguments import Help
from omniprofile.cli.ask_instances import JOBS, SECONDS, ask_instances
from omniprofile.cli.console import Console
from omniprofile.cli.exit_statuses import CREDENTIAL_REFUSED, DONE, UNREACHABLE, status_of
from omniprofile.cli.render.junit import junit
from omniprofile.cli.render.tables import indented, table
from omniprofile.config.name_patterns import matching, without_mixins
from omniprofile.errors import UsageError
from omniprofile.model.live_result import LiveResult, Status
from omniprofile.model.names import printable, quoted_list

HELP = Help(
    description="Asks the instance whose credential it is (`GET /api/v1/whoami`) and compares the answer with `expect`. Each "
    "profile is `ok`, `invalid` (the credential is refused or someone else's), `unreachable`, or `untested` "
    "(there was nothing to test with), with a reason and what to do. Many are tested at once, a credential that "
    "several profiles share only once, and `Retry-After` is obeyed. A session that the instance refuses is "
    "renewed, and tested again. A profile that others extend and that has no address is left out, unless you give "
    "its full name.\n\n"
    "In JUnit XML, a refused credential is a failure, an unreachable instance an error, and `untested` is "
    "skipped.",
    examples=(
        ("omniprofile test", "the current profile"),
        ("omniprofile test prod staging", "these two"),
        ("omniprofile test @acme 'play-*'", "those with the tag, and those whose names begin so"),
        ("omniprofile test --all --failed", "everything, and only what failed is shown"),
        ("omniprofile test --all --json", "everything, for a program"),
        ("omniprofile test --all --format junit > omniprofile.xml", "for a CI server"),
    ),
    exits=(
        (0, "all are ok"),
        (4, "nothing worse, but a profile has no credential"),
        (6, "nothing worse, but a credential may not go to the profile's host"),
        (7, "none is refused, but an instance cannot be reached, or limits the rate"),
        (8, "a credential is refused, whatever became of the others"),
        (9, "nothing worse, but the secret store cannot be used"),
    ),
    see=("lint", "doctor"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "patterns", nargs="*", metavar="PATTERN", help="names, globs or `@TAG`s (default: the current profile)"
    )
    arguments.add_profile_option(parser, "one more profile, as an option; may be repeated")
    arguments.add_flag(parser, "--all", "test every profile")
    arguments.add_flag(parser, "--failed", "show only the profiles that failed")
    arguments.add_overrides(parser)
    wait = f"how long to wait for each instance, including waits for its rate limit (default {SECONDS:g} s)"
    arguments.add_option(parser, "--timeout", "SECONDS", wait, type=arguments.duration, default=SECONDS)
    arguments.add_jobs(parser, JOBS)
    arguments.add_format(parser, ("human", "json", "junit"), "results")


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    requests = _requests(args, app)
    began, start = app.environment.now(), monotonic()
    progress = _progress(console, len(requests)) if len(requests) > 1 and console.watched else None
    results = ask_instances(
        app, requests, timeout=args.timeout, jobs=args.jobs, on_result=progress, interactive=console.interactive
    )
    if progress:
        console.status("")
    wanted = [result for result in results if not args.failed or result.status is not Status.OK]
    if args.format == "json":
        console.json({"results": [result.as_json() for result in wanted]})
    elif args.format == "junit":
        console.data(junit(wanted, began=began, seconds=monotonic() - start))
    else:
        console.data(_as_text(wanted, console))
    if len(results) > 1:
        counts = Counter(result.status for result in results)
        each = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
        failed = quoted_list((result.profile for result in results if result.status is not Status.OK), "and")
        console.note(f"{len(results)} tested: {each}" + (f"; not ok: {failed}" if failed else ""))
    return _status(results)


def _requests(args: argparse.Namespace, app: App) -> list[ProfileRequest]:
    config = app.config_for_all([*args.patterns, *(args.profile or ())])
    matched = without_mixins(config, matching(config, args.patterns))
    names = dict.fromkeys(matched, "NAME") | dict.fromkeys(args.profile or (), "--profile")
    if args.all and names:
        raise UsageError("`--all` and a pattern are given", hint="leave one of them out")
    if args.all:
        names = dict.fromkeys(without_mixins(config, dict.fromkeys(config.profiles, False)), "--all")
        app.require_any()
    if len(names) > 1 and (args.base_url or args.token_file):
        raise UsageError("`--base-url` and `--token-file` go with one profile", hint="name one profile")
    for name in names:
        app.require(name)
    requests = [ProfileRequest.for_profile(name, how) for name, how in names.items()] or [ProfileRequest()]
    return [request._replace(base_url=args.base_url, token_file=args.token_file) for request in requests]


def _status(results: Sequence[LiveResult]) -> int:
    """Return 8 if a credential is refused, else 7 if an instance is unreachable, else the status of the first error."""
    statuses = {result.status for result in results}
    if Status.INVALID in statuses:
        return CREDENTIAL_REFUSED
    if Status.UNREACHABLE in statuses:
        return UNREACHABLE
    return next((status_of(result.error) for result in results if result.error), DONE)


def _as_text(results: Sequence[LiveResult], console: Console) -> str:
    colours = {Status.OK: "green", Status.INVALID: "red", Status.UNREACHABLE: "red", Status.UNTESTED: "yellow"}
    rows = []
    for result in results:
        who = result.identity
        known = [part for part in (who.org_role, who.key_scope, who.user) if part] if who else []
        latency = "" if result.latency_ms is None else f"{result.latency_ms:.0f} ms"
        status = console.style(colours[result.status], result.status.value)
        rows.append([status, result.profile, latency, printable(", ".join(known))])
    lines = table(rows).splitlines(keepends=True)
    failures = ""
    for line, result in zip(lines, results, strict=True):
        if result.status is not Status.OK:
            failures += line + indented(printable(result.reason or "", 400), console.columns)
            failures += indented(printable(result.remedy, 400), console.columns) if result.remedy else ""
    if all(result.status is not Status.OK for result in results):
        return failures
    # Failures come last, so that many ok rows do not hide them.
    return "".join(lines) + (f"\n{failures}" if failures else "")


def _progress(console: Console, total: int) -> Callable[[LiveResult], None]:
    """Show progress on the terminal's last line, which the next message clears; return a function that counts a result."""
    counts: Counter[bool] = Counter()

    def draw() -> None:
        bad = f", {counts[False]} not ok" if counts[False] else ""
        console.status(f"{counts.total()} of {total} tested{bad}")

    def count(result: LiveResult) -> None:
        counts[result.status is Status.OK] += 1
        draw()

    draw()
    return count
