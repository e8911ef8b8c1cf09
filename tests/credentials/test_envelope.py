"""The serialized form of a stored secret."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.credentials.envelope import IDENTITY, as_data, from_data, load, pack, summary_as_data, summary_of
from omniprofile.model.declaration import Identity
from omniprofile.model.freshness import is_fresh, is_valid
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.secret import LONGEST_KEY, Secret
from omniprofile.model.stored import Account, StoredSecret
from tests.conftest import CANARY
from tests.credentials.conftest import account, make_secret
from tests.programs import run_program

ACCOUNT = account("prod")
ZONES = [UTC, timezone(timedelta(hours=5)), timezone(timedelta(hours=-12))]
TIMES = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the zone is the strategy's
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from(ZONES),
)
TOKENS = st.from_regex(r"[A-Za-z0-9._~+/-]+=*", fullmatch=True).map(Secret)
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1)
NAMES = st.none() | st.text()
SECRETS = st.builds(
    StoredSecret,
    origin=st.sampled_from([Origin.parse("https://acme.omniapp.co"), Origin.parse("http://[::1]:8080")]),
    token=TOKENS,
    stored_at=TIMES,
    expires_at=st.none() | TIMES,
    refresh_token=st.none() | TOKENS,
    client_id=st.none() | TEXTS,
    scope=st.none() | TEXTS,
)


def unpacked(text: str, account: Account = ACCOUNT) -> StoredSecret:
    """Return a secret as a store reads it."""
    return from_data(load(text), account)


@given(SECRETS)
def test_unpacking_gives_what_was_packed(secret: StoredSecret) -> None:
    account = Account("prod", secret.origin)
    text = pack(secret, account, ("/a/profiles.toml",))

    assert unpacked(text, account) == secret
    assert text.isascii()
    assert "\n" not in text
    summary = summary_of(load(text))
    assert summary.files == ("/a/profiles.toml",)
    assert summary_of(summary_as_data(summary)) == summary


@given(st.builds(Identity, NAMES, NAMES, NAMES, NAMES))
def test_of_an_identity_everything_that_can_be_shown_comes_back(identity: Identity) -> None:
    found = unpacked(pack(replace(make_secret(), identity=identity), ACCOUNT)).identity
    assert found is not None
    for part in ("user", "membership_id", "key_scope", "org_role"):
        kept, given = getattr(found, part), getattr(identity, part)
        assert kept == (given if given is not None and given.isprintable() else None)


def test_the_format_is_compact_json_with_only_what_is_set() -> None:
    assert json.loads(pack(make_secret("k"), ACCOUNT)) == {
        "version": 1,
        "account": "prod@https://acme.omniapp.co",
        "token": "k",
        "stored_at": "2026-11-24T10:00:00.123456Z",
    }
    assert " " not in pack(make_secret("k"), ACCOUNT)


def test_keys_of_a_newer_version_are_ignored() -> None:
    assert from_data({**as_data(make_secret(), ACCOUNT), "colour": "blue"}, ACCOUNT) == make_secret()


WRONG: dict[str, dict[str, object]] = {
    "another version": {"version": 2},
    "no version": {"version": None},
    "a version that only looks like 1": {"version": True},
    "no account": {"account": None},
    "another profile's": {"account": "play@https://acme.omniapp.co"},
    "another origin's": {"account": "prod@https://acme.omniapp.co:444"},
    "a token that is a number": {"token": 1},
    "an empty token": {"token": ""},
    "a token with a space": {"token": f"{CANARY} x"},
    "a token with a newline": {"token": f"{CANARY}\nX-Header: x"},
    "a token outside ASCII": {"token": f"{CANARY}\u00e4"},
    "half a character in a token": {"token": f"{CANARY}\ud800"},
    "a token that is too large": {"token": "k" * (LONGEST_KEY + 1)},
    "no time": {"stored_at": None},
    "a time without a zone": {"stored_at": "2026-11-24T10:00:00"},
    "a time that is none": {"expires_at": "soon"},
    "a time that is a number": {"expires_at": 1e400},
    "a time before the first year": {"stored_at": "0001-01-01T00:00:00+14:00"},
    "a time in the first year": {"stored_at": "0001-01-01T00:03:00Z"},
    "an expiry in the first year": {"expires_at": "0001-01-01T00:03:00Z"},
    "a time before 1970": {"refreshed_at": "1969-12-31T23:59:59Z"},
    "a time after the last year": {"expires_at": "9999-12-31T23:59:59-00:01"},
    "a refresh token that is a list": {"refresh_token": [CANARY]},
    "a refresh token with half a character": {"refresh_token": f"{CANARY}\udfff"},
    "a session whose token is not an access token": {"client_id": "omni-cli", "token": f"{CANARY}'"},
    "a scope with a control character": {"scope": "a\x1b[31m"},
    "a client that is huge": {"client_id": "c" * 5000},
    "a path that would become a part of the host": {"token_path": "@evil.example/token"},
    "an address for a path": {"token_path": "https://evil.example/token"},
    "an identity that is a text": {"identity": "me"},
    "an identity with half a character": {"identity": {"user": "\ud800"}},
    "an identity with a key that is not known": {"identity": {"name": "me"}},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_anything_else_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        unpacked(json.dumps({**as_data(make_secret(), ACCOUNT), **change}))
    assert CANARY not in f"{caught.value!r} {caught.value.__context__!r}"


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
@pytest.mark.parametrize("now", [datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_no_time_that_is_accepted_leaves_the_calendar(time: str, now: datetime) -> None:
    session: dict[str, Any] = {**as_data(make_secret(session=True), ACCOUNT), "stored_at": time, "expires_at": time}
    found = from_data(session, ACCOUNT)
    assert is_valid(found, now) is (found.expires_at is not None and now < found.expires_at)
    for job in (None, timedelta(0)):
        assert is_fresh(found, now, job) is (is_valid(found, now) and now.year == found.stored_at.year)
    assert is_fresh(found, now, timedelta(days=366)) is False


@pytest.mark.parametrize("text", ["", CANARY, "[]", "null", f'{{"token": "{CANARY}"', "[" * 100_000, "\0", "{}"])
def test_text_that_is_not_an_envelope_is_refused_without_a_part_of_it(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        unpacked(text)
    assert CANARY not in f"{caught.value!r} {caught.value.__context__!r} {caught.value.__cause__!r}"


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner)).map(json.dumps))
def test_no_text_makes_unpacking_fail_in_another_way(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpacked(text)


HOSTS = ["acme.omniapp.co", "xn--bcher-kva.example", "127.0.0.1", "[::1]", "a@b", "localhost", "bücher.example"]
ORIGINS = (
    st.builds(
        lambda scheme, host, port: f"{scheme}://{host}{port}",
        st.sampled_from(["https", "http", "HTTPS"]),
        st.sampled_from(HOSTS),
        st.sampled_from(["", ":443", ":80", ":8080", "/"]),
    )
    .map(lambda text: _origin(text))
    .filter(lambda origin: origin is not None)
)
ACCOUNTS = st.builds(
    Account,
    st.text() | st.sampled_from(["prod", "prod@https://acme.omniapp.co", "prod@", "@", "a/a/1", "prod/a/1", "a b"]),
    ORIGINS,
    variable=st.none(),
)


def _origin(text: str) -> Origin | None:
    try:
        return Origin.parse(text)
    except NotAnOrigin:
        return None


@given(ACCOUNTS, ACCOUNTS)
def test_two_accounts_have_two_texts_and_each_text_is_read_as_its_account(one: Account, other: Account) -> None:
    assert (str(one) == str(other)) is (one == other)
    assert Account.parse(str(one)) == one


@given(ACCOUNTS, ACCOUNTS, st.sampled_from("ab"), st.integers(1, 1000))
def test_no_account_is_called_as_a_part_of_another(one: Account, other: Account, generation: str, number: int) -> None:
    assert f"{one}/{generation}/{number}" != str(other)


@pytest.mark.parametrize(
    "text", ["prod", "", "@", "prod@", "prod@acme", "prod@https://a.example/", "p@HTTPS://a.example"]
)
def test_an_invalid_account_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a profile's name"):
        Account.parse(text)


@pytest.mark.parametrize("files", ["/a/profiles.toml", [1], {"a": "b"}, [None]])
def test_files_that_are_no_list_of_paths_are_refused(files: object) -> None:
    with pytest.raises(ValueError, match="its `files` is not a list of paths"):
        summary_of({**as_data(make_secret(), ACCOUNT), "files": files})


def test_every_field_of_an_identity_is_stored() -> None:
    assert Identity._fields == IDENTITY


@given(
    st.text()
    | st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    ).map(json.dumps)
)
def test_loading_is_what_json_does(text: str | bytes) -> None:
    """The fast reader returns the same as `json`, or leaves the text to it."""
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match="not JSON"):
            load(text)
    else:
        assert repr(load(text)) == repr(expected)


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        " {} \n",
        "{}{}",
        '{"a": 1, "a": 2}',
        "NaN",
        "-Infinity",
        '"\\ud800"',
        b'"\xff"',
        "",
        '{"a": "\n"}',
        "{} \u00a0",
    ],
)
def test_loading_odd_texts_is_what_json_does(text: str | bytes) -> None:
    test_loading_is_what_json_does.hypothesis.inner_test(text)  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ['{"a', '{"a" 1}', "[1 2]", "{1}", '"\\x"', '"\n"', '"\\ud8"', "[1,", "tru", ""])
def test_broken_json_is_a_value_error_while_nothing_has_imported_json(text: str) -> None:
    """As in commands that read a store first; each text ends the scanner differently."""
    code = "import sys; from omniprofile.credentials.envelope import load; load(sys.argv[1])"
    ran = run_program([sys.executable, "-c", code, text])
    assert ran.stderr.endswith("\nValueError: it is not JSON\n")
