"""Refreshing under the lock, in one process: one thread asks the instance, the others share its result; failing stores."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omniprofile.credentials import session as module
from omniprofile.credentials.file_store import LOCK_SECONDS, FileStore
from omniprofile.credentials.keyring_store import KeyringStore
from omniprofile.credentials.keyring_time_limit import USUAL_SECONDS
from omniprofile.credentials.session import Sessions
from omniprofile.errors import (
    CredentialRefused,
    NoCredential,
    SessionBusy,
    SessionEnded,
    StoreLocked,
    StoreUnavailable,
    Unreachable,
)
from omniprofile.instance.token_endpoint import EXCHANGE_SECONDS
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from omniprofile.system import locking
from tests.credentials import conftest as stores
from tests.waiting import PATIENCE

make_store = stores.make_store
use_keyring = stores.use_keyring

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PROD = stores.account("prod")


def session(number: int, *, left: timedelta, **changed: object) -> StoredSecret:
    """Return the `number`th pair of a session."""
    made = StoredSecret(
        Origin.parse("https://acme.omniapp.co"),
        Secret(f"access-{number}"),
        NOW - timedelta(hours=2),
        expires_at=NOW + left,
        refresh_token=Secret(f"refresh-{number}"),
        client_id="omni-cli",
    )
    return replace(made, **changed)  # type: ignore[arg-type]  # fields of the session


EXPIRED = timedelta(seconds=-1)
HOURS = timedelta(hours=6)


@dataclass
class World:
    """A file store, an instance that counts requests, and a stopped clock."""

    folder: Path
    sent: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    answer: Callable[[StoredSecret], StoredSecret] = lambda old: next_pair(old)
    fails_to_store: list[StoreUnavailable | None] = field(default_factory=list)
    """The errors of the next `put` calls; None for success."""

    def __post_init__(self) -> None:
        world = self

        class Store(FileStore):
            def put(self, profile: str, secret: StoredSecret) -> None:
                if world.fails_to_store and (problem := world.fails_to_store.pop(0)) is not None:
                    raise problem
                super().put(profile, secret)

        self.store = Store(str(self.folder / "state"))

    def sessions(self, seconds: float = PATIENCE) -> Sessions:
        """Make sessions as another App of the same process would."""
        return Sessions(
            store=self.store,
            refresh=self._refresh,
            user_lock=lambda name, seconds: locking.lock(str(self.folder / "locks" / name), seconds),
            now=lambda: NOW,
            tell=self.told.append,
            lock_seconds=seconds,
        )

    def _refresh(self, _profile: str, old: StoredSecret) -> StoredSecret:
        assert old.refresh_token is not None
        self.sent.append(old.refresh_token.reveal())
        return self.answer(old)

    def fresh(self, *, force: bool = False) -> StoredSecret:
        """Return what a command gets."""
        held = self.store.get(PROD)
        assert held is not None
        return self.sessions().fresh("prod", held, force=force)


def next_pair(old: StoredSecret) -> StoredSecret:
    """Return the pair after `old`."""
    number = int(old.token.reveal().partition("-")[2]) + 1
    return session(number, left=HOURS, stored_at=NOW, refreshed_at=NOW)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Start without anything that other tests left in memory."""
    monkeypatch.setattr(module, "_unstored", {})
    monkeypatch.setattr(module, "_STORING_AGAIN", (0.01, 0.01))
    return World(tmp_path)


def test_a_fresh_session_is_given_with_no_lock_and_no_store(world: World) -> None:
    held = session(1, left=HOURS)
    sessions = replace(world.sessions(), store=None)  # type: ignore[arg-type]  # nobody asks it
    assert sessions.fresh("prod", held) is held
    assert not (world.folder / "locks").exists()


