"""The profile files as an edit leaves them: changed in memory, checked as a whole, and written all or none.

Every change goes through `toml.edit`, so that no other byte of a file changes. Use a draft under the lock that `App.editing`
holds.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omniprofile.config.editing.replace import Change, Content
from omniprofile.config.permissions import refuse_unsafe
from omniprofile.config.toml import edit
from omniprofile.config.toml.data import NamePath, find
from omniprofile.config.toml.text import Document
from omniprofile.config.toml.write import toml
from omniprofile.errors import ConfigInvalid, HostNotAllowed, InsecureURL, Refused
from omniprofile.model.finding import Finding, errors_in
from omniprofile.model.rule_codes import Code

_NEW_FILE = "version = 1\n"
_OF_ALL_FILES = frozenset({Code.NO_BASE_URL, Code.DANGLING, Code.CYCLE, Code.DEFAULT_MISSING, Code.VARIABLE_COLLISION})
"""Errors that cannot be found while other errors keep a file's tables from being read."""


Validate = Callable[[Sequence[str], Mapping[str, bytes]], list[Finding]]
"""Returns the findings in the named files, using the contents in the mapping instead of reading those files."""


class Draft:
    """The files `paths`, read on creation. `main` is the file for new tables; it need not exist yet.

    Raises ConfigUnreadable, and UnsafePermissions for a file that others may write or replace, since no command would use it.
    """

    def __init__(self, paths: Sequence[str], main: str, validate: Validate, home: str = "") -> None:
        self.main = main
        self._validate = validate
        self._before = {path: Content.read(path) for path in paths}
        refuse_unsafe(dict.fromkeys((main, *self._before)), home=home)
        self._after: dict[str, bytes] = {}
        self._documents: dict[str, Document] = {}

    @property
    def paths(self) -> list[str]:
        """The files in reading order, including those that the edit creates."""
        new = [path for path in self._after if path not in self._before]
        return [path for path in new if path == self.main] + [*self._before, *(p for p in new if p != self.main)]

    def content(self, path: str) -> bytes | None:
        """Return the content of a file after the edit so far; None if there is no such file."""
        before = self._before[path].content if path in self._before else None
        return self._after.get(path, before)

    def data(self, path: str) -> Mapping[str, Any]:
        """Return the data of a file after the edit so far; empty if it does not exist, or is not TOML."""
        return self._document(path).data or {}

    def files_of(self, names: NamePath) -> list[str]:
        """Return the files that have the key or table at `names`."""
        return [path for path in self.paths if find(self.data(path), names) is not None]

    def table(self, path: str, names: NamePath) -> Mapping[str, Any]:
        """Return the table at `names` in a file; empty if there is none."""
        value = find(self.data(path), names)
        return value if isinstance(value, dict) else {}

    def place(self, path: str, names: NamePath) -> str:
        """Return `FILE:LINE` of a key or table."""
        return f"{path}:{self._document(path).position(names).line}"

    def set(self, path: str, names: NamePath, written: str) -> None:
        """Set the key at `names` in a file to the value `written` in TOML."""
        self._change(path, lambda text: edit.set_value(text, names, written))

    def set_text(self, path: str, names: NamePath, value: str) -> None:
        """Set the key at `names` in a file to a text, keeping its kind of quotes."""
        self._change(path, lambda text: edit.set_text(text, names, value))

    def unset(self, path: str, names: NamePath) -> None:
        """Remove the key or table at `names` from a file."""
        self._change(path, lambda text: edit.remove(text, names))

    def rename(self, path: str, names: NamePath, name: str) -> None:
        """Rename the table at `names` in a file."""
        self._change(path, lambda text: edit.rename(text, names, name))

    def add(self, path: str, names: NamePath, values: Mapping[str, object]) -> None:
        """Add a table of `values` to a file, which is created if needed."""
        written = {name: toml(value) for name, value in values.items()}
        self._change(path, lambda text: edit.add_table(text or _NEW_FILE, names, written))

    def set_content(self, path: str, content: bytes) -> None:
        """Replace the whole content of a file."""
        self._documents.pop(path, None)
        self._after[path] = content

    def changes(self) -> list[Change]:
        """Return the files that the edit changes, in the order in which they were first changed."""
        before = {path: Content(path, None, None) for path in self._after} | self._before
        return [Change(before[path], after) for path, after in self._after.items() if after != before[path].content]

    @property
    def patch(self) -> str:
        """All changes as a unified diff."""
        return "".join(change.patch for change in self.changes())

    def findings(self) -> list[Finding]:
        """Return the findings in the files as the edit leaves them."""
        return self._validate(self.paths, {path: (self.content(path) or b"") for path in self.paths})

    def check(self) -> int:
        """Return how many errors are left. Errors may be left only if the edit fixes one and adds none.

        Raises Refused if the edit puts a secret into a file, or makes a file name a host or plain http that is refused, and
        ConfigInvalid for any other error.
        """
        after = errors_in(self.findings())
        if not after:
            return 0
        contents = {path: before.content for path, before in self._before.items() if before.content is not None}
        before = errors_in(self._validate(list(self._before), contents))
        known = Counter(finding.identity for finding in before)
        fixed = known - Counter(finding.identity for finding in after)
        new = []
        for finding in after:
            if known[finding.identity] > 0:
                known[finding.identity] -= 1
            elif not (fixed and finding.code in _OF_ALL_FILES):
                new.append(finding)
        if not new and not fixed:  # one wrong value may have been replaced by another
            said = {finding.message for finding in before}
            new = [finding for finding in after if finding.message not in said]
        if new:
            raise _refusal(next((finding for finding in new if finding.code == Code.SECRET), new[0]))
        if not fixed:
            note = " (the file has this error already; nothing was written)"
            raise after[0].as_error(note, hint="`omniprofile lint` shows what is wrong")
        return len(after)

    def _change(self, path: str, change: Callable[[str], str]) -> None:
        document = self._document(path)
        if document.data is None:
            hint = "fix it by hand first: `omniprofile edit`"
            raise document.findings[0].as_error(" (nothing was written)", hint=hint)
        self.set_content(path, Content(path, self.content(path), None).changed_to(change(document.text)).after)

    def _document(self, path: str) -> Document:
        if path not in self._documents:
            self._documents[path] = Document.parse(path, (self.content(path) or b""))
        return self._documents[path]


def _refusal(finding: Finding) -> Refused | ConfigInvalid:
    if finding.code == Code.SECRET:
        return Refused(
            "a secret may not be put into a profile file; nothing was written",
            hint="store it with `omniprofile login NAME`, which asks for it; revoke it if others can have seen it",
        )
    kind = {Code.HOST_NOT_ALLOWED: HostNotAllowed, Code.PLAIN_HTTP: InsecureURL}.get(finding.code, ConfigInvalid)
    return kind(f"{finding.message} (nothing was written)", hint=finding.suggestion)
