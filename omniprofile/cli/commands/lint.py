"""`omniprofile lint`: check the profile files offline."""

import argparse
from collections.abc import Callable, Mapping

from omniprofile.app import App
from omniprofile.checks.lint import Report, examine, file_sets
from omniprofile.checks.mcp import is_mcp_file, project_files
from omniprofile.checks.rule_texts import rules
from omniprofile.cli.arguments import Help, add_flag, add_format, add_option
from omniprofile.cli.console import Console
from omniprofile.cli.exit_statuses import DONE, FINDINGS
from omniprofile.cli.render import findings
from omniprofile.cli.render.sarif import sarif
from omniprofile.config.paths import profile_files
from omniprofile.errors import OperationFailed, UsageError
from omniprofile.model.effective import giving_token
from omniprofile.model.names import counted
from omniprofile.model.near_names import did_you_mean
from omniprofile.model.rule_codes import Level
from omniprofile.system.files import LARGEST
from omniprofile.system.garbage_collection import collection_paused

_STDIN = "-"
_MOST_NAMED = 3

HELP = Help(
    description="Checks the profile files, or the FILEs together, and contacts nobody. Findings are `file:line:column: CODE "
    "message`, with the line and what was probably meant; a secret is reported and never shown. A `profiles.toml` "
    "and the `profiles.d` beside it are checked together, whichever of them you name.\n\n"
    "It also finds Omni keys in plain text in the settings of MCP clients (`.mcp.json`, `.cursor/mcp.json`, "
    "`.vscode/mcp.json`, `claude_desktop_config.json`), and says what to write instead. It looks at the files you "
    "name, or else at those of this folder's project.\n\n"
    "A comment `# omniprofile: ignore[CODE]` after a line, or alone above it, silences that code there. Secrets, "
    "and what every command refuses, cannot be silenced. A comment that silences nothing is itself a finding.",
    examples=(
        ("omniprofile lint", "your own files"),
        ("omniprofile lint --strict dotfiles/omniprofile/profiles.toml", "for CI: warnings fail too"),
        ("omniprofile lint --explain OP301", "why, with a bad and a good example"),
        ("omniprofile lint --diff", "what `--fix` would change"),
        ("omniprofile lint --format json", "for a program; `sarif` and `github` for a code host"),
    ),
    exits=((0, "no error was found"), (1, "errors were found; with `--strict`, warnings too")),
    see=("test", "schema"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="*", metavar="FILE",
        help="files to check together, `-` for standard input (default: your profile files, the project's pin and MCP settings)",
    )  # fmt: skip
    add_format(parser, ("human", "json", "sarif", "github"), "findings")
    add_flag(parser, "--strict", "fail on warnings as well")
    add_flag(parser, "--fix", "fix what is safe to fix")
    add_flag(parser, "--diff", "show what `--fix` would change, and change nothing")
    add_option(parser, "--stdin-filename", "FILE", "the path that `-` stands for, which also decides its `profiles.d`")
    parser.add_argument("--explain", nargs="?", const="", metavar="CODE", help="explain a code, or list all of them")


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    if args.explain is not None:
        return _explain(args.explain, console, as_json=args.format == "json")
    with collection_paused():
        lint = _linter(args, app)
        report = lint({})
    if args.fix or args.diff:
        report = _fix(args, lint, report, app, console)
    if args.diff:  # already shown
        return _conclude(report, console, strict=args.strict)
    if args.format == "human":
        console.data(findings.human(report, console.style, console.columns))
    elif args.format == "github":
        console.data(findings.github(report))
    else:
        console.json({"json": findings.view, "sarif": sarif}[args.format](report))
    return _conclude(report, console, strict=args.strict)


def _linter(args: argparse.Namespace, app: App) -> Callable[[Mapping[str, bytes]], Report]:
    """Return a function that lints the requested files, given contents that replace those of some files."""
    given: list[str] = args.files
    read: dict[str, bytes] = {}
    if _STDIN in given:
        name = args.stdin_filename or "<stdin>"
        read[name] = app.binary_stdin().read(LARGEST + 1)
        given = [name if path == _STDIN else path for path in given]
    if given:
        mcp = [path for path in given if is_mcp_file(path)]
        sets, pins = file_sets([path for path in given if not is_mcp_file(path)])
    else:
        cwd, pin = app.environment.cwd, app.pin_file()
        mcp = project_files(cwd, app.places.home) if cwd else []
        sets, pins = [profile_files(app.places)], [pin] if pin else []
    home, environ = app.places.home, app.environment.environ
    return lambda contents: examine(sets, home=home, pins=pins, mcp=mcp, contents={**read, **contents}, environ=environ)


def _fix(
    args: argparse.Namespace, lint: Callable[[Mapping[str, bytes]], Report], report: Report, app: App, console: Console
) -> Report:
    """Show or apply the fixes; return the report of the remaining findings."""
    from omniprofile.checks.fixes import apply_fixes, diff
    from omniprofile.cli.editing import write_changes
    from omniprofile.config.editing.replace import Content

    if _STDIN in args.files and not args.diff:
        raise UsageError("standard input cannot be fixed in place", hint="`--diff` shows what would change")
    fixed, rest = apply_fixes(report, lint)
    if args.diff:
        console.data("".join(diff(file) for file in fixed))
        return report
    with app.exclusive():
        changes = []
        for file in fixed:
            before = Content.read(file.file)
            if before.text != file.before:
                raise OperationFailed.changed_meanwhile(file.file)
            changes.append(before.changed_to(file.after))
        write_changes(changes, console, shown="".join(map(diff, fixed)))
    for file in fixed:
        console.note(f"{counted(file.changes, 'mistake')} fixed in `{file.file}`")
    return rest


def _conclude(report: Report, console: Console, *, strict: bool) -> int:
    findings, files = report.findings, len(report.files)
    errors = sum(finding.level is Level.ERROR for finding in findings)
    fixable = sum(finding.fix is not None for finding in findings)
    words = [counted(errors, "error"), counted(len(findings) - errors, "warning")]
    words += [f"{report.silenced} silenced"] if report.silenced else []
    words += [f"`--fix` fixes {fixable}"] if fixable else []
    console.note(f"{counted(files, 'file')} checked: {', '.join(words)}")
    for name in report.giving_token[:_MOST_NAMED]:
        console.note(": ".join(giving_token(name)))
    return FINDINGS if errors or (strict and findings) else DONE


def _explain(code: str, console: Console, *, as_json: bool) -> int:
    if code and code.upper() not in rules():
        hint = did_you_mean(code.upper(), rules(), "`omniprofile lint --explain` lists them")
        raise UsageError(f"unknown code `{code}`", hint=hint)
    shown = [rules()[code.upper()]] if code else list(rules().values())
    if as_json:
        console.json({"rules": [rule.as_json() for rule in shown]})
    elif code:
        console.data(shown[0].text)
    else:
        console.data("".join(f"{rule.code}  {rule.code.level:<7}  {rule.title}\n" for rule in shown))
    return DONE
