"""The `.env` file of a program that uses one of the Python SDKs. DOOR: python-dotenv.

It is read by the very parser that the SDK reads it with, so that a quote, an escape or a comment means here what it means
there. Nothing is interpolated: a secret that refers to another variable is none.
"""

import io
import re
from dataclasses import dataclass, field
from datetime import datetime

from omniprofile.errors import UsageError
from omniprofile.model.names import nearest_valid, quoted_list
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from omniprofile.system.files import BYTE_ORDER_MARK
from omniprofile.transfer.foreign import ForeignFile, Found

WHAT = "`.env` file"
TOKENS = ("OMNI_API_KEY", "OMNI_API_TOKEN")
BASE_URL = "OMNI_BASE_URL"
_PATHS = re.compile(r"/(api(/v1|/unstable)?/?)?$")
"""What the SDK cuts from a base URL (`OmniAPI._trim_base_url`)."""
_REFERENCE = "${"
_BLANKS = re.compile(r"[^\S\r\n]+")
"""One run of what the parser skips as blank, which Unicode has 27 characters of."""
_MOST_BLANKS = 200


@dataclass(frozen=True, slots=True)
class Setting:
    """One assignment. `text` is all of it as it stands in the file, its line end included."""

    name: str
    value: str = field(repr=False)
    line: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dotenv:
    """A `.env` that was read. `parts` are its pieces in order; those that assign something are settings."""

    file: ForeignFile
    parts: tuple[str | Setting, ...] = field(repr=False)

    @classmethod
    def read(cls, path: str) -> "Dotenv":
        """Read the file. Raises ConfigUnreadable, ConfigInvalid for a line that is broken and could be one of ours."""
        from dotenv.parser import parse_stream

        file = ForeignFile.read(path, WHAT)
        content = file.text().removeprefix("\ufeff")
        for blanks in _BLANKS.finditer(content):  # over each run of them the parser goes quadratic
            if blanks.end() - blanks.start() > _MOST_BLANKS:
                line = content.count("\n", 0, blanks.start()) + 1
                raise file.wrong(f"line {line}", f"has more than {_MOST_BLANKS} blanks in a row", "remove them")
        marks = content[: len(content) - len(content.lstrip("\ufeff"))]  # of more than one the parser drops another
        parts: list[str | Setting] = [marks] if marks else []
        for binding in parse_stream(io.StringIO(content[len(marks) :], newline="")):
            text, line = binding.original.string, binding.original.line
            line += text[: len(text) - len(text.lstrip())].count("\n")
            if binding.error and any(name in text for name in (*TOKENS, BASE_URL)):
                raise file.wrong(f"line {line}", "cannot be read: a quote may be open", "correct it")
            named = binding.key is not None and binding.value is not None
            parts.append(Setting(str(binding.key), str(binding.value), line, text) if named else text)
        return cls(file, tuple(parts))

    @property
    def settings(self) -> dict[str, list[Setting]]:
        """What is assigned, by name."""
        found: dict[str, list[Setting]] = {}
        for part in self.parts:
            if isinstance(part, Setting):
                found.setdefault(part.name, []).append(part)
        return found

    def with_secrets(self) -> list[Setting]:
        """The assignments of a token in plain text."""
        return [
            setting
            for name in TOKENS
            for setting in self.settings.get(name, [])
            if setting.value and _REFERENCE not in setting.value
        ]

    def found(self, now: datetime, *, name: str | None, base_url: str | None) -> Found:
        """The profile that the file describes. `base_url` is for a file that says none.

        Raises ConfigInvalid, and UsageError when the base URL is missing or given twice.
        """
        if not any(setting.value for known in (*TOKENS, BASE_URL) for setting in self.settings.get(known, [])):
            names = quoted_list((*TOKENS, BASE_URL))
            raise self.file.wrong("the file", f"has none of {names}", "name another file")
        key = self._token()
        origin = self._origin(base_url)
        secret = StoredSecret(origin, Secret(key), now) if key else None
        return Found(name or origin.organization_name or nearest_valid(origin.host), origin, "api-key", secret)

    def without_secrets(self, profile: str) -> bytes:
        """The file with a comment in the place of each token. The newline style of each stays."""
        mark = "\ufeff" if self.file.content.startswith(BYTE_ORDER_MARK) else ""
        gone = self.with_secrets()
        text = "".join(
            _comment(part, profile) if part in gone else part.text if isinstance(part, Setting) else part
            for part in self.parts
        )
        return (mark + text).encode("utf-8")

    def _token(self) -> str | None:
        """The one token of the file."""
        settings = [setting for name in TOKENS for setting in self.settings.get(name, []) if setting.value]
        if not settings:
            return None
        for setting in settings:
            if _REFERENCE in setting.value:
                raise self.file.wrong(
                    f"line {setting.line}: `{setting.name}`",
                    "refers to another variable",
                    "import it from where that variable is set, or pipe it to `omniprofile login NAME`",
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
        settings = [setting for setting in self.settings.get(BASE_URL, []) if setting.value]
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
                f"the file says no `{BASE_URL}`, so nobody knows which instance its key is for",
                hint="give it: `--base-url https://acme.omniapp.co`",
            )
        return self._parsed(settings[-1])

    def _parsed(self, setting: Setting) -> Origin:
        text = setting.value
        scheme, separator, rest = text.partition("://")
        return self.file.origin(f"line {setting.line}: `{BASE_URL}`", scheme + separator + _PATHS.sub("", rest))


def _comment(setting: Setting, profile: str) -> str:
    lead = setting.text[: len(setting.text) - len(setting.text.lstrip())]
    body = setting.text.rstrip("\r\n")
    end = setting.text[len(body) :]
    return f"{lead}# {setting.name} is stored: omniprofile exec {profile} -- COMMAND{end}"
