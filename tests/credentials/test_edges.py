"""The exact limits of sessions, overrides and stored entries: one step inside and one step outside."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from omniprofile.credentials import keyring_time_limit
from omniprofile.credentials import session as session_module
from omniprofile.credentials.env_variables import nothing_overrides
from omniprofile.credentials.envelope import as_data, from_data
from omniprofile.credentials.file_store import FileStore
from omniprofile.credentials.keyring_backends import Member
from omniprofile.credentials.keyring_entries import Entries
from omniprofile.credentials.keyring_time_limit import Deadline
from omniprofile.credentials.keyring_values import Head, write_value
from omniprofile.credentials.obtain import obtain
from omniprofile.credentials.overrides import Flags, Reach, read_overrides
from omniprofile.credentials.resolver import resolve
from omniprofile.credentials.session import Sessions
from omniprofile.credentials.status import CredentialStatus, at_source, in_store
from omniprofile.credentials.stored_index import StoredIndex
from omniprofile.errors import (
    NoCredential,
    Refused,
    SessionEnded,
    StoreTimeout,
    StoreUnavailable,
)
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Config, Declaration, EnvValue, KeySource, uses_store
from omniprofile.model.export_mark import mark_of
from omniprofile.model.freshness import is_fresh, is_valid
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.model.resolution import Selection
from omniprofile.model.secret import Secret
from omniprofile.model.stored import Account, StoredSecret, StoredSummary
from omniprofile.model.times import format_time, parse_time
from omniprofile.model.variable_names import MARKER, TOKENS
from omniprofile.system.locking import lock
from tests.credentials.conftest import MemoryKeyring, account, make_secret
from tests.waiting import PATIENCE

ACCOUNT = account("prod")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
AHEAD = timedelta(minutes=5)
HOUR = timedelta(hours=1)
PROD = Config(profiles={"prod": Declaration(Layer.PROFILE, "prod", "/p.toml", 1)})


def session(text: str = "old", /, **changed: object) -> StoredSecret:
    """Return a session stored an hour ago that lasts another hour."""
    made = replace(
        make_secret(text, session=True), stored_at=NOW - timedelta(hours=1), expires_at=NOW + timedelta(hours=1)
    )
    return replace(made, **changed)  # type: ignore[arg-type]  # fields of the session


def refreshed(folder: Path, stored: StoredSecret, held: StoredSecret, *, force: bool = False) -> str:
    """Return the token of `fresh` for `held`, with `stored` in the store and `new` from the instance."""
    store = FileStore(str(folder))
    store.put("prod", stored)
    sessions = Sessions(
        store=store,
        refresh=lambda _account, _sent: session("new"),
        user_lock=lambda name, seconds: lock(str(folder / name), seconds),
        now=lambda: NOW,
        tell=lambda _text: None,
        lock_seconds=PATIENCE,
    )
    return sessions.fresh("prod", held, force=force).token.reveal()


def test_a_token_is_valid_until_the_moment_of_its_expiry() -> None:
    assert is_valid(session(expires_at=NOW + TICK), NOW)
    assert not is_valid(session(expires_at=NOW), NOW)
    assert is_valid(session(expires_at=None), NOW)


@pytest.mark.parametrize(
    ("stored_at", "expires_at", "fresh"),
    [
        (NOW - HOUR, NOW + AHEAD + TICK, True),
        (NOW - HOUR, NOW + AHEAD, False),
        (NOW - 3 * AHEAD, NOW + AHEAD, False),  # five minutes are a quarter of its life
        (NOW - 3 * AHEAD + 4 * TICK, NOW + AHEAD, True),
        (NOW - timedelta(seconds=75), NOW + timedelta(seconds=25), False),
        (NOW - timedelta(seconds=75), NOW + timedelta(seconds=25) + TICK, True),
        (NOW, NOW, False),
        (NOW, NOW - TICK, False),
        (NOW + AHEAD, NOW + 3 * AHEAD, True),
        (NOW + AHEAD + TICK, NOW + 3 * AHEAD, False),
        (NOW + 2 * AHEAD, None, True),
    ],
)
def test_a_token_is_fresh_from_its_storing_until_five_minutes_or_a_quarter_of_its_life_before_its_end(
    stored_at: datetime, expires_at: datetime | None, fresh: bool
) -> None:
    assert is_fresh(session(stored_at=stored_at, expires_at=expires_at), NOW) == fresh


@pytest.mark.parametrize(
    ("past", "left", "job", "fresh"),
    [
        (HOUR, HOUR + TICK, timedelta(0), True),
        (HOUR, HOUR, timedelta(0), False),
        (timedelta(seconds=2), timedelta(seconds=1), timedelta(0), False),
        (timedelta(0), timedelta(seconds=1), timedelta(0), True),
        (timedelta(0), timedelta(0), timedelta(0), False),
        (timedelta(0), -TICK, timedelta(0), False),
        (HOUR, 2 * HOUR, 2 * HOUR - TICK, True),
        (HOUR, 2 * HOUR, 2 * HOUR, False),
        (2 * HOUR, HOUR, TICK, False),  # a job that asks for little still gets half of the lifetime
        (timedelta(0), HOUR, timedelta(days=366), False),
    ],
)
def test_for_a_job_half_of_a_token_s_life_is_left_and_what_it_needs(
    past: timedelta, left: timedelta, job: timedelta, fresh: bool
) -> None:
    assert is_fresh(session(stored_at=NOW - past, expires_at=NOW + left), NOW, job) == fresh


@pytest.mark.parametrize(
    ("ago", "token"),
    [
        (timedelta(0), "old"),
        (timedelta(seconds=10) - TICK, "old"),
        (timedelta(seconds=10), "new"),
        (-TICK, "new"),
    ],
)
def test_just_now_is_less_than_ten_seconds_ago_and_not_in_the_future(
    tmp_path: Path, ago: timedelta, token: str
) -> None:
    found = session(refreshed_at=NOW - ago)
    assert refreshed(tmp_path, found, found, force=True) == token


@pytest.mark.parametrize(
    ("changed", "token"),
    [
        ({"token": Secret("other")}, "other"),
        ({"token": Secret("other"), "expires_at": NOW + AHEAD}, "other"),
        ({"token": Secret("other"), "expires_at": NOW}, "new"),
        ({"refresh_token": None, "expires_at": NOW}, "old"),
        ({"client_id": None, "refresh_token": None, "expires_at": None}, "old"),
        ({"expires_at": NOW + AHEAD}, "new"),
        ({}, "old"),
    ],
)
def test_the_entry_read_under_the_lock_decides(tmp_path: Path, changed: Mapping[str, object], token: str) -> None:
    assert refreshed(tmp_path, session(**changed), session(expires_at=NOW)) == token


def test_a_forced_refresh_uses_a_token_obtained_meanwhile(tmp_path: Path) -> None:
    other = session("other")
    assert refreshed(tmp_path, other, session(), force=True) == "other"
    assert refreshed(tmp_path, other, other, force=True) == "new"


def test_a_session_without_refresh_token_is_used_until_it_ends_and_never_forced(tmp_path: Path) -> None:
    last = session(refresh_token=None, expires_at=NOW + TICK)
    assert refreshed(tmp_path, last, last) == "old"
    for force, over in ((True, last), (False, replace(last, expires_at=NOW))):
        with pytest.raises(NoCredential, match="no refresh token"):
            refreshed(tmp_path, over, over, force=force)


@pytest.mark.parametrize(
    ("text", "old", "generation", "parts"),
    [
        ("abc", None, "", ()),
        ("abcd", None, "a", ("abc", "d")),
        ("abcdef", "a", "b", ("abc", "def")),
        ("abcdefg", "b", "a", ("abc", "def", "g")),
    ],
)
def test_a_value_is_split_only_where_it_is_longer_than_an_entry(
    text: str, old: str | None, generation: str, parts: tuple[str, ...]
) -> None:
    backend = MemoryKeyring()
    entries = Entries(Member(backend, 3), Deadline(5, lambda: "OS keyring"))
    write_value(entries, "prod", text, str(Head(old, 1, "")) if old else None)
    head = Head.parse(backend.entries.pop("prod") if parts else None)
    assert (head is None) == (not parts)
    assert head is None or (head.generation, head.parts) == (generation, len(parts))
    assert backend.entries == (
        {f"prod/{generation}/{number}": part for number, part in enumerate(parts, 1)} or {"prod": text}
    )


def test_a_head_has_from_1_to_1000_parts() -> None:
    for count, good in ((0, False), (1, True), (1000, True), (1001, False)):
        assert (Head.parse(str(Head("a", count, "0"))) is not None) == good
    assert Head.parse(None) is None
    for text in ("", '{"generation":', '{"generation":"a"}', '{"generation":"a","count":1}', ' {"generation":"a"}'):
        assert Head.parse(text) is None
    written = f'{{"generation":"a","count":3,"sha256":"{"0" * 64}"}}'
    assert (str(head := Head("a", 3, "0" * 64)), Head.parse(written)) == (written, head)
    for wrong in (written.replace('"a"', '"c"'), written.replace("3", '"3"')):
        assert Head.parse(wrong) is None


def test_a_time_has_a_zone_and_is_kept_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert format_time(NOW) == "2026-11-24T12:00:00Z"
        assert parse_time("2026-11-24T14:00:00+02:00").utcoffset() == timedelta(0)
    time.tzset()
    assert format_time(NOW) == "2026-11-24T12:00:00Z"
    assert parse_time("2026-11-24T14:00:00+02:00") == NOW
    assert parse_time("2026-11-24T14:00:00+02:00").utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match="time zone"):
        format_time(NOW.replace(tzinfo=None))
    for text in ("2026-11-24T12:00:00", "", "now", "0001-01-01T00:00:00+10:00"):
        with pytest.raises(ValueError, match="not an RFC 3339 time"):
            parse_time(text)


@pytest.mark.parametrize("key", ["expires_at", "refresh_token", "client_id", "scope", "token_path", "refreshed_at"])
def test_each_optional_key_is_text_or_missing(key: str) -> None:
    whole = as_data(session(token_path="/oauth/token", refreshed_at=NOW), ACCOUNT)
    assert from_data(whole, ACCOUNT) == session(token_path="/oauth/token", refreshed_at=NOW)
    without = {name: value for name, value in whole.items() if name != key}
    assert getattr(from_data(without, ACCOUNT), key) is None
    assert key not in as_data(from_data(without, ACCOUNT), ACCOUNT)
    with pytest.raises(ValueError, match=f"its `{key}` is not"):
        from_data({**whole, key: 1}, ACCOUNT)


def test_an_index_forgets_what_is_removed_and_passes_over_what_is_damaged(tmp_path: Path) -> None:
    index = StoredIndex(str(tmp_path / "stored.json"))
    one, (a, b) = StoredSummary(NOW), (account("a"), account("b"))
    index.set(b, one, 5)
    index.set(a, one, 5)
    assert list(index.read()) == [a, b]
    index.set(a, None, 5)
    index.set(a, None, 5)
    assert index.read() == {b: one}
    data = json.loads(Path(index.path).read_text())
    assert data["version"] == 1
    for entries, read in (({str(a): 1, **data["stored"]}, {b: one}), ([], {}), (None, {})):
        Path(index.path).write_text(json.dumps({**data, "stored": entries}))
        assert index.read() == read
    for whole in ({**data, "version": 2}, [data], None, 1):
        Path(index.path).write_text(json.dumps(whole))
        assert index.read() == {}


def test_a_deadline_is_over_at_its_moment_or_when_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(keyring_time_limit, "monotonic", lambda: clock[0])
    deadline = Deadline(10, lambda: "OS keyring")
    assert deadline.remaining() == 10
    clock[0] = 109.5
    assert deadline.remaining() == 0.5
    clock[0] = 110.0
    with pytest.raises(StoreTimeout, match="the OS keyring did not answer within 10 s"):
        deadline.remaining()
    given_up = Deadline(10, lambda: "OS keyring")
    given_up.abandon()
    with pytest.raises(StoreTimeout):
        given_up.remaining()


def test_a_credential_is_known_without_asking_for_it(tmp_path: Path) -> None:
    """For every key source: whether it exists, where it is, and only its public prefix."""
    (tmp_path / "key").touch()
    origin = Origin.parse("https://acme.omniapp.co")

    def status_of(key: KeySource, auth: str = "api-key", summary: StoredSummary | None = None) -> CredentialStatus:
        environ = {"KEY": "omni_osk_secret", "EMPTY": "", "": "nameless"}
        if uses_store(auth, key):
            return in_store({origin: summary} if summary else {}, origin, "file", NOW)
        return at_source(key, "a", origin, environ, TOKENS)

    assert status_of(KeySource("env", variable="KEY")) == CredentialStatus("present", masked="omni_osk_********")
    assert (
        status_of(KeySource("env", variable="EMPTY"))
        == status_of(KeySource("env", variable="NONE"))
        == CredentialStatus("missing")
    )
    assert status_of(KeySource("file", path=str(tmp_path / "key"))) == CredentialStatus("present")
    assert status_of(KeySource("file", path=str(tmp_path / "none"))) == CredentialStatus("missing")
    assert status_of(KeySource("file", path=str(tmp_path))) == CredentialStatus("missing")
    assert status_of(KeySource("command", argv=("true",))) == CredentialStatus("unknown")
    for stored, auth in ((KeySource("keyring"), "api-key"), (KeySource("env", variable="KEY"), "oauth")):
        assert status_of(stored, auth) == CredentialStatus("missing", store="file")
        for expires_at in (None, NOW + TICK):
            known = status_of(stored, auth, StoredSummary(NOW, expires_at))
            assert known == CredentialStatus("present", expires_at, store="file")
        assert status_of(stored, auth, StoredSummary(NOW, NOW)) == CredentialStatus("expired", NOW, store="file")


TOKEN = {"OMNI_API_TOKEN": "t"}


@pytest.mark.parametrize(
    ("environ", "nothing"),
    [
        ({}, True),
        ({"OMNI_API_TOKEN": "", "OMNI_PROFILE_PROD_TOKEN": ""}, True),
        ({"OMNI_PROFILE_STAGING_TOKEN": "t"}, True),
        ({"OMNI_PROFILE_PROD_TOKEN": "t"}, False),
        ({"OMNI_PROFILE_PROD_BASE_URL": "u"}, False),
        ({"OMNI_BASE_URL": "u"}, False),
        ({"OMNI_API_KEY": "k"}, False),
        (TOKEN, False),
        ({**TOKEN, MARKER: mark_of("prod", TOKEN, "https://a.co")}, True),
        ({**TOKEN, "OMNI_API_KEY": "k", MARKER: mark_of("prod", TOKEN, "https://a.co")}, False),
    ],
)
def test_nothing_overrides_what_no_foreign_variable_speaks_of(environ: Mapping[str, str], nothing: bool) -> None:
    assert nothing_overrides("prod", environ) == nothing


def test_overrides_are_ordered_by_their_reach_and_tell_of_two_tokens_that_differ() -> None:
    environ = {
        "OMNI_API_TOKEN": "t",
        "OMNI_API_KEY": "k",
        "OMNI_PROFILE_PROD_TOKEN": "p",
        "OMNI_BASE_URL": "https://b.co",
    }
    flags = Flags("https://a.co", Secret("f"))
    found = read_overrides(PROD, "prod", named=False, environ=environ, flags=flags)
    assert [token.value.reveal() for token in found.tokens] == ["f", "p", "t", "k"]
    assert [token.reach for token in found.tokens] == [Reach.CALL, Reach.PROFILE, Reach.CURRENT, Reach.CURRENT]
    assert [(url.value.host, url.reach) for url in found.base_urls] == [("a.co", Reach.CALL), ("b.co", Reach.CURRENT)]
    assert found.notices == ("`OMNI_API_TOKEN` and `OMNI_API_KEY` differ; `OMNI_API_TOKEN` is used",)
    same = read_overrides(PROD, "prod", named=False, environ={**environ, "OMNI_API_KEY": "t"}, flags=flags)
    assert same.notices == ()


def test_a_named_profile_ignores_the_vendor_s_variables_and_says_so() -> None:
    environ = {"OMNI_API_TOKEN": "t", "OMNI_API_KEY": "k", "OMNI_BASE_URL": "no address"}
    found = read_overrides(PROD, "prod", named=True, environ=environ, flags=Flags())
    why = "it applies only where no profile is named"
    assert [token.ignored for token in found.tokens] == [why] * 2
    assert found.base_urls == ()
    assert found.notices == (
        "`OMNI_API_TOKEN`, `OMNI_API_KEY` and `OMNI_BASE_URL` are ignored: they apply only where no profile is named",
    )
    environ = {"OMNI_BASE_URL": "https://b.co"}
    (url,) = read_overrides(PROD, "prod", named=True, environ=environ, flags=Flags()).base_urls
    assert (url.reach, str(url.value), url.ignored) == (Reach.CURRENT, "https://b.co", why)


def test_a_variable_that_two_profiles_share_is_refused_for_both() -> None:
    names = ("a-b", "a_b", "c")
    config = Config(profiles={name: Declaration(Layer.PROFILE, name, "/p.toml", 1) for name in names})
    environ = {"OMNI_PROFILE_A_B_TOKEN": "t", "OMNI_PROFILE_C_TOKEN": "c"}
    with pytest.raises(Refused, match="`a-b` or for `a_b`"):
        read_overrides(config, "a-b", named=True, environ=environ, flags=Flags())
    assert len(read_overrides(config, "c", named=True, environ=environ, flags=Flags()).tokens) == 1


def moments(folder: Path, answer: Callable[[FileStore], StoredSecret]) -> tuple[Sessions, list[str], FileStore]:
    """Return sessions whose instance runs `answer` on the store, and the checkpoints that they pass."""
    store = FileStore(str(folder))
    store.put("prod", session(expires_at=NOW))
    passed: list[str] = []
    sessions = Sessions(
        store=store,
        refresh=lambda _account, _sent: answer(store),
        user_lock=lambda name, seconds: lock(str(folder / name), seconds),
        now=lambda: NOW,
        tell=lambda _text: None,
        lock_seconds=PATIENCE,
        checkpoint=passed.append,
    )
    return sessions, passed, store


def ended(store: FileStore, meanwhile: StoredSecret | None = None) -> StoredSecret:
    """Refresh while another process stores `meanwhile` and the instance rejects the refresh token."""
    if meanwhile:
        store.put("prod", meanwhile)
    raise SessionEnded("it is over", hint="log in")


def test_a_refresh_and_an_end_pass_every_moment_in_order(tmp_path: Path) -> None:
    sessions, passed, store = moments(tmp_path / "one", lambda _store: session("new"))
    assert sessions.fresh("prod", session(expires_at=NOW)).token == Secret("new")
    assert passed == ["locked", "store-tried", "answered", "stored"]
    sessions, passed, store = moments(tmp_path / "two", ended)
    with pytest.raises(SessionEnded):
        sessions.fresh("prod", session(expires_at=NOW))
    assert passed == ["locked", "store-tried", "ended"]
    assert store.get(account("prod")) is None


def test_an_end_is_passed_over_only_for_a_later_session_that_is_valid(tmp_path: Path) -> None:
    later = session("later", refresh_token=Secret("r"), expires_at=NOW + TICK)
    sessions, _, store = moments(tmp_path / "one", lambda store: ended(store, later))
    assert sessions.fresh("prod", session(expires_at=NOW)) == later
    over = replace(later, expires_at=NOW)
    sessions, _, store = moments(tmp_path / "two", lambda store: ended(store, over))
    with pytest.raises(SessionEnded):
        sessions.fresh("prod", session(expires_at=NOW))
    assert store.get(account("prod")) == over


def test_an_end_after_a_logout_stays_an_end(tmp_path: Path) -> None:
    def logged_out(store: FileStore) -> StoredSecret:
        store.delete(account("prod"))
        return ended(store)

    sessions, passed, _ = moments(tmp_path, logged_out)
    with pytest.raises(SessionEnded):
        sessions.fresh("prod", session(expires_at=NOW))
    assert passed == ["locked", "store-tried"]


def test_a_pair_in_memory_replaces_only_the_one_that_was_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, new = session(expires_at=NOW), session("new")
    for name, stored, given in (("one", sent, "new"), ("two", session("login", refresh_token=Secret("r")), "login")):
        sessions, _, store = moments(tmp_path / name, ended)
        store.put("prod", stored)
        left = {sessions._lock_of(account("prod")): (sent, new)}
        monkeypatch.setattr(session_module, "_unstored", left)
        assert sessions.fresh("prod", sent).token == Secret(given)
        found = store.get(account("prod"))
        assert found is not None
        assert found.token == Secret(given)
        assert bool(left) == (given == "login")


class Gone(MemoryKeyring):
    """A keyring that fails to delete; `kept` is what remains."""

    def __init__(self, kept: str | None) -> None:
        super().__init__()
        self.kept = kept

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError(username)

    def delete_password(self, service: str, username: str) -> None:
        raise RuntimeError("not found")


def test_an_entry_that_is_gone_already_is_removed_and_one_that_stays_is_an_error() -> None:
    def entries(kept: str | None, seconds: float) -> Entries:
        return Entries(Member(Gone(kept), None), Deadline(seconds, lambda: "OS keyring"))

    entries(None, PATIENCE).remove("prod")
    with pytest.raises(StoreUnavailable, match="failed to delete"):
        entries("x", PATIENCE).remove("prod")
    with pytest.raises(StoreTimeout, match="the OS keyring did not answer within 0 s"):
        entries(None, 0).remove("prod")


ACME = Origin.parse("https://acme.omniapp.co")
VALUES: dict[str, Any] = {"base_url": ACME, "env": {"TEAM": EnvValue("a")}}


def obtained(
    values: Mapping[str, Any],
    stored: StoredSecret | None = None,
    renewed: StoredSecret | None = None,
    **environ: str,
) -> Credential:
    """Obtain the credential of a profile with these values; only the session in `stored` may be refreshed, to `renewed`."""

    def fresh(profile: str, session: StoredSecret) -> StoredSecret:
        assert (profile, session) == ("prod", stored)
        assert renewed is not None, "there is nothing to refresh"
        return renewed

    config = Config(profiles={"prod": Declaration(Layer.PROFILE, "prod", "f", 1, **{**VALUES, **values})})
    resolution = resolve(config, Selection("prod", Provenance(Layer.STATE)), environ=environ)
    return obtain(
        resolution,
        environ=environ,
        stored=lambda account: stored if stored and account == Account("prod", stored.origin) else None,
        elsewhere=lambda _profile, _variable: [stored.origin] if stored else [],
        fresh=fresh,
        interactive=False,
        tell=pytest.fail,
    )


def test_a_key_lasts_and_a_session_ends() -> None:
    """Every source yields the profile's credential, with its origin and variables."""

    def key(text: str) -> Credential:
        return Credential("prod", ACME, "api-key", Secret(text))

    own = {"key": KeySource("env", variable="KEY")}
    assert obtained(own, KEY="k") == key("k")
    assert obtained(own, KEY="k").env == (("TEAM", "a"),)
    assert obtained(own, KEY="k", OMNI_API_TOKEN="t") == key("t")
    assert obtained({}, make_secret("s")) == key("s")
    assert obtained({"auth": "api-key"}, make_secret("s")) == key("s")
    kept, renewed = session("kept"), session("renewed", expires_at=NOW + AHEAD)
    oauth = Credential("prod", ACME, "oauth", Secret("renewed"), NOW + AHEAD)
    assert obtained({"auth": "oauth"}, kept, renewed) == oauth
    of_variable = Credential("prod", ACME, "oauth", Secret("t"))
    assert obtained({"auth": "oauth"}, kept, renewed, OMNI_API_TOKEN="t") == of_variable


def test_a_session_is_for_the_address_that_it_was_stored_for_though_a_key_is_named() -> None:
    other = Origin.parse("https://other.omniapp.co")
    kept = session("kept", origin=other)
    values = {"auth": "oauth", "key": KeySource("env", variable="KEY")}
    assert obtained(values, kept, kept, OMNI_BASE_URL=str(other)).origin == other


def test_a_session_stored_by_another_process_during_a_refresh_is_checked_too() -> None:
    kept = session("kept")
    with pytest.raises(NoCredential, match="an API key"):
        obtained({"auth": "oauth"}, kept, make_secret("k"))
