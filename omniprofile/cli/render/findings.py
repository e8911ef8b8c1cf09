"""Lint's findings as text: for people, with the line and a caret; as JSON; and as GitHub workflow commands.

Lines are always shown with their secrets masked, whatever rule reported them.
"""

from omniprofile.checks.lint import Report
from omniprofile.checks.secrets import without_secrets
from omniprofile.cli.render.tables import indented, width
from omniprofile.cli.style import Style
from omniprofile.config.toml.parse import Position
from omniprofile.config.toml.text import Document
from omniprofile.model.finding import Finding
from omniprofile.model.names import escaped, legible, unbroken
from omniprofile.model.rule_codes import Code, Level

_WIDEST = 100
_LONGEST = 2000
"""Longer lines are not shown: no person wrote them."""


def human(report: Report, style: Style, columns: int | None = None) -> str:
    """Return each finding with its line, a caret and its hint, wrapped to `columns` if given."""
    secret = {(finding.file, finding.line) for finding in report.findings if finding.code == Code.SECRET}
    text = ""
    for finding in report.findings:
        colour, level = ("red", "") if finding.level is Level.ERROR else ("yellow", " (warning)")
        code = Code.SECRET if (finding.file, finding.line) in secret else finding.code
        place, message = legible(unbroken(finding.place)), legible(unbroken(finding.message))
        text += f"{style('bold', place)}: {style(colour, finding.code)} {message}{level}\n"
        for line in _excerpt(finding, report.documents.get(finding.file), code):
            text += style("dim", line) + "\n"
        if finding.suggestion:
            text += indented(legible(unbroken(finding.suggestion)), columns)
    return text


def _excerpt(finding: Finding, document: Document | None, code_of_line: str) -> list[str]:
    """Return the line of a finding with a caret, or an empty list if there is none to show."""
    if document is None or finding.line > len(document.lines):
        return []
    line = document.lines[finding.line - 1].rstrip("\r")
    if not line.strip() or len(line) > _LONGEST:
        return []
    shown = without_secrets(line, code_of_line)
    unchanged = next((at for at, pair in enumerate(zip(line, shown, strict=False)) if pair[0] != pair[1]), len(shown))
    # After a mask the columns no longer match, so point at the start of the mask.
    at = min(finding.column - 1, unchanged if shown != line else len(line))
    length = len(document.word(Position(finding.line, finding.column))) if at == finding.column - 1 else 1
    start = max(0, at - _WIDEST // 2) if len(shown) > _WIDEST else 0
    end = start + _WIDEST
    head = "…" if start else ""
    cells = ["    " if char == "\t" else escaped(char) for char in shown[start:end]]
    before = " " * width("".join(cells[: at - start]))
    marks = width("".join(cells[at - start : at - start + max(1, length)]))
    number = f"{finding.line:>5} | "
    return [
        f"{number}{head}{''.join(cells)}{'…' if end < len(shown) else ''}",
        f"{' ' * (len(number) - 2)}| {' ' * len(head)}{before}{'^' * max(1, marks)}",
    ]


def view(report: Report) -> dict[str, object]:
    """Return the documented JSON."""
    keys = ("file", "line", "column", "code", "level", "message", "suggestion")
    return {"findings": [{key: getattr(finding, key) for key in keys} for finding in report.findings]}


_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def github(report: Report) -> str:
    """Return workflow commands, which annotate a pull request (GitHub: "Workflow commands for GitHub Actions")."""
    text = ""
    for finding in report.findings:
        places = {"file": finding.file, "line": finding.line, "col": finding.column, "title": finding.code}
        properties = ",".join(f"{name}={str(value).translate(_PROPERTY)}" for name, value in places.items())
        message = finding.message + (f"\n{finding.suggestion}" if finding.suggestion else "")
        text += f"::{finding.level.value} {properties}::{message.translate(_DATA)}\n"
    return text
