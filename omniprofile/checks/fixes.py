"""Apply the safe fixes of findings (`lint --fix`). Every character outside a fix stays as it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from omniprofile.checks.lint import Report
from omniprofile.checks.secrets import without_secrets
from omniprofile.config.editing.replace import unified_diff
from omniprofile.model.finding import Fix
from omniprofile.model.rule_codes import Code

_ROUNDS = 5
"""A fix to a key can make a fix to its value possible, so several rounds may be needed."""


@dataclass(frozen=True, slots=True)
class FixedFile:
    """The text of a file before and after its fixes."""

    file: str
    before: str
    after: str
    changes: int


def apply_fixes(report: Report, again: Callable[[Mapping[str, bytes]], Report]) -> tuple[list[FixedFile], Report]:
    """Apply all fixes; return the changed files, and the report of the remaining findings.

    `again` runs lint with these contents in place of the files' own.
    """
    first = report
    texts: dict[str, str] = {}
    changes: dict[str, int] = {}
    for _ in range(_ROUNDS):
        todo = {file: fixes for file, document in report.documents.items() if (fixes := _fixes(report, file))}
        if not todo:
            break
        for file, fixes in todo.items():
            document = report.documents[file]
            texts[file] = document.text
            for fix in reversed(fixes):
                start = document.offset(fix.line, fix.column)
                texts[file] = texts[file][:start] + fix.text + texts[file][start + fix.length :]
            changes[file] = changes.get(file, 0) + len(fixes)
        report = again({file: text.encode("utf-8") for file, text in texts.items()})
    return [FixedFile(file, first.documents[file].text, text, changes[file]) for file, text in texts.items()], report


def _fixes(report: Report, file: str) -> list[Fix]:
    """Return a file's fixes in order of position. Of two that overlap, only the first."""
    document = report.documents[file]
    taken: list[Fix] = []
    end = -1
    fixes = [found.fix for found in report.findings if found.file == file and found.fix]
    places = sorted(((document.offset(fix.line, fix.column), fix) for fix in fixes), key=lambda place: place[0])
    for start, fix in places:
        if start > end and (fix.length or fix.text):
            taken.append(fix)
            end = start + fix.length
    return taken


def diff(fixed: FixedFile) -> str:
    """Return the change as a unified diff with secrets masked."""
    before, after = (
        "\n".join(
            without_secrets(line.rstrip("\r"), Code.SYNTAX) if len(line) < 2000 else "…" for line in text.split("\n")
        )
        for text in (fixed.before, fixed.after)
    )
    return unified_diff(fixed.file, before.encode(), after.encode())
