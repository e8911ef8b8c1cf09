"""The token of an entry of the file store that is plainly good, read without the library for JSON.

Anything else (no file, others can read it, a time to refresh, whatever `file_store` and `envelope` would object to) gives None,
or any exception at all: then the store itself must say. On the short path: imports only what a bare interpreter has loaded, and
the C parts of two libraries.
"""

import os

from omniprofile.system.files import open_regular, others_can_read

SECRETS_FILE = "secrets.json"
AHEAD_SECONDS = 300
"""A session is refreshed this long before its access token expires."""


class _Rules:
    """What the scanner of `json.loads` is told."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float
    memo: dict[str, str] = {}


def plain_token(folder: str, account: str, origin: str, *, session: bool) -> str | None:
    """The token of `account` in the store in `folder`, for `origin`; of a `session`, if it need not be refreshed."""
    from _datetime import UTC, datetime, timedelta  # type: ignore[import-not-found]  # the library's inner module
    from _json import make_scanner

    try:
        content, status = open_regular(os.path.join(folder, SECRETS_FILE))
    except FileNotFoundError:
        return None
    if others_can_read(status) or (os.name == "posix" and status.st_uid != os.geteuid()):
        return None
    text = content.decode("utf-8")
    data, end = make_scanner(_Rules)(text, 0)  # type: ignore[arg-type]  # it only asks for these attributes
    if text[end:].strip(" \t\r\n") or data["version"] != 1 or data["version"] is True:
        return None
    entry = data["secrets"][account]
    if entry["version"] != 1 or entry["version"] is True or entry["origin"] != origin:
        return None
    if any(not isinstance(entry.get(key, ""), str) for key in _TEXTS) or not entry["token"]:
        return None
    if entry.get("token_path", "/")[:1] not in ("/", "?"):
        return None
    times = {key: datetime.fromisoformat(entry[key]) for key in _TIMES if key in entry}
    if any(time.tzinfo is None for time in times.values()):
        return None
    if session != any(entry.get(key) is not None for key in ("client_id", "refresh_token")):
        return None
    if session:
        ahead, now = timedelta(seconds=AHEAD_SECONDS), datetime.now(UTC)
        if not times["stored_at"] - ahead <= now < times["expires_at"] - ahead:
            return None
    return entry["token"] if "stored_at" in times else None


_TIMES = ("stored_at", "expires_at", "refreshed_at")
_TEXTS = ("token", "refresh_token", "client_id", "scope", "token_path", *_TIMES)
