"""The offline check of profile files: findings of the schema and the loader, and the rules of `checks`.

`checks.rule_texts` explains every code. Only the files, their modes, and which variables are empty are read.
"""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from omniprofile.checks import address_rules, key_rules, variable_rules
from omniprofile.checks.ignores import apply_ignores
from omniprofile.checks.mcp import check_mcp
from omniprofile.checks.rule import UNDONE, Rule, Tables
from omniprofile.checks.secrets import secrets_in_plain_text
from omniprofile.checks.writable import writable_by_groups
from omniprofile.config.loader import Files, read
from omniprofile.config.paths import DROP_IN_FOLDER, PROFILES_FILE, drop_ins
from omniprofile.config.pin import LARGEST_PIN, PIN_FILE, leads_out, validate_pin
from omniprofile.config.toml.text import Document
from omniprofile.model.effective import every_effective, gives_token
from omniprofile.model.finding import Finding, unreadable
from omniprofile.model.names import RULE, holds_key, is_valid, nearest_valid, printable
from omniprofile.model.near_names import did_you_mean
from omniprofile.model.rule_codes import Code
from omniprofile.system.files import Unreadable, read_regular
from omniprofile.system.foreign_access import real_path

_ALL = frozenset(Code)
_TABLE_RULES = [
    each
    for module in (address_rules, key_rules, variable_rules)
    for each in vars(module).values()
    if isinstance(each, Rule)
]


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of lint, sorted by file and position, the documents they refer to, and the number of silenced findings."""

    files: tuple[str, ...]
    findings: list[Finding]
    documents: Mapping[str, Document] = field(default_factory=dict)
    silenced: int = 0
    giving_token: tuple[str, ...] = ()
    """Protected profiles that give programs their token (`model.effective.gives_token`): a hint, not a finding."""


def lint(paths: Sequence[str], *, home: str, contents: Mapping[str, bytes] | None = None) -> list[Finding]:
    """Return the findings for the files as one configuration, in the given order, sorted by position. `home` replaces `~`.

    An unreadable file is a finding too. `contents` has the content of files that are not read from disk.
    """
    return examine([paths], home=home, contents=contents).findings


def examine(
    sets: Iterable[Sequence[str]],
    *,
    home: str,
    pins: Sequence[str] = (),
    mcp: Sequence[str] = (),
    contents: Mapping[str, bytes] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Report:
    """Check sets of files. Each set is one configuration.

    `contents` has the content of files that are not read from disk. `environ` is only used to see which variables are empty.
    `mcp` are files of MCP clients. Project pins (`pins`) are compared with the profiles only if there is exactly one set.
    """
    sets = list(sets)
    findings: list[Finding] = []
    documents: dict[str, Document] = {}
    undecided: dict[str, Collection[str]] = {}
    files = Files()
    giving: list[str] = []
    for paths in sets:
        files = read(paths, home=home, contents=contents)
        skipped = _apply_rules(files, environ or {})
        findings += files.findings
        giving += [name for name, profile in every_effective(files.config).items() if gives_token(profile)]
        documents |= files.documents
        broken = {finding.file for finding in files.findings if finding.code in UNDONE}
        undecided |= {path: _ALL if path in broken else skipped for path in paths}
    for pin in pins:
        findings += _check_pin(pin, contents or {}, documents, files if len(sets) == 1 else None)
    for path in mcp:
        findings += check_mcp(path, (contents or {}).get(path))
    findings, silenced = apply_ignores(findings, documents, undecided)
    names = tuple(dict.fromkeys([*(path for paths in sets for path in paths), *pins, *mcp]))
    order = {path: index for index, path in enumerate(names)}
    findings = sorted(set(findings), key=lambda finding: (order[finding.file], finding))
    return Report(names, findings, documents, silenced, tuple(dict.fromkeys(giving)))


def _apply_rules(files: Files, environ: Mapping[str, str]) -> set[str]:
    """Run the rules; return the codes of those that could not run."""
    found = {finding.code for finding in files.findings}
    secrets_in_plain_text(files)
    writable_by_groups(files)
    tables = Tables(files, environ)
    skipped: set[str] = set()
    for check, codes, silent_while in _TABLE_RULES:
        if found & silent_while:
            skipped.update(codes)
        else:
            check(tables)
    return skipped


def _check_pin(
    path: str, contents: Mapping[str, bytes], documents: dict[str, Document], files: Files | None
) -> list[Finding]:
    try:
        document = Document.parse(path, contents[path] if path in contents else read_regular(path, LARGEST_PIN))
    except (FileNotFoundError, Unreadable) as problem:
        return [unreadable(path, problem)]
    pin, findings = validate_pin(document)
    if findings and leads_out(path):
        return findings  # no excerpt
    documents[path] = document
    alone = Files(documents={path: document}, findings=list(findings))
    secrets_in_plain_text(alone)
    if pin is not None and not is_valid(pin.value):
        if not holds_key(pin.value):
            hint = f"the nearest valid name is `{nearest_valid(pin.value)}`"
            message = f"the pin names `{printable(pin.value, 64)}`, which is not a valid profile name: use {RULE}"
            alone.report(Code.BAD_NAME, ("profile",), path, message, hint)
    elif pin is not None and files is not None and pin.value not in files.config.profiles:
        if any(finding.code in UNDONE for finding in files.findings):
            return alone.findings
        hint = did_you_mean(pin.value, files.config.profiles, "name an existing profile")
        message = f"the pin names the profile `{printable(pin.value)}`, which no file defines"
        alone.report(Code.DANGLING, ("profile",), path, message, hint)
    return alone.findings


def file_sets(given: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    """Return the files grouped into configurations, and the project pins.

    A `profiles.toml` and the files of the `profiles.d` next to it are one configuration, even if only one of them is given. All
    other given files together are one more.
    """
    sets: dict[str | None, list[str]] = {}
    folders: dict[str, str] = {}
    pins = []
    for path in _once(given):
        folder, name = os.path.split(path)
        if name == PIN_FILE:
            pins.append(path)
            continue
        base = folder if name == PROFILES_FILE else None
        if os.path.basename(folder) == DROP_IN_FOLDER:
            base = os.path.dirname(folder)
        sets.setdefault(None if base is None else folders.setdefault(real_path(base), base), []).append(path)
    for base, members in sets.items():
        if base is not None:
            main = os.path.join(base, PROFILES_FILE)
            try:
                others = drop_ins(os.path.join(base, DROP_IN_FOLDER))
            except OSError:
                others = []
            members[:] = _once([main] * os.path.lexists(main) + others + members)
    return list(sets.values()), pins


def _once(paths: Iterable[str]) -> list[str]:
    """Drop repeated files. A file with several names keeps the first."""
    return list({real_path(path): path for path in reversed(list(paths))}.values())[::-1]
