"""`omniprofile lint`: what is wrong with the profile files, offline."""

import argparse

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE, FINDINGS
from omniprofile.config.paths import profile_files
from omniprofile.model.finding import Finding, Level


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="files to check together (default: the profile files)")
    parser.add_argument("--format", choices=("human", "json"), default="human", help="how to print the findings")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as `--format json`")
    parser.add_argument("--strict", action="store_true", help="fail on warnings as well")


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print the findings; exit 1 when there is an error among them, with `--strict` when there is any."""
    from omniprofile.checks.lint import lint

    files = list(args.files) or profile_files(app.places)
    findings = lint(files, home=app.places.home)
    errors = sum(finding.level is Level.ERROR for finding in findings)
    if args.format == "json":
        console.json({"findings": [_as_json(finding) for finding in findings]})
    elif findings:
        console.data("".join(_as_text(finding, console) for finding in findings))
    warnings = len(findings) - errors
    console.note(
        f"{len(files)} {'file' if len(files) == 1 else 'files'} checked: {_count(errors, 'error')}, {_count(warnings, 'warning')}"
    )
    return FINDINGS if errors or (args.strict and findings) else DONE


def _as_text(finding: Finding, console: Console) -> str:
    style = console.style
    code = style("red" if finding.level is Level.ERROR else "yellow", finding.code)
    level = "" if finding.level is Level.ERROR else " (warning)"
    line = f"{style('bold', finding.place)}: {code} {finding.message}{level}\n"
    return line + (f"    {finding.suggestion}\n" if finding.suggestion else "")


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "code": finding.code,
        "level": finding.level.value,
        "message": finding.message,
        "suggestion": finding.suggestion,
    }


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
