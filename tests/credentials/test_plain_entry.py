"""The short path's own look at the file store: the very token that the store would give, or nothing."""

import _datetime  # type: ignore[import-not-found]  # where `plain_entry` has its clock from
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from omniprofile.credentials.file_store import FileStore
from omniprofile.credentials.plain_entry import plain_token

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
AHEAD = timedelta(minutes=5)
ORIGIN = "https://acme.omniapp.co"
TEN = "2026-11-24T10:00:00Z"
TEXTS = ("token", "refresh_token", "client_id", "scope", "token_path")
TIMES = ("stored_at", "expires_at", "refreshed_at")
KEY = {"version": 1, "origin": ORIGIN, "token": "k", "stored_at": TEN}
SESSION = {**KEY, "expires_at": "2026-11-24T18:00:00Z", "client_id": "omni-cli", "refresh_token": "r"}


class Noon(datetime):
    """It is noon in UTC."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # of a narrower type
        return NOW if tz is UTC else NOW.replace(tzinfo=None)


def given(
    folder: Path, entry: object, *, session: bool = False, version: object = 1, end: str = "\n", mode: int = 0o600
) -> str | None:
    """The token that is given for `prod`, the same that the store gives; None if the store is to be asked."""
    file = folder / "secrets.json"
    file.write_text(json.dumps({"version": version, "secrets": {"prod": entry}}) + end, encoding="utf-8")
    file.chmod(mode)
    try:
        token = plain_token(str(folder), "prod", ORIGIN, session=session)
    except Exception:  # the caller asks the store then
        return None
    if token is not None:
        found = FileStore(str(folder)).get("prod")
        assert found is not None
        assert (found.token.reveal(), str(found.origin), found.is_session) == (token, ORIGIN, session)
    return token


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_datetime, "datetime", Noon)


@pytest.mark.parametrize(
    "more",
    [{}, {"unknown": 1}, {"scope": "s", "token_path": "/token"}, {"token_path": "?token"}, {"refreshed_at": TEN}],
)
def test_what_is_plainly_good_is_given(tmp_path: Path, more: Mapping[str, object]) -> None:
    assert given(tmp_path, {**KEY, **more}) == "k"
    assert given(tmp_path, {**SESSION, **more}, session=True) == "k"
    assert given(tmp_path, {**KEY, **more}, end=" \t\r\n") == "k"


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2}, {"version": True}, {"version": "1"}, {"origin": "https://other.omniapp.co"}, {"origin": ORIGIN + "/"},
        {"token": ""}, {"token": None}, {"token_path": "@evil.example/"}, {"token_path": ""}, {"stored_at": "yesterday"},
        *({key: 5} for key in (*TEXTS, *TIMES)), *({key: TEN.removesuffix("Z")} for key in TIMES),
    ],
)  # fmt: skip
def test_what_the_store_would_refuse_or_judge_is_left_to_it(tmp_path: Path, wrong: Mapping[str, object]) -> None:
    assert given(tmp_path, {**KEY, **wrong}) is None
    assert given(tmp_path, {**SESSION, **wrong}, session=True) is None


@pytest.mark.parametrize(
    "how",
    [{"version": 2}, {"version": True}, {"end": "X"}, {"end": "\0"}, {"end": "\f"}, {"mode": 0o640}, {"mode": 0o602}],
)
def test_a_file_that_is_not_plainly_good_is_left_to_the_store(tmp_path: Path, how: Mapping[str, Any]) -> None:
    assert given(tmp_path, KEY, **how) is None


def test_another_user_s_file_is_left_to_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(tmp_path, KEY) == "k"
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    assert plain_token(str(tmp_path), "prod", ORIGIN, session=False) is None


def test_no_file_no_profile_or_no_time_is_no_token(tmp_path: Path) -> None:
    assert plain_token(str(tmp_path), "prod", ORIGIN, session=False) is None
    assert given(tmp_path, {key: KEY[key] for key in KEY if key != "stored_at"}) is None
    assert given(tmp_path, {key: SESSION[key] for key in SESSION if key != "expires_at"}, session=True) is None


@pytest.mark.parametrize("sign", ["client_id", "refresh_token"])
def test_a_session_is_given_where_a_session_is_asked_for_and_a_key_where_a_key_is(tmp_path: Path, sign: str) -> None:
    entry = {**KEY, "expires_at": SESSION["expires_at"], sign: SESSION[sign]}
    assert (given(tmp_path, entry), given(tmp_path, entry, session=True)) == (None, "k")
    del entry[sign]
    assert (given(tmp_path, entry), given(tmp_path, entry, session=True)) == ("k", None)


@pytest.mark.parametrize(
    ("stored_at", "expires_at", "token"),
    [
        (NOW, NOW + AHEAD + TICK, "k"),
        (NOW, NOW + AHEAD, None),
        (NOW + AHEAD, NOW + 3 * AHEAD, "k"),
        (NOW + AHEAD + TICK, NOW + 3 * AHEAD, None),
    ],
)
def test_a_session_is_given_from_its_storing_until_five_minutes_before_its_end(
    tmp_path: Path, stored_at: datetime, expires_at: datetime, token: str | None
) -> None:
    times = {"stored_at": stored_at.isoformat(), "expires_at": expires_at.isoformat()}
    assert given(tmp_path, {**SESSION, **times}, session=True) == token
    assert given(tmp_path, {**KEY, **times}) == "k", "a key is as good as it ever was"
