"""The findings of checks: results, not exceptions."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from omniprofile.errors import ConfigInvalid, ConfigUnreadable, Error, UnsafePermissions
from omniprofile.model.rule_codes import Code, Level
from omniprofile.model.secret import without_keys

MOST = 1000
"""The most findings of one kind that are shown for a file. A file with more is not one that a person wrote."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A fix that cannot be wrong: replace `length` characters of the file, from this place on, by `text`."""

    line: int
    column: int
    length: int
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One finding of one rule at one place. `line` and `column` count from 1, columns in characters (code points).

    Its texts quote keys and names of the file, where someone may have put a secret, so anything that looks like a key is masked.
    """

    file: str
    line: int
    column: int
    code: Code
    message: str
    suggestion: str | None = None
    fix: Fix | None = field(default=None, compare=False)
    path: tuple[str | int, ...] = field(default=(), compare=False)
    """The key or value that it is about, from the top of the file; empty if it is not about one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", without_keys(self.message))
        if self.suggestion is not None:
            object.__setattr__(self, "suggestion", without_keys(self.suggestion))

    @property
    def level(self) -> Level:
        """Its severity."""
        return self.code.level

    @property
    def place(self) -> str:
        """`file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def identity(self) -> tuple[object, ...]:
        """The file, the rule, and the key or value: the same after an edit elsewhere in the file."""
        return self.file, self.code, self.path

    def as_error(self, note: str = "", *, hint: str | None = None) -> Error:
        """Return the error for what this finding stops. `note` follows its message; `hint` stands in for a missing suggestion."""
        kind = {Code.UNREADABLE: ConfigUnreadable, Code.WRITABLE: UnsafePermissions}.get(self.code)
        if kind is not None:  # about the whole file, which the message names
            return kind(self.message + note, hint=self.suggestion)
        return ConfigInvalid(f"{self.place}: {self.message}{note}", hint=self.suggestion or hint)


def unreadable(file: str, problem: Exception) -> Finding:
    """Return the finding for a file that cannot be read. `problem` is a FileNotFoundError, or says why; it may have a `hint`."""
    gone = isinstance(problem, FileNotFoundError)
    message = f"`{file}` not found" if gone else f"`{file}` cannot be read: {problem}"
    hint = "check the path" if gone else getattr(problem, "hint", None) or "check what it is and who may read it"
    return Finding(file, 1, 1, Code.UNREADABLE, message, hint)


def errors_in(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings of level error."""
    return [finding for finding in findings if finding.level is Level.ERROR]


def store_it(profile: str, variable: str | None = None) -> str:
    """Return what to do about a secret in plain text. `variable` is the one of `env` that holds it, if any."""
    replace, option = "remove it", ""
    if variable is not None:
        replace, option = f"write `{variable} = {{ keyring = true }}`", f" --secret {variable}"
    store = f"run `omniprofile login {profile}{option}` to store it"
    return f"{replace}, {store}, and revoke it if this file was ever shared: it may be in its history"
