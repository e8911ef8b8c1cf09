"""The config file of the vendor's CLI, `omni`: found where that program looks, read strictly, changed as little as possible.

What it may hold is `omni_format`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar, cast

from omniprofile.errors import ConfigInvalid, Error
from omniprofile.model.declaration import AuthMethod
from omniprofile.model.names import printable, quoted_list, quoted_place
from omniprofile.model.origin import Origin
from omniprofile.model.references import command_for, stand_in
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from omniprofile.model.times import parse_time
from omniprofile.transfer.foreign import ForeignFile, Found, Source, together
from omniprofile.transfer.omni_format import SECRETS, Json, check_config, check_profile, parse

WHAT = "config of the vendor's CLI"
CLIENT_ID, SCOPE = "omni-cli", "user:default"
"""The client and scope of the CLI's sessions, which a refresh must name (exploreomni/cli)."""

_OF_METHOD: Mapping[AuthMethod, tuple[str, ...]] = {
    "api-key": ("apiKey",),
    "oauth": ("accessToken", "refreshToken", "tokenExpiresAt"),
}
_NO_TIME = "0001-01-01T00:00:00"
"""How Go writes a time that was never set."""

_AHEAD = timedelta(seconds=10)
"""How long before its expiry `omni` renews a session."""
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
        data = parse(file)
        check_config(file, data)
        config = cls(file, data)
        if whole and (problems := config.each(config._validate)[1]):
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
        self._validate(name)
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

    def _validate(self, name: str) -> None:
        check_profile(self.read_file, name, self.profiles[name])

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
