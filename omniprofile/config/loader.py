"""Loading all profile files: each is read and validated once, then they are merged and their references checked.

`read` returns everything valid and every finding, for lint; `load` returns a valid config or raises the first error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import time_ns
from typing import TypeVar

from omniprofile.config.permissions import unsafe
from omniprofile.config.references import check_references
from omniprofile.config.snapshot import Seen, seen
from omniprofile.config.toml.data import KeyPath
from omniprofile.config.toml.text import Document
from omniprofile.model.declaration import Config, Declaration, Settings
from omniprofile.model.finding import Finding, errors_in, unreadable
from omniprofile.model.provenance import Sourced
from omniprofile.model.rule_codes import Code
from omniprofile.system.files import Unreadable, open_regular

T = TypeVar("T", bound=Sourced[str] | Declaration)


@dataclass
class Files:
    """The result of reading: the documents that could be read, the config from their valid parts, and every finding."""

    config: Config = field(default_factory=Config)
    documents: dict[str, Document] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    home: str = ""
    reads: dict[str, Seen] = field(default_factory=dict)
    """What `snapshot.write` needs to know about each file that was read."""

    def report(
        self, code: Code, path: KeyPath, file: str, message: str, suggestion: str | None = None, *,
        at_key: bool = False, replacement: str | None = None,
    ) -> None:  # fmt: skip
        """Add a finding in `file`, as created by `Document.finding`."""
        finding = self.documents[file].finding(path, code, message, suggestion, at_key=at_key, replacement=replacement)
        self.findings.append(finding)


def load(paths: Sequence[str], *, home: str) -> Files:
    """Read, validate and merge the files, in this order. `home` replaces `~`.

    Raises ConfigUnreadable, UnsafePermissions for a file that others may write or replace, and ConfigInvalid with the place of
    the first error.
    """
    files = read(paths, home=home)
    errors = errors_in(files.findings)
    if not errors:
        return files
    # In reading order, not lint's order: the error in the first file is the one to fix first.
    first = min(errors, key=lambda finding: (paths.index(finding.file), finding))
    more = "`omniprofile lint` shows all errors" if len(errors) > 1 else None  # its rules may find others
    error = first.as_error(hint=more or "`omniprofile lint` checks the file")
    if more and first.suggestion and first.code not in (Code.UNREADABLE, Code.WRITABLE):
        error.hint = f"{first.suggestion}{'' if first.suggestion.endswith('?') else ';'} {more}"
    raise error


def read(paths: Sequence[str], *, home: str, contents: Mapping[str, bytes] | None = None) -> Files:
    """Read, validate and merge the files. Report invalid parts as findings and leave them out, down to single keys.

    `contents` has the content of files that are not to be read: standard input, or what an edit would write.
    """
    from omniprofile.config.schema.validate import validate  # it imports pydantic

    files = Files(home=home)
    parts: list[Config] = []
    checked: set[str] = set()
    for path in paths:
        document = _document(path, files, checked, (contents or {}).get(path))
        if document is None:
            continue
        declared, problems = validate(document, home=home)
        files.findings += problems
        if declared is not None:
            parts.append(declared)
    files.config = _merged(paths, parts, files)
    files.findings += check_references(files.config, files.documents)
    files.findings.sort()
    return files


def _document(path: str, files: Files, checked: set[str], content: bytes | None) -> Document | None:
    """Read (unless `content` is given) and parse one file; return None if it cannot be read."""
    try:
        if content is None:
            if found := unsafe(path, files.home, checked):
                files.findings.append(Finding(path, 1, 1, Code.WRITABLE, *found))
            at = time_ns()
            content, status = open_regular(path)
            files.reads[path] = seen(content, status, at)
    except (FileNotFoundError, Unreadable) as problem:
        files.findings.append(unreadable(path, problem))
        return None
    document = Document.parse(path, content)
    files.documents[path] = document
    return document


def _merged(paths: Sequence[str], parts: Sequence[Config], files: Files) -> Config:
    """Merge what all files declare. If two files have the same table, report both places; the first one counts."""

    def first(one: T | None, two: T | None, what: str, path: tuple[str, ...]) -> T | None:
        if one is None or two is None:
            return one or two
        mine, other = (each.provenance if isinstance(each, Sourced) else each.provenance("") for each in (one, two))
        message = f"{what} is defined in `{mine.file}`, line {mine.line}, too"
        hint = "remove or rename one of the two"
        files.report(Code.DUPLICATE, path, str(other.file), message, hint, at_key=True)
        return one

    default: Sourced[str] | None = None
    settings = Settings()
    defaults: Declaration | None = None
    instances: dict[str, Declaration] = {}
    profiles: dict[str, Declaration] = {}
    for part in parts:
        default = first(default, part.default, "`default`", ("default",))
        store = ("settings", "secret_store")
        settings = Settings(
            tuple(dict.fromkeys(settings.allowed_hosts + part.settings.allowed_hosts)),
            first(settings.secret_store, part.settings.secret_store, "`secret_store`", store),
            tuple(dict.fromkeys(settings.trusted_folders + part.settings.trusted_folders)),
            settings.audit and part.settings.audit,
        )
        for table in part.defaults:
            defaults = first(defaults, table, "`[defaults]`", ("defaults",))
        for kind, mine, theirs in (("instance", instances, part.instances), ("profile", profiles, part.profiles)):
            for name, table in theirs.items():
                mine[name] = first(mine.get(name), table, f"{kind} `{name}`", (f"{kind}s", name)) or table
    return Config(tuple(paths), default, settings, (defaults,) if defaults else (), instances, profiles)
