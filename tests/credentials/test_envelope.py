"""The text of a stored secret."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.credentials.envelope import pack, summary_as_data, summary_from_data, summary_of, unpack
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from tests.conftest import CANARY
from tests.credentials.conftest import make_secret

TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))])).filter(lambda time: time.year > 1)
TEXTS = st.text(min_size=1)
SECRETS = st.builds(
    StoredSecret,
    origin=st.sampled_from([Origin.parse("https://acme.omniapp.co"), Origin.parse("http://[::1]:8080")]),
    token=TEXTS.map(Secret),
    stored_at=TIMES,
    expires_at=st.none() | TIMES,
    refresh_token=st.none() | TEXTS.map(Secret),
    client_id=st.none() | st.text(),
    scope=st.none() | st.text(),
)


@given(SECRETS)
def test_unpacking_gives_what_was_packed(secret: StoredSecret) -> None:
    text = pack(secret)

    assert unpack(text) == secret
    assert text.isascii()
    assert "\n" not in text
    assert summary_from_data(summary_as_data(summary_of(secret))) == summary_of(secret)


def test_the_format_is_compact_json_with_only_what_is_set() -> None:
    assert json.loads(pack(make_secret("k"))) == {
        "version": 1,
        "origin": "https://acme.omniapp.co",
        "token": "k",
        "stored_at": "2026-11-24T10:00:00.123456Z",
    }
    assert " " not in pack(make_secret("k"))


def test_keys_of_a_newer_version_are_ignored() -> None:
    assert unpack(json.dumps({**json.loads(pack(make_secret())), "colour": "blue"})) == make_secret()


WRONG = {
    "another version": {"version": 2},
    "no version": {"version": None},
    "a version that only looks like 1": {"version": True},
    "no origin": {"origin": None},
    "an origin that is none": {"origin": "ftp://acme"},
    "a token that is a number": {"token": 1},
    "an empty token": {"token": ""},
    "no time": {"stored_at": None},
    "a time without a zone": {"stored_at": "2026-11-24T10:00:00"},
    "a time that is none": {"expires_at": "soon"},
    "a time before the first year": {"stored_at": "0001-01-01T00:00:00+14:00"},
    "a refresh token that is a list": {"refresh_token": [CANARY]},
    "a path that would become a part of the host": {"token_path": "@evil.example/token"},
    "an address for a path": {"token_path": "https://evil.example/token"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_anything_else_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        unpack(json.dumps({**json.loads(pack(make_secret())), **change}))
    assert CANARY not in f"{caught.value!r} {caught.value.__context__!r}"


@pytest.mark.parametrize("text", ["", CANARY, "[]", "null", f'{{"token": "{CANARY}"', "[" * 100_000, "\0", "{}"])
def test_text_that_is_no_envelope_is_refused_without_a_part_of_it(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        unpack(text)
    assert CANARY not in f"{caught.value!r} {caught.value.__context__!r} {caught.value.__cause__!r}"


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner)).map(json.dumps))
def test_no_text_makes_unpacking_fail_in_another_way(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(text)


def test_a_time_without_a_zone_is_not_stored() -> None:
    naive = StoredSecret(Origin.parse("https://acme.omniapp.co"), Secret("k"), datetime(2026, 11, 24))  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        pack(naive)