def test_threads_of_one_process_refresh_once(world: World) -> None:
    world.store.put("prod", session(1, left=EXPIRED))
    gate = threading.Barrier(20)
    results: list[str] = []

    def slow(old: StoredSecret) -> StoredSecret:
        threading.Event().wait(0.2)
        return next_pair(old)

    world.answer = slow

    def command() -> None:
        held = world.store.get(PROD)
        assert held is not None
        gate.wait()
        results.append(world.sessions().fresh("prod", held).token.reveal())

    threads = [threading.Thread(target=command) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert results == ["access-2"] * 20
    assert world.sent == ["refresh-1"]


def test_force_is_ignored_for_ten_seconds_after_a_refresh_but_not_after_a_login(world: World) -> None:
    world.store.put("prod", session(1, left=HOURS, stored_at=NOW))  # logged in just now
    assert world.fresh(force=True).token == Secret("access-2")
    assert world.fresh(force=True).token == Secret("access-2")
    ago = NOW - timedelta(seconds=11)
    world.store.put("prod", session(2, left=HOURS, stored_at=ago, refreshed_at=ago))
    assert world.fresh(force=True).token == Secret("access-3")
    assert world.sent == ["refresh-1", "refresh-2"]


def test_force_does_not_stand_down_for_a_token_that_is_over(world: World) -> None:
    world.store.put("prod", session(1, left=EXPIRED, refreshed_at=NOW))
    assert world.fresh(force=True).token == Secret("access-2")


def test_an_ended_session_is_not_used_meanwhile(world: World) -> None:
    world.store.put("prod", session(1, left=timedelta(minutes=2)))

    def refuse(old: StoredSecret) -> StoredSecret:
        raise SessionEnded("over")

    world.answer = refuse
    with pytest.raises(SessionEnded):
        world.fresh()


@pytest.mark.parametrize("problem", [Unreachable("gone"), CredentialRefused("no client")])
def test_other_failures_keep_everything(world: World, problem: Exception) -> None:
    kept = session(1, left=timedelta(minutes=2))
    world.store.put("prod", kept)

    def fail(old: StoredSecret) -> StoredSecret:
        raise problem

    world.answer = fail
    assert world.fresh() == kept
    assert world.told == [f"{problem}; the access token is still valid and used meanwhile"]
    with pytest.raises(type(problem)):
        world.fresh(force=True)
    assert world.store.get(PROD) == kept


def test_a_logout_while_the_answer_is_on_its_way_is_not_undone(world: World) -> None:
    world.store.put("prod", session(1, left=EXPIRED))

    def meanwhile(old: StoredSecret) -> StoredSecret:
        world.store.delete(PROD)
        return next_pair(old)

    world.answer = meanwhile
    with pytest.raises(NoCredential, match="was logged out"):
        world.fresh()
    assert world.store.get(PROD) is None


def test_a_login_while_the_answer_is_on_its_way_is_not_overwritten(world: World) -> None:
    world.store.put("prod", session(1, left=EXPIRED))
    newer = session(50, left=HOURS)

    def meanwhile(old: StoredSecret) -> StoredSecret:
        world.store.put("prod", newer)
        return next_pair(old)

    world.answer = meanwhile
    assert world.fresh() == newer
    assert world.store.get(PROD) == newer


def test_a_store_that_takes_nothing_is_found_out_before_the_token_is_spent(world: World) -> None:
    world.store.put("prod", session(1, left=EXPIRED))
    world.fails_to_store = [StoreLocked("the keyring is locked")]
    with pytest.raises(StoreLocked):
        world.fresh()
    assert world.sent == [], "nothing was sent, nothing is lost"
    assert world.fresh().token == Secret("access-2")


def test_a_store_that_fails_for_a_moment_loses_nothing(world: World) -> None:
    world.store.put("prod", session(1, left=EXPIRED))
    world.fails_to_store = [None, StoreLocked("locked"), StoreLocked("locked")]
    assert world.fresh().token == Secret("access-2")
    assert world.store.get(PROD) == session(2, left=HOURS, stored_at=NOW, refreshed_at=NOW)
    assert "cannot be stored yet, trying again" in world.told[0]


def test_a_store_that_fails_is_tried_for_three_seconds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real time limits, which no test waits for
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    monkeypatch.setattr(module, "_unstored", {})
    world.store.put("prod", session(1, left=EXPIRED))
    world.fails_to_store = [None, *[StoreLocked("locked")] * 10]
    with pytest.raises(StoreUnavailable, match="cannot be stored"):
        world.fresh()
    assert waits == [0.2, 0.8, 2.0]
    assert len(world.fails_to_store) == 10 - 4
    assert len(world.told) == 3


def test_waiting_for_a_refresh_outlasts_the_refresh() -> None:
    """Both the attempt and storing may take as long as a store may."""
    longest = EXCHANGE_SECONDS + sum(module._STORING_AGAIN) + 2 * max(USUAL_SECONDS, LOCK_SECONDS)
    assert longest < module.LOCK_SECONDS <= 60, "nobody waits longer than a minute"


def test_a_pair_that_cannot_be_stored_is_an_error_and_kept_in_memory(world: World) -> None:
    world.store.put("prod", session(1, left=timedelta(minutes=2)))
    full = StoreUnavailable("the disk is full")
    world.fails_to_store = [None, full, full, full]
    with pytest.raises(StoreUnavailable) as caught:
        world.fresh()
    assert "was refreshed, but cannot be stored: the disk is full" in caught.value.message
    assert "omniprofile login prod" in str(caught.value.hint)
    assert world.sent == ["refresh-1"]

    # The process continues, as a server does, and the disk has room again: the pair is stored, and nothing is sent twice.
    assert world.fresh().token == Secret("access-2")
    assert world.sent == ["refresh-1"]
    assert world.store.get(PROD) == session(2, left=HOURS, stored_at=NOW, refreshed_at=NOW)


def test_a_pair_in_memory_does_not_overwrite_a_later_login(world: World) -> None:
    world.store.put("prod", session(1, left=EXPIRED))
    full = StoreUnavailable("full")
    world.fails_to_store = [None, full, full, full]
    with pytest.raises(StoreUnavailable):
        world.fresh()
    world.sessions().replace("prod", session(50, left=EXPIRED))
    assert world.fresh().token == Secret("access-51")
    assert world.sent == ["refresh-1", "refresh-50"]


def test_a_stored_secret_is_recognized(world: World) -> None:
    sessions = world.sessions()
    assert not sessions.holds("prod", session(1, left=HOURS))
    sessions.replace("prod", session(1, left=HOURS))
    assert sessions.holds("prod", session(1, left=HOURS))
    assert not sessions.holds("prod", session(2, left=HOURS))
    Path(world.store.path).write_text("damaged")
    assert not sessions.holds("prod", session(1, left=HOURS))


def test_a_lock_that_somebody_holds_is_an_error(world: World) -> None:
    world.store.put("prod", session(1, left=EXPIRED))
    held = world.store.get(PROD)
    assert held is not None
    with world.sessions().locked(PROD), pytest.raises(SessionBusy, match=r"more than 0\.1 s"):
        world.sessions(0.1).fresh("prod", held)
    assert world.sent == []
    assert world.fresh().token == Secret("access-2"), "and it is free afterwards"


def test_a_login_waits_for_a_refresh_of_the_same_session(world: World) -> None:
    world.store.put("prod", session(1, left=EXPIRED))
    with world.sessions().locked(PROD), pytest.raises(SessionBusy):
        world.sessions(0.1).replace("prod", session(2, left=HOURS))
    assert world.store.get(PROD) == session(1, left=EXPIRED)


def test_a_session_in_a_folder_with_a_non_unicode_name_is_locked(world: World) -> None:
    store = FileStore(str(world.folder / "caf\udce9"))
    with replace(world.sessions(), store=store).locked(PROD):
        pass


def test_while_the_lock_is_held_a_valid_token_is_used(world: World) -> None:
    held = session(1, left=timedelta(minutes=2))
    world.store.put("prod", held)
    with world.sessions().locked(PROD):
        assert world.sessions(0.1).fresh("prod", held) == held
    assert "another process has held the session" in world.told[0]


def test_each_secret_has_its_own_lock_whatever_its_folder_is_called(world: World, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "state")
    world.store.put("prod", session(1, left=EXPIRED))
    here = world.sessions(0.1)
    by_link = replace(here, store=FileStore(str(link)))
    elsewhere = replace(here, store=FileStore(str(tmp_path / "other")))
    with here.locked(PROD):
        with pytest.raises(SessionBusy), by_link.locked(PROD):
            pass
        with here.locked(stores.account("staging")), elsewhere.locked(PROD):
            pass


def test_tokens_that_are_too_long_for_the_store_are_split_and_refreshed(
    world: World, make_store: Callable[..., KeyringStore], use_keyring: Callable[[object], object]
) -> None:
    """On Windows, an entry holds 1280 characters, and a JWT has more."""
    backend = stores.SmallKeyring()
    use_keyring(backend)
    store = make_store(limit=1280)
    long = session(1, left=EXPIRED, token=Secret("a" * 5000), refresh_token=Secret("r" * 3000))
    store.put("prod", long)
    longer = replace(long, token=Secret("b" * 6000), refresh_token=Secret("s" * 4000), expires_at=NOW + HOURS)
    sessions = replace(world.sessions(), store=store, refresh=lambda _, old: longer)
    assert sessions.fresh("prod", long) == longer
    assert store.get(PROD) == longer
    assert store.summaries()[PROD].expires_at == NOW + HOURS
    assert max(map(len, backend.entries.values())) <= 1280
