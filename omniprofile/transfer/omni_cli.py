"""The config file of the vendor's CLI, `omni`: found where that program looks, read strictly, changed as little as possible.

Its keys are those of the program's source (exploreomni/cli). Anything else in the file belongs to a newer version and stays in
place. JSON must strictly follow RFC 8259, because the Go program would read a repeated key, or one in another case, in its own
way.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import isfinite
from typing import TypeVar, cast

from omniprofile.errors import ConfigInvalid, Error
from omniprofile.model.declaration import AuthMethod
from omniprofile.model.names import printable, printable_place, quoted_list, quoted_place
from omniprofile.model.origin import Origin
from omniprofile.model.references import command_for, stand_in
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from omniprofile.model.times import parse_time
from omniprofile.transfer.foreign import ForeignFile, Found, Source, together

WHAT = "config of the vendor's CLI"
CLIENT_ID, SCOPE = "omni-cli", "user:default"
"""The client and scope of the CLI's sessions, which a refresh must name (exploreomni/cli)."""

SECRETS = ("apiKey", "accessToken", "refreshToken")
_OF_METHOD: Mapping[AuthMethod, tuple[str, ...]] = {
    "api-key": ("apiKey",),
    "oauth": ("accessToken", "refreshToken", "tokenExpiresAt"),
}
_TOP = ("version", "defaultProfile", "defaultOutputFormat", "profiles")
_PROFILE = ("apiEndpoint", "authMethod", "defaultOutputFormat", *SECRETS, "tokenExpiresAt")
_NO_TIME = "0001-01-01T00:00:00"
"""How Go writes a time that was never set."""

_AHEAD = timedelta(seconds=10)
"""How long before its expiry `omni` renews a session."""
DEEPEST = 100

