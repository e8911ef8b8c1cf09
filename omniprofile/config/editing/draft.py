"""The profile files as an edit would leave them: changed in memory, checked as a whole, written all at once or not at all.

Every change goes through `toml.edit`, so that no other byte of a file can change. A draft is used under the lock that
`App.editing` holds.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from omniprofile.config.editing.replace import Change, Content, replace_all
from omniprofile.config.loader import refuse_others_files
from omniprofile.config.toml import edit
from omniprofile.config.toml.edit import NamePath
from omniprofile.config.toml.text import Document
from omniprofile.config.toml.write import toml
from omniprofile.errors import ConfigInvalid, HostNotAllowed, InsecureURL, Refused
from omniprofile.model.finding import Code, Finding, Level
from omniprofile.system import locking
from omniprofile.system.files import BYTE_ORDER_MARK

_NEW_FILE = "version = 1\n"
_OF_ALL_FILES = frozenset({Code.NO_BASE_URL, Code.DANGLING, Code.CYCLE, Code.DEFAULT_MISSING, Code.VARIABLE_COLLISION})
"""What cannot be found while a file has errors that keep its tables from being read."""

Validate = Callable[[Sequence[str], Mapping[str, bytes]], list[Finding]]
"""What is wrong with the files that are named, those of the mapping taken as they stand there."""

LOCK_SECONDS = 30.0
"""How long to wait for others who edit. Each edit takes a fraction of a second; nobody is asked anything meanwhile."""


def exclusive(folders: list[str]) -> AbstractContextManager[None]:
    """Hold the lock that keeps this user's other edits out; `folders` are those of the user's locks. Raises OperationFailed."""
    # Not beside the user's files: those folders may be read-only, or a git repository.
    return locking.exclusive(
        folders, "edit.lock", LOCK_SECONDS, busy="the profile files are being edited by another omniprofile"
    )


@contextmanager
def editing(folders: list[str], draft: "Callable[[], Draft]", *, dry_run: bool) -> "Iterator[Draft]":
    """Give a draft, with that lock held unless nothing will be written."""
    with nullcontext() if dry_run else exclusive(folders):
        yield draft()


class Draft:
    """The `paths`, as they are read now. `main` is where new tables go; it need not be there yet.

    Raises ConfigUnreadable, and UnsafePermissions for a file that others may write or replace: no command would use it.
    """

    def __init__(self, paths: Sequence[str], main: str, validate: Validate, home: str = "") -> None:
        self.main = main
        self._validate = validate
        self._before = {path: Content.read(path) for path in paths}
        refuse_others_files(dict.fromkeys((main, *self._before)), home=home)
        self._after: dict[str, bytes] = {}
        self._documents: dict[str, Document] = {}

    @property
    def paths(self) -> list[str]:
        """The files, in reading order, with those that the edit makes."""
        new = [path for path in self._after if path not in self._before]
        return [path for path in new if path == self.main] + [*self._before, *(p for p in new if p != self.main)]

    def content(self, path: str) -> bytes | None:
        """Return what a file holds now; None where it is not there."""
        before = self._before[path].content if path in self._before else None
        return self._after.get(path, before)

    def data(self, path: str) -> Mapping[str, Any]:
        """Return what a file says now; empty where it is not there, or is not TOML."""
        return self._document(path).data or {}

    def files_of(self, names: NamePath) -> list[str]:
        """Return the files that have the key or table at `names`."""
        return [path for path in self.paths if _has(self.data(path), names)]

    def table(self, path: str, names: NamePath) -> Mapping[str, Any]:
        """Return the table at `names` in a file; empty where there is none."""
        value: Any = self.data(path)
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}

    def place(self, path: str, names: NamePath) -> str:
        """Return `FILE:LINE` of a key or table."""
        return f"{path}:{self._document(path).position(names).line}"

    def set(self, path: str, names: NamePath, written: str) -> None:
        """Give the key at `names` in a file the value `written` in TOML."""
        self._change(path, lambda text: edit.set_value(text, names, written))

    def set_text(self, path: str, names: NamePath, value: str) -> None:
        """Give the key at `names` in a file a text as its value, in the quotes that it has."""
        self._change(path, lambda text: edit.set_text(text, names, value))

    def unset(self, path: str, names: NamePath) -> None:
        """Remove the key or table at `names` from a file."""
        self._change(path, lambda text: edit.remove(text, names))

    def rename(self, path: str, names: NamePath, name: str) -> None:
        """Give the table at `names` in a file another name."""
        self._change(path, lambda text: edit.rename(text, names, name))

    def add(self, path: str, names: NamePath, values: Mapping[str, object]) -> None:
        """Add a table of `values` to a file, which is made if it is not there."""
        written = {name: toml(value) for name, value in values.items()}
        self._change(path, lambda text: edit.add_table(text or _NEW_FILE, names, written))

    def set_content(self, path: str, content: bytes) -> None:
        """Replace the whole content of a file."""
        self._documents.pop(path, None)
        self._after[path] = content

    def changes(self) -> list[Change]:
        """Return the files that the edit changes, in the order in which they were first changed."""
        nothing = {path: Content(path, None, None) for path in self._after}
        changes = [Change((nothing | self._before)[path], content) for path, content in self._after.items()]
        return [change for change in changes if change.after != change.before.content]

    @property
    def patch(self) -> str:
        """All changes as a unified diff."""
        return "".join(change.patch for change in self.changes())

    def findings(self) -> list[Finding]:
        """Return what is wrong with the files as the edit leaves them."""
        return self._validate(self.paths, {path: (self.content(path) or b"") for path in self.paths})

    def check(self) -> int:
        """Return how many errors are left; more than none only where the edit fixes one and makes none.

        Raises Refused where the edit puts a secret into a file, ConfigInvalid where the result would not lint.
        """
        after = _errors(self.findings())
        if not after:
            return 0
        contents = {path: before.content for path, before in self._before.items() if before.content is not None}
        before = _errors(self._validate(list(self._before), contents))
        known = Counter(map(_sameness, before))
        fixed = known - Counter(map(_sameness, after))
        new = []
        for finding in after:
            if known[_sameness(finding)] > 0:
                known[_sameness(finding)] -= 1
            elif not (fixed and finding.code in _OF_ALL_FILES):
                new.append(finding)
        if new:
            raise _refusal(next((finding for finding in new if finding.code == Code.SECRET), new[0]))
        if not fixed:
            first = after[0]
            raise ConfigInvalid(
                f"{first.place}: {first.message} (it is so already; nothing was written)",
                hint=first.suggestion or "`omniprofile lint` shows what is wrong",
            )
        return len(after)

    def write(self) -> list[Change]:
        """Write what changed. Raises NotWritten, OperationFailed; then every file is as it was."""
        changes = self.changes()
        replace_all(changes)
        return changes

    def _change(self, path: str, change: Callable[[str], str]) -> None:
        document = self._document(path)
        if document.data is None:
            first = document.findings[0]
            raise ConfigInvalid(
                f"{first.place}: {first.message} (nothing was written)",
                hint=first.suggestion or "fix it by hand first: `omniprofile edit`",
            )
        mark = BYTE_ORDER_MARK if (self.content(path) or b"").startswith(BYTE_ORDER_MARK) else b""
        self._after[path] = mark + change(document.text).encode("utf-8")
        self._documents.pop(path, None)

    def _document(self, path: str) -> Document:
        if path not in self._documents:
            self._documents[path] = Document.parse(path, (self.content(path) or b""))
        return self._documents[path]


def _has(data: Mapping[str, Any], names: NamePath) -> bool:
    value: Any = data
    for name in names:
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True


def _errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level is Level.ERROR]


def _sameness(finding: Finding) -> tuple[str, str, str]:
    """Return a finding without its place and the lines in its words: an edit moves those."""
    return finding.file, finding.code, "".join("0" if char.isdigit() else char for char in finding.message)


def _refusal(finding: Finding) -> Refused | ConfigInvalid:
    if finding.code == Code.SECRET:
        return Refused(
            "a secret may not be put into a profile file; nothing was written",
            hint="store it with `omniprofile login NAME`, which asks for it; revoke it if others can have seen it",
        )
    kind = {Code.HOST_NOT_ALLOWED: HostNotAllowed, Code.PLAIN_HTTP: InsecureURL}.get(Code(finding.code), ConfigInvalid)
    return kind(f"{finding.message} (nothing was written)", hint=finding.suggestion)
