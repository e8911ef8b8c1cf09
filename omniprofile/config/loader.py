"""Loading all profile files: each is read and validated once, then they are merged and their references checked.

`read` returns everything valid and every finding, for lint; `load` returns a valid config or raises the first error.
"""

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import time_ns
from typing import TypeVar

from omniprofile.config.paths import DROP_IN_FOLDER
from omniprofile.config.snapshot import Seen, seen
from omniprofile.config.toml.positions import KeyPath
from omniprofile.config.toml.text import Document
from omniprofile.errors import ConfigInvalid, ConfigUnreadable, UnsafePermissions
from omniprofile.model.declaration import Config, Declaration, Settings
from omniprofile.model.finding import Code, Finding, errors_in, unreadable
from omniprofile.model.names import closest, quoted_list
from omniprofile.model.provenance import Sourced
from omniprofile.system.files import Unreadable, open_regular
from omniprofile.system.foreign_access import ForeignAccess, foreign_access, is_read_only, others_can_write, real_path

T = TypeVar("T", bound=Sourced[str] | Declaration)

_MOST_GUESSES = 20
"""The most dangling names that get a "did you mean", which compares each with every known name."""
_LONGEST_RING = 10
RISK = "name hosts that get your credentials and commands that run as you"
"""What someone who can write a profile file can do with it."""


@dataclass
class Files:
    """The result of reading: the documents that could be read, the config from their valid parts, and every finding."""

    config: Config = field(default_factory=Config)
    documents: dict[str, Document] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    home: str = ""
    reads: dict[str, Seen] = field(default_factory=dict)
    """What `snapshot.write` needs to know about each file that was read."""
    statuses: dict[str, os.stat_result] = field(default_factory=dict)
    """The status of each file when it was read."""

    def report(
        self, code: Code, path: KeyPath, file: str, message: str, suggestion: str | None = None, *,
        at_key: bool = False, replacement: str | None = None,
    ) -> None:  # fmt: skip
        """Add a finding in `file`, as created by `Document.finding`."""
        document = self.documents.get(file) or Document.read(file)
        finding = document.finding(path, code, message, suggestion, at_key=at_key, replacement=replacement)
        self.findings.append(finding)


Known = Mapping[str, tuple[Seen, Config]]
"""What files declare that have not changed since they were read and found valid."""


def load(paths: Sequence[str], *, home: str, known: Known | None = None) -> Files:
    """Read, validate and merge the files, in this order. `home` replaces `~`; files in `known` are not read again.

    Raises ConfigUnreadable, UnsafePermissions for a file that others may write or replace, and ConfigInvalid with the place of
    the first error.
    """
    files = read(paths, home=home, known=known)
    errors = errors_in(files.findings)
    if not errors:
        return files
    # In reading order, not lint's order: the error in the first file is the one to fix first.
    order = {path: index for index, path in reversed(list(enumerate(paths)))}
    first = min(errors, key=lambda finding: (order[finding.file], finding))
    if first.code == Code.UNREADABLE:
        raise ConfigUnreadable(first.message, hint=first.suggestion)
    if first.code == Code.WRITABLE:
        raise UnsafePermissions(first.message, hint=first.suggestion)
    more = f"`omniprofile lint` shows {len(errors) - 1} more" if len(errors) > 1 else ""
    hint = "; ".join(part for part in (first.suggestion, more) if part)
    raise ConfigInvalid(f"{first.place}: {first.message}", hint=hint or "`omniprofile lint` checks the file")


def read(
    paths: Sequence[str], *, home: str, contents: Mapping[str, bytes] | None = None, known: Known | None = None
) -> Files:
    """Read, validate and merge the files. Report invalid parts as findings and leave them out, down to single keys.

    `contents` has the content of files that are not to be read: standard input, or what an edit would write. Files in `known`
    have no document afterwards.
    """
    from omniprofile.config.schema.validate import validate  # it imports pydantic

    files = Files(home=home)
    parts: list[Config] = []
    checked: set[str] = set()
    for path in paths:
        if known and path in known:
            _check_access(path, files, home, checked)
            files.reads[path], part = known[path]
            parts.append(part)
            continue
        document = _document(path, files, home, checked, (contents or {}).get(path))
        if document is None:
            continue
        declared, problems = validate(document, home=home)
        files.findings += problems
        if declared is not None:
            parts.append(declared)
    files.config = _merged(paths, parts, files)
    _check_references(files, known or {})
    files.findings.sort()
    return files