Json = dict[str, object]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OmniConfig:
    """A config that was read and validated. `data` is all of it, and is never changed in place."""

    file: ForeignFile | None
    data: Json = field(repr=False)

    @classmethod
    def read(cls, path: str, *, whole: bool = True) -> "OmniConfig":
        """Read the file; with `whole`, no profile in it may be broken. Raises ConfigUnreadable and ConfigInvalid."""
        file = ForeignFile.read(path, WHAT)
        config = cls(file, _parse(file))
        config._validate()
        if whole and (problems := config.each(config._validate_profile)[1]):
            raise together(problems, "restore a copy")
        return config

    @classmethod
    def empty(cls) -> "OmniConfig":
        """Return the initial content of a new file."""
        return cls(None, {"version": 1, "profiles": {}})

    @property
    def profiles(self) -> dict[str, Json]:
        """Return the profiles as they are in the file, by their names there."""
        return cast("dict[str, Json]", self.data.get("profiles") or {})

    def each(self, work: Callable[[str], T], only: Sequence[str] = ()) -> tuple[list[T], list[Error]]:
        """Call `work` for every profile, or for those in `only`; return its results, and the errors of the other profiles."""
        done: list[T] = []
        problems: list[Error] = []
        for name in self.profiles:
            try:
                if not only or name in only:
                    done.append(work(name))
            except ConfigInvalid as problem:
                problems.append(problem)
        return done, problems

    @property
    def default(self) -> str | None:
        """Return `defaultProfile` if it names one of the profiles, else None."""
        name = self.data.get("defaultProfile")
        return name if isinstance(name, str) and name in self.profiles else None

    @property
    def session_default(self) -> str | None:
        """Return the default profile if it is a session that `omni` renews, whose token then replaces every other; else None."""
        name = self.default
        return name if name and self.auth(name) == "oauth" and self.profiles[name].get("refreshToken") else None

    def has_expired(self, name: str, now: datetime) -> bool:
        """Whether `omni` would renew the session of `name` now. It treats an unreadable time as "never"."""
        try:
            return now >= parse_time(self.profiles[name].get("tokenExpiresAt")) - _AHEAD
        except ValueError:
            return False

    def auth(self, name: str) -> AuthMethod:
        """Return the auth method of profile `name`: API key if unset, as in the CLI itself."""
        return "oauth" if self.profiles[name].get("authMethod") == "oauth" else "api-key"

    def output_format(self, name: str) -> str | None:
        """Return the output format that `omni` uses with profile `name`: its own, else the file's, else None."""
        return _text(self.profiles[name].get("defaultOutputFormat")) or _text(self.data.get("defaultOutputFormat"))

    def origin(self, name: str) -> Origin:
        """Return the origin of profile `name`. Raises ConfigInvalid."""
        file, where = self.read_file, f"profile `{name}`: `apiEndpoint`"
        text = _text(self.profiles[name].get("apiEndpoint"))
        if text is None:
            raise file.wrong(f"profile `{name}`", "has no `apiEndpoint`", "give it one")
        return file.origin(where, text)

    def found(self, name: str, now: datetime) -> Found:
        """Return profile `name` for an import. Raises ConfigInvalid if its content, endpoint or expiry time is invalid."""
        self._validate_profile(name)
        auth = self.auth(name)
        origin = self.origin(name)
        what = command = None
        for key in _OF_METHOD[auth][:2]:
            value = _text(self.profiles[name].get(key))
            what = stand_in(value) if value else None
            command = command_for(value) if value and key == "apiKey" else None
            if what and not command:
                raise self.read_file.wrong(
                    f"profile `{name}`: `{key}`", f"is {what}, and no key", "put the key itself there"
                )
        secret = None if command else self._secret(name, auth, origin, now)
        return Found(name, origin, auth, secret, self.output_format(name), command)

    def unused_secrets(self, name: str) -> list[str]:
        """Return the secrets of profile `name` that its auth method does not use: left over from another method."""
        used = _OF_METHOD[self.auth(name)]
        return [key for key in SECRETS if key not in used and _text(self.profiles[name].get(key))]

    def with_secrets(self) -> list[str]:
        """Return the names of profiles that hold any secret in plain text."""
        return [name for name, table in self.profiles.items() if any(_text(table.get(key)) for key in SECRETS)]

    def without_secrets_of(self, names: list[str]) -> bytes:
        """Return the file without the credentials used by the profiles `names`."""
        profiles: Json = dict(self.profiles)
        for name in names:
            gone = _OF_METHOD[self.auth(name)]
            profiles[name] = {key: value for key, value in self.profiles[name].items() if key not in gone}
        return self.rendered({**self.data, "profiles": profiles})

    def rendered(self, data: Json) -> bytes:
        """Return `data` in the style of the file: its indentation, its newlines, and a final newline if it has one."""
        text = self.file.text() if self.file else ""
        second = text.split("\n", 2)[1] if text.count("\n") else "  "
        indent = second[: len(second) - len(second.lstrip())] or "  "
        end = "\n" if text.endswith("\n") else ""
        newline = "\r\n" if "\r\n" in text else "\n"
        for ascii_only in (False, True):  # a lone surrogate in a foreign key can only be written as an escape
            rendered = json.dumps(data, indent=indent, ensure_ascii=ascii_only, allow_nan=False) + end
            with suppress(UnicodeEncodeError):
                return rendered.replace("\n", newline).encode("utf-8")
        raise AssertionError("ASCII can be encoded")

    @property
    def read_file(self) -> ForeignFile:
        """Return the file that was read."""
        if self.file is None:
            raise AssertionError("an empty config has no profile to ask about")
        return self.file

    def _secret(self, name: str, auth: AuthMethod, origin: Origin, now: datetime) -> StoredSecret | None:
        table = self.profiles[name]
        if auth == "api-key":
            key = _text(table.get("apiKey"))
            return StoredSecret(origin, Secret(key), now) if key else None
        expires_at = self._time(name)
        token, refresh = _text(table.get("accessToken")), _text(table.get("refreshToken"))
        if token is None:
            return None
        session = StoredSecret(origin, Secret(token), now, expires_at, client_id=CLIENT_ID, scope=SCOPE)
        if refresh is None:
            return session
        # Without an expiry time it may have expired, so it is refreshed before its first use.
        return replace(session, refresh_token=Secret(refresh), expires_at=expires_at or now)

    def _time(self, name: str) -> datetime | None:
        text = _text(self.profiles[name].get("tokenExpiresAt"))
        if text is None or text.startswith(_NO_TIME):
            return None
        try:
            return parse_time(text)
        except ValueError as problem:
            raise self.read_file.wrong(
                f"profile `{name}`: `tokenExpiresAt`",
                f"{problem}, such as `2026-11-24T10:00:00Z`",
                f"run `omni config login {quoted_place(name)}`",
            ) from None

    def _validate(self) -> None:
        """Raise ConfigInvalid unless the file is usable, apart from its profiles."""
        file = self.read_file
        version = self.data.get("version", 1)
        if version != 1 or isinstance(version, bool):
            raise file.wrong("`version`", "is not 1", "it may be of a newer CLI than this omniprofile knows")
        _check_table(file, "", self.data, _TOP, ("defaultProfile", "defaultOutputFormat"))
        profiles = self.data.get("profiles")
        if profiles is not None and not isinstance(profiles, dict):
            raise file.wrong("`profiles`", "is not an object")

    def _validate_profile(self, name: str) -> None:
        """Raise ConfigInvalid unless every known key of profile `name` has the right type."""
        file, where, table = self.read_file, f"profile `{name}`", self.profiles[name]
        if not name.strip():
            raise file.wrong("a profile", "has an empty name", "give it a name")
        if _has_half_a_character(name):
            raise file.wrong(where, "has half a character (a lone surrogate) in its name", "give it another name")
        if not isinstance(table, dict):
            raise file.wrong(where, "is not an object")
        _check_table(file, where, table, _PROFILE, _PROFILE)
        if table.get("authMethod") not in (None, "", "oauth", "api-key"):
            raise file.wrong(f"{where}: `authMethod`", "is neither `oauth` nor `api-key`", "correct it")


