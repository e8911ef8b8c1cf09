"""One stored secret as the JSON that every store keeps.

Keys: `version` (1), `account` (the profile's name and origin, in case a store returns another account's entry),
`files` (the profile files that stored it), and the fields of `StoredSecret` that are set, as `_FIELDS` lists them.
Times are RFC 3339 in UTC. The JSON is ASCII, so that its length in characters and in bytes is the same for every store.
Unknown keys, which a newer version may add, are ignored; another `version` is refused. No error here contains any of the text.

Everything that is read is validated: a store, a backup or a hand edit may hold anything.
"""

from omniprofile.model.freshness import StoredFields
from omniprofile.model.secret import Secret, is_access_token, is_key, is_text, remember
from omniprofile.model.times import format_time, parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from omniprofile.model.stored import Account, StoredSecret, StoredSummary

    Field = tuple[Callable[[object], Any], Callable[[Any], object], bool]

VERSION = 1
IDENTITY = ("user", "membership_id", "key_scope", "org_role")
"""The fields of `Identity`."""
_LONGEST_TEXT = 4096


def pack(secret: "StoredSecret", account: "Account", files: tuple[str, ...] = ()) -> str:
    """Return the secret of `account` as compact JSON. Raises ValueError if `from_data` would refuse it."""
    import json

    return json.dumps(as_data(secret, account, files), separators=(",", ":"))


def as_data(secret: "StoredSecret", account: "Account", files: tuple[str, ...] = ()) -> dict[str, object]:
    """Return the secret as JSON data, unmasked. Raises ValueError if `from_data` would refuse it."""
    values = {key: getattr(secret, key) for key in _FIELDS}
    data: dict[str, object] = {"version": VERSION, "account": str(account)}
    data |= {key: _FIELDS[key][1](value) for key, value in values.items() if value is not None}
    if files:
        data["files"] = list(files)
    check(data, str(account))
    return data


def from_data(data: object, account: "Account") -> "StoredSecret":
    """Return the secret of `account` from what `as_data` returned. Raises ValueError for anything else."""
    from omniprofile.model.declaration import Identity
    from omniprofile.model.stored import StoredSecret

    fields = vars(check(data, str(account)))
    identity = fields.pop("identity")
    return StoredSecret(
        account.origin, **fields, variable=account.variable, identity=None if identity is None else Identity(**identity)
    )


def check(data: object, account: str) -> StoredFields:
    """Return the fields of `data`, the envelope of `account`. Raises ValueError for anything else.

    Every reader uses it, including the fast path, so it and what it calls import only what a bare interpreter has loaded, and
    `datetime`.
    """
    fields = _object(data)
    if fields.get("version") != VERSION or isinstance(fields["version"], bool):
        raise ValueError("this omniprofile does not know its version")
    if fields.get("account") != account:
        raise ValueError("it belongs to another profile or origin")
    checked = StoredFields({key: _value(fields, key) for key in _FIELDS})
    if "#" not in account and not is_key(checked.token.reveal()):  # a `#` marks a secret of `env`
        raise ValueError("its `token` is not a token: one line of printable ASCII without spaces")
    if checked.is_session and not is_access_token(checked.token.reveal()):
        raise ValueError("its `token` is not an access token (RFC 6750)")
    return checked


def summary_of(data: object) -> "StoredSummary":
    """Return the summary of an envelope, or from what `summary_as_data` returned. Raises ValueError for anything else."""
    from omniprofile.model.stored import StoredSummary

    fields = _object(data)
    files = fields.get("files", [])
    if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
        raise ValueError("its `files` is not a list of paths")
    backend = fields.get("backend")
    return StoredSummary(
        _value(fields, "stored_at"),
        _value(fields, "expires_at"),
        tuple(files),
        backend if isinstance(backend, str) else None,
    )


