"""`omniprofile lint`: what is wrong with the profile files, offline."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.editing import write_changes
from omniprofile.cli.exits import DONE, FINDINGS
from omniprofile.cli.parser import add_flag, add_format
from omniprofile.cli.registry import Help
from omniprofile.config.paths import profile_files
from omniprofile.errors import OperationFailed, UsageError
from omniprofile.model.effective import giving_token
from omniprofile.model.finding import Level
from omniprofile.model.names import closest, counted, quoted_list
from omniprofile.system.collector import collector_paused
from omniprofile.system.files import LARGEST

if TYPE_CHECKING:
    from omniprofile.checks.fixes import FixedFile
    from omniprofile.checks.lint import Report
    from omniprofile.config.editing.replace import Change

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
    exits=(
        (0, "no error was found"),
        (1, "errors were found; with `--strict`, warnings too"),
    ),
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
    parser.add_argument(
        "--stdin-filename", metavar="FILE", help="the path that `-` stands for, which also decides its `profiles.d`"
    )
    parser.add_argument("--explain", nargs="?", const="", metavar="CODE", help="explain a code, or list all of them")


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print the findings; exit 1 when there is an error among them, with `--strict` when there is any."""
    if args.explain is not None:
        return _explain(args.explain, console, as_json=args.format == "json")
    with collector_paused():
        linting = _Linting(app, args.files, args.stdin_filename)
        report = linting.report()
    if args.fix or args.diff:
        report = _fix(args, linting, report, app, console)
    if not args.diff:
        _show(args.format, report, console)
    return _conclude(report, console, strict=args.strict)


class _Linting:
    """What one call lints: sets of files, pins, files of MCP clients, and what stands for standard input."""

    def __init__(self, app: App, given: Sequence[str], stdin_name: str | None) -> None:
        from omniprofile.checks.lint import file_sets
        from omniprofile.checks.mcp import is_mcp_file, project_files

        self._app = app
        self.reads_stdin = _STDIN in given
        self._contents: dict[str, bytes] = {}
        if self.reads_stdin:
            name = stdin_name or "<stdin>"
            self._contents[name] = app.read_stdin_bytes(LARGEST)
            given = [name if path == _STDIN else path for path in given]
        if given:
            self._mcp = [path for path in given if is_mcp_file(path)]
            self._sets, self._pins = file_sets([path for path in given if not is_mcp_file(path)])
        else:
            cwd = app.environment.cwd
            self._mcp = project_files(cwd, app.places.home) if cwd else []
            self._sets = [profile_files(app.places)]
            pin = app.pin_file()
            self._pins = [pin] if pin else []

    def report(self, contents: Mapping[str, bytes] | None = None) -> "Report":
        """Lint, `contents` in place of those files' own."""
        from omniprofile.checks.lint import examine

        return examine(
            self._sets,
            home=self._app.places.home,
            pins=self._pins,
            mcp=self._mcp,
            contents={**self._contents, **(contents or {})},
            environ=self._app.environment.environ,
        )


def _show(name: str, report: "Report", console: Console) -> None:
    from omniprofile.cli.render import findings
    from omniprofile.cli.render.sarif import sarif

    if name == "human":
        console.data(findings.human(report, console.style, console.columns))
    elif name == "github":
        console.data(findings.github(report))
    else:
        console.json({"json": findings.view, "sarif": sarif}[name](report))


def _fix(args: argparse.Namespace, linting: _Linting, report: "Report", app: App, console: Console) -> "Report":
    """Show the fixes, or apply them; return the report of what is left then."""
    from omniprofile.checks.fixes import apply_fixes, diff

    if args.fix and linting.reads_stdin and not args.diff:
        raise UsageError("standard input cannot be fixed in place", hint="`--diff` shows what would change")
    fixed, rest = apply_fixes(report, linting.report)
    if args.diff:
        console.data("".join(diff(file) for file in fixed))
        return report
    with app.exclusive():
        write_changes(map(_change, fixed), console, shown="".join(map(diff, fixed)))
    for file in fixed:
        console.note(f"{counted(file.changes, 'mistake')} fixed in `{file.file}`")
    return rest


def _change(fixed: "FixedFile") -> "Change":
    from omniprofile.config.editing.replace import Content

    before = Content.read(fixed.file)
    if before.text != fixed.before:
        hint = "nothing was written; run the command again"
        raise OperationFailed(f"`{fixed.file}` was changed by another program meanwhile", hint=hint)
    return before.changed_to(fixed.after)


def _conclude(report: "Report", console: Console, *, strict: bool) -> int:
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
    from omniprofile.checks.rules import BY_CODE, RULES

    if code and code.upper() not in BY_CODE:
        near = closest(code.upper(), BY_CODE)
        hint = f"did you mean {quoted_list(near)}?" if near else "`omniprofile lint --explain` lists them"
        raise UsageError(f"unknown code `{code}`", hint=hint)
    rules = [BY_CODE[code.upper()]] if code else list(RULES)
    if as_json:
        console.json({"rules": [rule.as_json() for rule in rules]})
    elif code:
        console.data(rules[0].text)
    else:
        console.data("".join(f"{rule.code}  {rule.level:<7}  {rule.title}\n" for rule in rules))
    return DONE