def _document(path: str, files: Files, home: str, checked: set[str], content: bytes | None) -> Document | None:
    """Read (unless `content` is given) and parse one file; return None if it cannot be read."""
    try:
        if content is None:
            _check_access(path, files, home, checked)
            at = time_ns()
            content, status = open_regular(path)
            files.statuses[path] = status
            files.reads[path] = seen(content, status, at)
    except (FileNotFoundError, Unreadable) as problem:
        files.findings.append(unreadable(path, problem))
        return None
    document = Document.parse(path, content)
    files.documents[path] = document
    return document


def _check_access(path: str, files: Files, home: str, checked: set[str]) -> None:
    """Report a profile file that others may write or replace."""
    if foreign := _foreign(path, home, checked):
        files.findings.append(Finding(path, 1, 1, Code.WRITABLE, *foreign.refusal(RISK)))


def refuse_others_files(paths: Iterable[str], *, home: str) -> None:
    """Raise UnsafePermissions for the first file that others may write or replace, or create if it is missing."""
    checked: set[str] = set()
    for path in paths:
        if foreign := _foreign(path, home, checked):
            message, hint = foreign.refusal(RISK)
            raise UnsafePermissions(message, hint=hint)


def _foreign(path: str, home: str, checked: set[str]) -> ForeignAccess | None:
    """Return who else may control a profile file: `foreign_access`, or write access to its `profiles.d`."""
    if found := foreign_access(path, home, checked):
        return found
    folder = real_path(os.path.dirname(path))
    if os.path.basename(folder) == DROP_IN_FOLDER and os.path.isdir(folder):
        status = os.stat(folder)
        if others_can_write(status) and not is_read_only(folder):
            # A sticky folder protects existing files, but others can still add one, which would be read.
            return ForeignAccess(folder, status, "can be written by anyone")
    return None


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
    settings_in = {part.files[0]: part.settings for part in parts if part.settings != Settings()}
    return Config(tuple(paths), default, settings, (defaults,) if defaults else (), instances, profiles, settings_in)


def _check_references(files: Files, unread: Known) -> None:
    """Report dangling `instance` and `extends`, and cycles of `extends`, through which nothing may be resolved."""
    config = files.config
    guesses = _MOST_GUESSES
    written = written_names(files, unread)
    for table in (*config.profiles.values(), *config.defaults):
        base = ("defaults",) if table.name == "defaults" and table in config.defaults else ("profiles", table.name)
        for key, name, known in (
            ("instance", table.instance, config.instances),
            ("extends", table.extends, config.profiles),
        ):
            if name is not None and name not in known and written is not None and (key, name) not in written:
                kind = "instance" if key == "instance" else "profile"
                near = closest(name, known) if guesses else []
                guesses = max(0, guesses - 1)
                hint = f"did you mean {quoted_list(near)}?" if near else f"define `[{kind}s.{name}]`, or remove `{key}`"
                message = f"`{'.'.join(base)}.{key}` names the {kind} `{name}`, which no file defines"
                files.report(Code.DANGLING, (*base, key), table.file, message, hint)
    for cycle in _cycles(config.profiles):
        shown = cycle if len(cycle) <= _LONGEST_RING else [*cycle[:_LONGEST_RING], "…"]
        ring = " extends ".join(f"`{name}`" for name in [*shown, cycle[0]])
        first = config.profiles[cycle[0]]
        message = f"profiles extend each other in a circle: {ring}" if len(cycle) > 1 else f"{ring}: itself"
        files.report(Code.CYCLE, ("profiles", cycle[0], "extends"), first.file, message, "remove one `extends`")


def written_names(files: Files, known: Container[str] = ()) -> set[tuple[str, str]] | None:
    """Return every instance and profile in the files, valid or not, without those in `known`; None if a file cannot be read."""
    names: set[tuple[str, str]] = set()
    if any(file not in files.documents and file not in known for file in files.config.files):
        return None
    for document in files.documents.values():
        if document.data is None:
            return None
        for key, kind in (("instance", "instances"), ("extends", "profiles")):
            tables = document.data.get(kind)
            names.update((key, name) for name in (tables if isinstance(tables, dict) else ()))
    return names


def _cycles(profiles: Mapping[str, Declaration]) -> Iterable[list[str]]:
    """Yield every cycle of `extends` once, starting with its first member in the order of the files."""
    order = {name: index for index, name in enumerate(profiles)}
    done: set[str] = set()
    for start in profiles:
        trail: dict[str, None] = {}
        name: str | None = start
        while name is not None and name in profiles and name not in done and name not in trail:
            trail[name] = None
            name = profiles[name].extends
        if name is not None and name in trail:
            walked = list(trail)
            ring = walked[walked.index(name) :]
            pivot = min(range(len(ring)), key=lambda index: order[ring[index]])
            yield ring[pivot:] + ring[:pivot]
        done.update(trail)