def omni_source(config: OmniConfig, only: Sequence[str], now: datetime) -> Source:
    """Return the profiles of a config of the vendor's CLI as an import source: all of them, or those in `only`."""
    found, problems = config.each(lambda name: config.found(name, now), only)
    left = [
        f"`{printable(one.name)}` also has {quoted_list(unused, 'and')}, which it does not use: that stays in the file"
        for one in found
        if (unused := config.unused_secrets(one.name))
    ]
    return Source(
        config.read_file, found, lambda stored: config.without_secrets_of(list(stored)), 0o600,
        "choose the others with `--only`", problems, config.default, left,
    )  # fmt: skip


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _check_table(file: ForeignFile, where: str, table: Json, known: tuple[str, ...], texts: tuple[str, ...]) -> None:
    """Raise ConfigInvalid if a known key is written in another case, or one of `texts` is not a string.

    Go matches keys in any case, so a known key in another case would count, and we would overlook its secret.
    """
    folded = {key.lower(): key for key in known}
    for key, value in table.items():
        if key not in known and (meant := folded.get(key.lower())):
            raise file.wrong(where or "the file", f"has `{key}` in another case than `{meant}`", f"write it `{meant}`")
        if key in texts and value is not None:
            place = f"{where}: `{key}`" if where else f"`{key}`"
            if not isinstance(value, str):
                raise file.wrong(place, "is not a string")
            if _has_half_a_character(value):
                raise file.wrong(place, "has half a character (a lone surrogate)")


def _has_half_a_character(text: str) -> bool:
    return any(0xD800 <= ord(char) < 0xE000 for char in text)


def _parse(file: ForeignFile) -> Json:
    """Return the JSON object in the file. Raises ConfigInvalid with the line; no message quotes the text."""
    text = file.text()
    if text.startswith("\ufeff"):
        raise file.wrong(
            "the file", "begins with a byte order mark, which the CLI does not read", "save it without one"
        )

    def once(pairs: list[tuple[str, object]]) -> Json:
        table: Json = {}
        for key, value in pairs:
            if key in table:
                raise file.wrong(f"the key `{printable(key, 64)}`", "appears twice in one object", "remove one of them")
            table[key] = value
        return table

    def finite(digits: str) -> float:
        number = float(digits)
        if not isfinite(number):
            raise file.wrong("it", "has a number that JSON does not have", _REPAIR)
        return number

    try:
        data = json.loads(text, object_pairs_hook=once, parse_constant=finite, parse_float=finite)
    except json.JSONDecodeError as problem:
        place = printable_place(f"{file.path}:{problem.lineno}:{problem.colno}")
        wrong = ConfigInvalid(f"{place}: this is not JSON", hint=_REPAIR)
    except RecursionError:
        wrong = file.wrong("it", "is nested too deeply", _REPAIR)
    except ValueError:
        wrong = file.wrong("it", "has a number that is too long", _REPAIR)
    else:
        if isinstance(data, dict) and not _is_deep(data):
            return data
        wrong = file.wrong("it", "is nested too deeply" if isinstance(data, dict) else "is not a JSON object", _REPAIR)
    raise wrong  # outside the `except`: the parser's exception holds the whole text


_REPAIR = "the CLI treats a broken config as none at all; repair it, or restore a copy"


def _is_deep(data: Json) -> bool:
    """Whether it is nested more deeply than any config is: Python could read it, but not write it again."""
    level: list[object] = [data]
    for _ in range(DEEPEST):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        ]
    return bool(level)
