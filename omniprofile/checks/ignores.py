"""`# omniprofile: ignore[CODE]`: comments that silence findings, and findings for those that silence nothing.

A comment at the end of a line applies to that line. A comment alone on a line also applies to the next line that is not a
comment. Comments cannot silence findings for which every command refuses the files (lint would only hide the reason), nor
secrets, which are leaked either way.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from omniprofile.config.toml.text import Document
from omniprofile.model.finding import MOST, Finding, Fix
from omniprofile.model.names import printable
from omniprofile.model.near_names import did_you_mean
from omniprofile.model.rule_codes import Code

_IGNORE = re.compile(r"#\s*+omniprofile:\s*+ignore\b(?P<list>\[(?P<codes>[^\]#]*+)\])?")
_CODE = re.compile(r"[^\s,]++")
_AND_COMMA = re.compile(r"\s*+,\s*+")


@dataclass(frozen=True, slots=True)
class _Ignore:
    """One code in one comment: its position, the lines it applies to, and the fix that removes it if it silences nothing."""

    code: str
    line: int
    column: int
    lines: tuple[int, ...]
    fix: Fix


def apply_ignores(
    findings: list[Finding], documents: Mapping[str, Document], undecided: Mapping[str, Collection[str]]
) -> tuple[list[Finding], int]:
    """Return the findings that are not silenced, with those about the comments themselves, and the number of silenced ones.

    `undecided` maps each file to the codes of rules that could not check it, so a comment with such a code may be useful. At most
    `MOST` comments that silence nothing are reported.
    """
    silenced: set[Finding] = set()
    more: list[Finding] = []
    by_place: dict[tuple[str, int, str], list[Finding]] = {}
    for finding in findings:
        by_place.setdefault((finding.file, finding.line, finding.code), []).append(finding)
    for file, document in documents.items():
        if "omniprofile:" not in document.text:
            continue
        for ignore in _ignores(document):
            hit = [found for line in ignore.lines for found in by_place.get((file, line, ignore.code), ())]
            if not hit and len(more) >= MOST:
                continue
            problem, fix = _problem(ignore.code), None
            if problem is None:
                silenced.update(hit)
                if hit or ignore.code in undecided.get(file, ()):
                    continue
                problem, fix = (f"nothing is found here for `{ignore.code}` to silence", "remove it"), ignore.fix
            more.append(Finding(file, ignore.line, ignore.column, Code.USELESS_IGNORE, *problem, fix))
    return [finding for finding in findings if finding not in silenced] + more, len(silenced)


def _problem(code: str) -> tuple[str, str] | None:
    if not code:
        return "the comment names no code to silence", "write `# omniprofile: ignore[CODE]`"
    if code not in set(Code):
        hint = did_you_mean(code, Code, "`omniprofile lint --explain` lists the codes", 1)
        return f"`{printable(code, 40)}` is not the code of a rule", hint
    if not Code(code).can_be_silenced:
        return f"`{code}` cannot be silenced", f"`omniprofile lint --explain {code}` says what to do about it"
    return None


def _ignores(document: Document) -> Iterator[_Ignore]:
    """Yield every code of every comment, last comment first: a comment applies to what follows it."""
    lines = document.lines
    below: tuple[int, ...] = ()
    seen = len(lines) + 1
    for place, comment in reversed(list(document.comments())):
        stands_alone = not lines[place.line - 1][: place.column - 1].strip()
        for number in range(place.line + 1, seen):
            if (text := lines[number - 1].strip()) and not text.startswith("#"):
                below = (number,)
                break
        seen = place.line + 1
        targets = (place.line, *below) if stands_alone else (place.line,)
        for match in _IGNORE.finditer(comment):
            codes = [] if match["list"] is None else list(_CODE.finditer(comment, *match.span("codes")))
            if not codes:
                column = place.column + match.start()
                yield _Ignore("", place.line, column, targets, Fix(place.line, column, 0, ""))
            for code in codes:
                column = place.column + code.start()
                fix = _without(lines, place.line, place.column, comment, match, code, alone=len(codes) == 1)
                yield _Ignore(code[0], place.line, column, targets, fix)


def _without(
    lines: list[str], line: int, column: int, comment: str, match: re.Match[str], code: re.Match[str], *, alone: bool
) -> Fix:
    """Return the fix that removes the code; with the last code its comment, unless that has other text, and a line left empty."""
    if not alone:
        if comma := _AND_COMMA.match(comment, code.end()):
            return Fix(line, column + code.start(), comma.end() - code.start(), "")
        start = code.start()
        while start > match.start("codes") and comment[start - 1] in " \t,":
            start -= 1
        return Fix(line, column + start, code.end() - start, "")
    if comment[: match.start()].strip("# \t") or comment[match.end() :].strip():
        return Fix(line, column + match.start(), match.end() - match.start(), "#" if match.start() == 0 else "")
    head = lines[line - 1][: column - 1]
    kept = head.rstrip()
    if kept or line == len(lines):
        return Fix(line, len(kept) + 1, len(head) - len(kept) + len(comment), "")
    return Fix(line, 1, len(lines[line - 1]) + 1, "")
