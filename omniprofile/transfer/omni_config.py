"""The config file of the vendor's CLI, `omni`: read strictly, changed as little as possible.

`omni_format` defines its content; each profile in it is an `OmniProfile`.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from omniprofile.errors import ConfigInvalid, Error
from omniprofile.model.names import printable, quoted_list
from omniprofile.transfer.foreign_file import ForeignFile
from omniprofile.transfer.found_profiles import Source, together
from omniprofile.transfer.omni_format import Json, check_config, check_profile, parse, text_of
from omniprofile.transfer.omni_profile import CREDENTIAL, OmniProfile

WHAT = "config of the vendor's CLI"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OmniConfig:
    """A config that was read and validated. `data` is all of it, and is never changed in place."""

    file: ForeignFile
    data: Json = field(repr=False)

    @classmethod
    def read(cls, path: str, *, whole: bool = True) -> "OmniConfig":
        """Read the file; with `whole`, no profile in it may be broken. Raises ConfigUnreadable and ConfigInvalid."""
        file = ForeignFile.read(path, WHAT)
        data = parse(file)
        check_config(file, data)
        config = cls(file, data)
        if whole and (problems := config.each(lambda profile: check_profile(file, profile.name, profile.table))[1]):
            raise together(problems, "restore a copy")
        return config

    @classmethod
    def new(cls, path: str) -> "OmniConfig":
        """Return the initial content of a new file."""
        return cls(ForeignFile(path), {"version": 1})

    @property
    def tables(self) -> Json:
        """Return the objects of the profiles in the file, by their names there."""
        tables = self.data.get("profiles")
        return tables if isinstance(tables, dict) else {}

    @property
    def profiles(self) -> dict[str, OmniProfile]:
        """Return the profiles in the file, by their names there."""
        common = text_of(self.data, "defaultOutputFormat")
        return {
            name: OmniProfile(self.file, name, table if isinstance(table, dict) else None, common)
            for name, table in self.tables.items()
        }

    def each(self, work: Callable[[OmniProfile], T], only: Sequence[str] = ()) -> tuple[list[T], list[Error]]:
        """Call `work` for every profile, or for those in `only`; return its results, and the errors of the other profiles."""
        done: list[T] = []
        problems: list[Error] = []
        for name, profile in self.profiles.items():
            try:
                if not only or name in only:
                    done.append(work(profile))
            except ConfigInvalid as problem:
                problems.append(problem)
        return done, problems

    @property
    def default(self) -> OmniProfile | None:
        """Return the profile named by `defaultProfile`, or None."""
        return self.profiles.get(text_of(self.data, "defaultProfile") or "")

    def without_secrets_of(self, names: Sequence[str]) -> bytes:
        """Return the file without the credentials used by the profiles `names`."""
        tables, profiles = dict(self.tables), self.profiles
        for name in names:
            gone = CREDENTIAL[profiles[name].auth]
            tables[name] = {key: value for key, value in (profiles[name].table or {}).items() if key not in gone}
        return self.rendered({**self.data, "profiles": tables})

    def rendered(self, data: Json) -> bytes:
        """Return `data` in the style of the file: its indentation, its newlines, and a final newline if it has one."""
        text = self.file.text()
        second = text.split("\n", 2)[1] if text.count("\n") else "  "
        indent = second[: len(second) - len(second.lstrip())] or "  "
        end = "\n" if text.endswith("\n") else ""
        newline = "\r\n" if "\r\n" in text else "\n"
        for ascii_only in (False, True):  # a lone surrogate in a foreign key can only be written as an escape
            rendered = json.dumps(data, indent=indent, ensure_ascii=ascii_only, allow_nan=False) + end
            with suppress(UnicodeEncodeError):
                return rendered.replace("\n", newline).encode("utf-8")
        raise AssertionError("ASCII can be encoded")


def omni_source(config: OmniConfig, only: Sequence[str], now: datetime) -> Source:
    """Return the profiles of a config of the vendor's CLI as an import source: all of them, or those in `only`."""
    found, problems = config.each(lambda profile: profile.found(now), only)
    profiles, default = config.profiles, config.default
    left = [
        f"`{printable(one.name)}` also has {quoted_list(unused, 'and')}, which it does not use: that stays in the file"
        for one in found
        if (unused := profiles[one.name].unused_secrets())
    ]
    return Source(
        config.file, found, lambda stored: config.without_secrets_of(list(stored)), 0o600,
        "choose the others with `--only`", problems, default.name if default else None, left,
    )  # fmt: skip