def summary_as_data(summary: "StoredSummary") -> dict[str, object]:
    """Return the summary as JSON data, without any secret."""
    times = {"stored_at": summary.stored_at, "expires_at": summary.expires_at}
    data: dict[str, object] = {key: format_time(time) for key, time in times.items() if time}
    data |= {"files": list(summary.files), "backend": summary.backend}
    return {key: value for key, value in data.items() if value}


def with_owner(files: tuple[str, ...], owner: str | None) -> tuple[str, ...]:
    """Return the profile files that share a secret, including `owner`."""
    return tuple(dict.fromkeys((*files, owner))) if owner is not None else files


def load(text: str | bytes) -> object:
    """Parse JSON. Raises ValueError, which contains nothing of the text."""
    try:
        parsed = _parse(text)
    except (ValueError, RecursionError):
        pass  # raise below instead, so that the error is not linked to the parser's, which holds the whole text
    else:
        return parsed
    raise ValueError("it is not JSON")


class _Scanner:
    """The settings with which `json.loads` runs its scanner."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = parse_constant = float
    parse_int = int


def _parse(text: str | bytes) -> object:
    """Parse as `json.loads` does, but import `json`, which takes 0.7 of a bare interpreter's start-up time, only for bad input.

    `_json` is the scanner that `json` itself imports. It belongs to CPython and may change, so `json` parses the text again
    whenever the scanner fails.
    """
    try:
        from _json import make_scanner

        plain = text if isinstance(text, str) else text.decode()
        parsed, end = make_scanner(_Scanner)(plain, 0)  # type: ignore[arg-type]
        if not plain[end:].strip(" \t\r\n"):
            return parsed
    except (ImportError, AttributeError, TypeError, ValueError, StopIteration, SystemError):
        pass  # SystemError: Python 3.11's scanner finds no class for its error while `json` is not imported
    import json

    return json.loads(text)


def _key(value: object) -> Secret:
    if isinstance(value, str) and is_key(value):
        return _secret(value)
    raise ValueError("is not a token: one line of printable ASCII without spaces")


def _secret(value: object) -> Secret:
    if isinstance(value, str) and is_text(value):
        remember(value)
        return Secret(value)
    raise ValueError("is not one line of printable text")


def _text(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT and value.isascii() and value.isprintable():
        return value
    raise ValueError("is not a short printable text")


def _path(value: object) -> str:
    """Check a path that follows an origin: a text that does not begin like a path would become part of the host name."""
    text = _text(value)
    if text.startswith(("/", "?")) and " " not in text:
        return text
    raise ValueError("is not a path")


def _identity(value: object) -> dict[str, str]:
    if isinstance(value, dict) and value.keys() <= set(IDENTITY) and all(_is_short(part) for part in value.values()):
        return value
    raise ValueError("is not an identity")


def _is_short(part: object) -> bool:
    return isinstance(part, str) and len(part) <= _LONGEST_TEXT and part.isprintable()


_FIELDS: "dict[str, Field]" = {
    # name: reader from JSON data (raises ValueError, "is not …"), writer to JSON data, whether it is required
    "token": (_secret, Secret.reveal, True),
    "stored_at": (parse_time, format_time, True),
    "expires_at": (parse_time, format_time, False),
    "refresh_token": (_key, Secret.reveal, False),
    "client_id": (_text, str, False),
    "scope": (_text, str, False),
    "token_path": (_path, str, False),
    "refreshed_at": (parse_time, format_time, False),
    # Stored without those of whoami's values that cannot be shown.
    "identity": (_identity, lambda who: {key: part for key in IDENTITY if _is_short(part := getattr(who, key))}, False),
}


def _value(fields: dict[str, object], key: str) -> "Any":
    value, (read, _, required) = fields.get(key), _FIELDS[key]
    if value is None:
        if required:
            raise ValueError(f"it has no `{key}`")
        return None
    try:
        return read(value)
    except ValueError as problem:
        raise ValueError(f"its `{key}` {problem}") from None


def _object(data: object) -> dict[str, object]:
    if not isinstance(data, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - callers translate only ValueError
    return data
