"""The `.env` file of a program that uses one of the Python SDKs. DOOR: python-dotenv.

Reads the file with the same parser as the SDK, so that quotes, escapes and comments mean the same. Nothing is interpolated: a
value that refers to another variable is not a secret.
"""

import io
import re
import stat
from dataclasses import dataclass, field
from datetime import datetime

from omniprofile.errors import UsageError
from omniprofile.model.names import nearest_valid, printable_place, quoted_list
from omniprofile.model.origin import NotAnOrigin, Origin, without_api_path
from omniprofile.model.references import command_for, stand_in
from omniprofile.model.secret import KEY_SHAPES, Secret
from omniprofile.model.stored import StoredSecret
from omniprofile.system.files import BYTE_ORDER_MARK
from omniprofile.transfer.foreign import ForeignFile, Found, Source

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
                raise file.wrong(f"line {line}", f"has more than {_MOST_BLANKS} spaces in a row", "remove them")
        marks = content[: len(content) - len(content.lstrip("\ufeff"))]  # otherwise the parser drops one more
        parts = [Part(marks, 1)] if marks else []
        for binding in parse_stream(io.StringIO(content[len(marks) :], newline="")):
            text, line = binding.original.string, binding.original.line
            line += text[: len(text) - len(text.lstrip())].count("\n")
            if binding.error and any(name in text for name in (*TOKENS, BASE_URL)):
                raise file.wrong(f"line {line}", "cannot be read: a quote may be open", "correct it")
            parts.append(Part(text, line, binding.key if binding.value is not None else None, binding.value or ""))
        return cls(file, tuple(parts))

    def _assigned(self, *names: str) -> list[Part]:
        """Return the non-empty assignments of these variables, in the order of `names`."""
        return [part for name in names for part in self.parts if part.name == name and part.value]

    def with_secrets(self) -> list[Part]:
        """Return the assignments of a token in plain text."""
        return [part for part in self._assigned(*TOKENS) if not _stand_in(part.value)]

    def commented(self) -> list[int]:
        """Return the line numbers of comments that contain a key, usually an old one."""
        return [part.line for part in self.parts if _without_keys(part) != part.text]

    def found(self, now: datetime, *, name: str | None, base_url: str | None) -> Found:
        """Return the profile that the file describes. `base_url` is for a file that has none.

        Raises ConfigInvalid, and UsageError if the base URL is missing, not a base URL, or differs from the file's.
        """
        if not self._assigned(*TOKENS, BASE_URL):
            names = quoted_list((*TOKENS, BASE_URL))
            raise self.file.wrong("the file", f"has none of {names}", "name another file")
        key = self._token()
        origin = self._origin(base_url)
        command = command_for(key) if key else None
        secret = StoredSecret(origin, Secret(key), now) if key and not command else None
        called = name or origin.organization_name or nearest_valid(origin.host)
        return Found(called, origin, "api-key", secret, command=command)

    def without_secrets(self, profile: str | None) -> bytes:
        """Return the file without keys in comments, and with tokens replaced by comments if they are stored for `profile`.

        Each line keeps its newline style.
        """
        mark = "\ufeff" if self.file.content.startswith(BYTE_ORDER_MARK) else ""
        gone = set(self.with_secrets()) if profile else set()
        text = "".join(_comment(part, profile or "") if part in gone else _without_keys(part) for part in self.parts)
        return (mark + text).encode("utf-8")

    def _token(self) -> str | None:
        """Return the file's token, None if it has none. Raises ConfigInvalid."""
        settings = self._assigned(*TOKENS)
        if not settings:
            return None
        for setting in settings:
            what = _stand_in(setting.value)
            if what and not command_for(setting.value):
                raise self.file.wrong(
                    f"line {setting.line}: `{setting.name}`",
                    f"is {what}, and no key",
                    "put the key itself there, or leave the line out and pipe the key to `omniprofile login NAME`",
                )
        first = settings[0]
        for other in settings[1:]:
            if other.value != first.value:
                raise self.file.wrong(
                    f"lines {first.line} and {other.line}: `{first.name}` and `{other.name}`"
                    if other.name != first.name
                    else f"lines {first.line} and {other.line}: `{first.name}`",
                    "have different values",
                    "keep the one that is right",
                )
        return first.value

    def _origin(self, base_url: str | None) -> Origin:
        settings = self._assigned(BASE_URL)
        if base_url is not None:
            try:
                given = Origin.parse(base_url)
            except NotAnOrigin as problem:
                hint = f"did you mean `{problem.suggestion}`?" if problem.suggestion else None
                raise UsageError(f"the value of `--base-url` {problem}", hint=hint) from problem
            if settings and self._parsed(settings[-1]) != given:
                raise UsageError(
                    f"`--base-url` and the file's `{BASE_URL}` differ",
                    hint="leave `--base-url` out, or correct the file",
                )
            return given
        if not settings:
            raise UsageError(
                f"the file does not set `{BASE_URL}`, so the instance of its key is unknown",
                hint="give it: `--base-url https://acme.omniapp.co`",
            )
        return self._parsed(settings[-1])

    def _parsed(self, setting: Part) -> Origin:
        return self.file.origin(f"line {setting.line}: `{BASE_URL}`", without_api_path(setting.value))


def dotenv_source(dotenv: Dotenv, now: datetime, *, name: str | None, base_url: str | None) -> Source:
    """Return the profile of a `.env` as an import source. Raises as `Dotenv.found`."""
    lines = dotenv.commented()
    place = f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"
    left = [f"`{printable_place(dotenv.file.path)}` has a key in a comment, too: {place}"] if lines else []
    return Source(
        dotenv.file, [dotenv.found(now, name=name, base_url=base_url)],
        lambda stored: dotenv.without_secrets(next(iter(stored.values()), None)),
        stat.S_IMODE(dotenv.file.status.st_mode), "correct the file", left=left,
    )  # fmt: skip


def _stand_in(value: str) -> str | None:
    return stand_in(value) or ("a reference to a variable" if "${" in value else None)


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
        return match[0] if _stand_in(value) else match[0].removesuffix(value) + "(removed)"

    return text[:start] + _COMMENTED.sub(removed, text[start:])


def _comment(setting: Part, profile: str) -> str:
    lead = setting.text[: len(setting.text) - len(setting.text.lstrip())]
    body = setting.text.rstrip("\r\n")
    end = setting.text[len(body) :]
    return f"{lead}# {setting.name} is stored: omniprofile exec {profile} -- COMMAND{end}"
