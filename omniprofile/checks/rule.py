"""A lint rule about tables, and the tables that it checks and reports findings in."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from omniprofile.config.loader import Files
from omniprofile.config.toml.data import KeyPath
from omniprofile.model.declaration import Declaration, KeySource
from omniprofile.model.effective import Effective, every_effective
from omniprofile.model.rule_codes import Code

UNREAD = frozenset({Code.UNREADABLE, Code.SYNTAX})
"""With one of these findings a file is missing from the tables, so rules about what other files may define do not run."""
UNDONE = UNREAD | frozenset(
    {
        Code.UNKNOWN_KEY, Code.WRONG_VALUE, Code.BAD_NAME, Code.CONTRADICTION, Code.MISSING_KEY, Code.SECRET, Code.DANGLING,
    }
)  # fmt: skip
"""With one of these findings the tables are incomplete, so rules about missing values do not run."""


class Tables:
    """The tables of all valid files. `profiles` omits profiles with a broken chain of parents."""

    def __init__(self, files: Files, environ: Mapping[str, str]) -> None:
        self.files = files
        self.config = files.config
        self.environ = environ
        self.profiles: list[tuple[Declaration, Effective]] = [
            (files.config.profiles[name], effective) for name, effective in every_effective(files.config).items()
        ]

    def with_base_url(self) -> Iterator[Declaration]:
        """Yield every table that can have a base URL."""
        yield from self.config.instances.values()
        yield from self.with_key()

    def with_key(self) -> Iterator[Declaration]:
        """Yield every table that can have an instance, a key or variables."""
        yield from self.config.profiles.values()
        yield from self.config.defaults

    def report(
        self, code: Code, table: Declaration, path: KeyPath, message: str, hint: str, *, replacement: str | None = None
    ) -> None:
        """Report a finding at the value at `path` in a table. `replacement` is the safe fix for the value."""
        self.files.report(code, (*table.path, *path), table.file, message, hint, replacement=replacement)

    def report_key(self, code: Code, table: Declaration, path: KeyPath, message: str, hint: str) -> None:
        """Report a finding at the key at `path` in a table, or at the table itself."""
        self.files.report(code, (*table.path, *path), table.file, message, hint, at_key=True)


def sources(table: Declaration) -> Iterator[tuple[KeyPath, KeySource]]:
    """Yield the source of each key or secret of a table, with its path in the table."""
    if table.key:
        yield ("key",), table.key
    for name, value in table.env.items():
        if value.secret:
            yield ("env", name), value.secret


class Rule(NamedTuple):
    """A rule, the codes it reports, and the findings that disable it, because with them it could only guess."""

    check: Callable[[Tables], None]
    codes: tuple[Code, ...]
    silent_while: frozenset[Code]


def rule(*codes: Code, silent_while: frozenset[Code] = frozenset()) -> Callable[[Callable[[Tables], None]], Rule]:
    """Make a function a rule for lint to run. `checks.rule_texts` describes what each rule finds."""
    return lambda check: Rule(check, codes, silent_while)
