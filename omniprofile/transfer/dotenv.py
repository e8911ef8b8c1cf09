"""The `.env` file of a program that uses one of the Python SDKs. DOOR: python-dotenv.

Reads the file with the same parser as the SDK, so that quotes, escapes and comments mean the same. Nothing is interpolated: a
value that refers to another variable is not a secret.
"""

import io
import re
from dataclasses import dataclass, field

from omniprofile.model.names import holds_key, printable
from omniprofile.model.not_a_key import not_a_key
from omniprofile.model.secret import KEY_SHAPES
from omniprofile.system.files import BYTE_ORDER_MARK
from omniprofile.transfer.foreign_file import ForeignFile

WHAT = "`.env` file"
TOKENS = ("OMNI_API_KEY", "OMNI_API_TOKEN")
BASE_URL = "OMNI_BASE_URL"
_COMMENTED = re.compile(rf"\b(?:OMNI_API_KEY|OMNI_API_TOKEN)[ \t]*+=[ \t]*+(?P<value>[^\s#]++)|{KEY_SHAPES}")
"""A key in a comment: either an assigned value, or text recognizable as a key."""
_BLANKS = re.compile(r"[^\S\r\n]+")
"""A run of characters that the parser skips as blank; Unicode has 27 of them."""
_MOST_BLANKS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A piece of the file: an assignment, or the text between two, which has no name.

    `text` is the whole piece with its line end; `line` is the line of its first non-blank character.
    """

    text: str = field(repr=False)
    line: int
    name: str | None = None
    value: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Dotenv:
    """A parsed `.env` file. `parts` are its pieces in order."""

    file: ForeignFile
    parts: tuple[Part, ...] = field(repr=False)

    @classmethod
    def read(cls, path: str) -> "Dotenv":
        """Read the file. Raises ConfigUnreadable, and ConfigInvalid for a broken line that could be one of ours."""
        from dotenv.parser import parse_stream

        file = ForeignFile.read(path, WHAT)
        content = file.text().removeprefix("\ufeff")
        for blanks in _BLANKS.finditer(content):  # the parser takes quadratic time for each run
            if blanks.end() - blanks.start() > _MOST_BLANKS:
                line = content.count("\n", 0, blanks.start()) + 1
                raise file.wrong("the line", f"has more than {_MOST_BLANKS} spaces in a row", "remove them", line=line)
        marks = content[: len(content) - len(content.lstrip("\ufeff"))]  # otherwise the parser drops one more
        parts = [Part(marks, 1)] if marks else []
        for binding in parse_stream(io.StringIO(content[len(marks) :], newline="")):
            text, line = binding.original.string, binding.original.line
            line += text[: len(text) - len(text.lstrip())].count("\n")
            if binding.error and any(name in text for name in (*TOKENS, BASE_URL)):
                raise file.wrong("the line", "cannot be read: a quote may be open", "correct it", line=line)
            parts.append(Part(text, line, binding.key if binding.value is not None else None, binding.value or ""))
        return cls(file, tuple(parts))

    def assigned(self, *names: str) -> list[Part]:
        """Return the non-empty assignments of these variables, in the order of `names`."""
        return [part for name in names for part in self.parts if part.name == name and part.value]

    def with_secrets(self) -> list[Part]:
        """Return the assignments of a token in plain text."""
        return [part for part in self.assigned(*TOKENS) if not reference(part.value)]

    def elsewhere(self) -> list[str]:
        """Return which other variables have an Omni key in plain text, with their lines."""
        found = [part for part in self.parts if part.name not in (None, *TOKENS) and "omni_" in part.value]
        return [f"`{printable(str(part.name), 40)}` (line {part.line})" for part in found if holds_key(part.value)]

    def commented(self) -> list[int]:
        """Return the line numbers of comments that contain a key, usually an old one."""
        return [part.line for part in self.parts if _without_keys(part) != part.text]

    def without_secrets(self, profile: str | None) -> bytes:
        """Return the file without keys in comments, and with tokens replaced by comments if they are stored for `profile`.

        Each line keeps its newline style.
        """
        mark = "\ufeff" if self.file.content.startswith(BYTE_ORDER_MARK) else ""
        gone = set(self.with_secrets()) if profile else set()
        text = "".join(_comment(part, profile or "") if part in gone else _without_keys(part) for part in self.parts)
        return (mark + text).encode("utf-8")


def reference(value: str) -> str | None:
    """Describe `value` if it is found in place of a key; return None if it may be a key."""
    return not_a_key(value) or ("a reference to a variable" if "${" in value else None)


def _without_keys(part: Part) -> str:
    """Return a piece of the file with any key in its comment removed."""
    text = part.text
    # A value may contain `#`: the text after the last `#` preceded by a blank is a comment unless it is part of the value.
    start = text.rfind(" #") if part.name is not None else text.find("#")
    if start < 0 or (part.name is not None and text[start:].strip() in part.value):
        return text

    def removed(match: re.Match[str]) -> str:
        value = match["value"]
        if value is None:
            return "(removed)"
        return match[0] if reference(value) else match[0].removesuffix(value) + "(removed)"

    return text[:start] + _COMMENTED.sub(removed, text[start:])


def _comment(setting: Part, profile: str) -> str:
    lead = setting.text[: len(setting.text) - len(setting.text.lstrip())]
    body = setting.text.rstrip("\r\n")
    end = setting.text[len(body) :]
    return f"{lead}# {setting.name} is stored: omniprofile exec {profile} -- COMMAND{end}"
