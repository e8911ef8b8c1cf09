"""One stored secret as text: the JSON that every store keeps, with the origin that the secret belongs to.

Keys: `version` (1), `origin`, `token`, `stored_at`, and where set `expires_at`, `refresh_token`, `client_id`, `scope`,
`token_path`, `refreshed_at`, and `account`: whose it is, for a store that could mistake one account for another. An envelope
without `account`, as earlier versions wrote them, is anybody's.
Times are RFC 3339 in UTC. ASCII only, so that a store that counts characters and one that counts bytes count the same.
Keys that a newer version may add are ignored; another `version` is refused. No error here ever holds a part of the text.
"""

import json
from datetime import UTC, datetime

from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret, StoredSummary

VERSION = 1


def pack(secret: StoredSecret, account: str | None = None) -> str:
    """The secret of `account` as compact JSON. Raises ValueError for a time without a time zone."""
    data = as_data(secret)
    return json.dumps(data if account is None else {**data, "account": account}, separators=(",", ":"))


def unpack(text: str, account: str | None = None) -> StoredSecret:
    """The secret that `pack` made the text of. Raises ValueError for anything else, and for another account's than `account`."""
    fields = _fields(load(text))
    secret = from_data(fields)
    if account is not None and fields.get("account") not in (None, account):
        raise ValueError("it is another profile's")
    return secret


def as_data(secret: StoredSecret) -> dict[str, object]:
    """The secret as plain JSON data, in clear. Raises ValueError for a time without a time zone."""
    optional = {
        "expires_at": format_time(secret.expires_at) if secret.expires_at else None,
        "refresh_token": secret.refresh_token.reveal() if secret.refresh_token else None,
        "client_id": secret.client_id,
        "scope": secret.scope,
        "token_path": secret.token_path,
        "refreshed_at": format_time(secret.refreshed_at) if secret.refreshed_at else None,
    }
    return {
        "version": VERSION,
        "origin": str(secret.origin),
        "token": secret.token.reveal(),
        "stored_at": format_time(secret.stored_at),
        **{key: value for key, value in optional.items() if value is not None},
    }


def from_data(data: object) -> StoredSecret:
    """The secret that `as_data` made the data of. Raises ValueError for anything else."""
    fields = _fields(data)
    if fields.get("version") != VERSION or isinstance(fields["version"], bool):
        raise ValueError("it is of a version that this omniprofile does not know")
    refresh_token = _optional_text(fields, "refresh_token")
    return StoredSecret(
        origin=_origin(fields),
        token=Secret(_text(fields, "token")),
        stored_at=parse_time(_text(fields, "stored_at")),
        expires_at=_optional_time(fields, "expires_at"),
        refresh_token=Secret(refresh_token) if refresh_token is not None else None,
        client_id=_optional_text(fields, "client_id"),
        scope=_optional_text(fields, "scope"),
        token_path=_path(fields, "token_path"),
        refreshed_at=_optional_time(fields, "refreshed_at"),
    )


def summary_of(secret: StoredSecret) -> StoredSummary:
    """What of the secret may be known without reading it."""
    return StoredSummary(secret.origin, secret.stored_at, secret.expires_at)


def summary_as_data(summary: StoredSummary) -> dict[str, object]:
    """The summary as plain JSON data, which holds no secret."""
    data: dict[str, object] = {"origin": str(summary.origin), "stored_at": format_time(summary.stored_at)}
    if summary.expires_at:
        data["expires_at"] = format_time(summary.expires_at)
    return data


def summary_from_data(data: object) -> StoredSummary:
    """The summary that `summary_as_data` made the data of. Raises ValueError for anything else."""
    fields = _fields(data)
    return StoredSummary(_origin(fields), parse_time(_text(fields, "stored_at")), _optional_time(fields, "expires_at"))


def load(text: str | bytes) -> object:
    """Parse JSON. Raises ValueError, without a part of the text, for whatever is none."""
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        pass  # what is raised out there does not hold the parser's own exception, which has the whole text
    else:
        return parsed
    raise ValueError("it is no JSON")


def format_time(time: datetime) -> str:
    """RFC 3339 in UTC. Raises ValueError for a time without a time zone."""
    if time.tzinfo is None:
        raise ValueError("a stored time needs a time zone")
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """An RFC 3339 time, in UTC. Raises ValueError."""
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("a time in it is no RFC 3339 time with a time zone")


def _fields(data: object) -> dict[str, object]:
    if not isinstance(data, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - callers translate ValueError, whatever is wrong
    return data


def _origin(data: dict[str, object]) -> Origin:
    try:
        return Origin.parse(_text(data, "origin"))
    except NotAnOrigin:
        pass
    raise ValueError("its `origin` is no base URL")


def _path(data: dict[str, object], key: str) -> str | None:
    """A path, which goes behind an origin: what does not begin as one would be a part of the host's name."""
    text = _optional_text(data, key)
    if text is not None and not text.startswith(("/", "?")):
        raise ValueError(f"its `{key}` is no path")
    return text


def _optional_time(data: dict[str, object], key: str) -> datetime | None:
    text = _optional_text(data, key)
    return None if text is None else parse_time(text)


def _text(data: dict[str, object], key: str) -> str:
    text = _optional_text(data, key)
    if not text:
        raise ValueError(f"it has no `{key}`")
    return text


def _optional_text(data: dict[str, object], key: str) -> str | None:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"its `{key}` is no text")
    return value
