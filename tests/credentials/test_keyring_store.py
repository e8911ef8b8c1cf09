"""The OS keyring store with a keyring that misbehaves, is killed, or is missing."""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import keyring.backends.chainer
import keyring.backends.null
import keyring.errors
import keyrings.alt.file
import pytest
from keyring.backend import KeyringBackend
from reference import VARIABLES

from omniprofile.credentials import keyring_store, keyring_time_limit
from omniprofile.credentials.keyring_store import KeyringStore
from omniprofile.errors import StoreLocked, StoreTimeout, StoreUnavailable
from omniprofile.model.stored import SecretStore
from omniprofile.system.locking import lock
from tests.conftest import CANARY
from tests.credentials.conftest import (
    PROD,
    HangingKeyring,
    LyingKeyring,
    MemoryKeyring,
    RaisingKeyring,
    SmallKeyring,
    TruncatingKeyring,
    account,
    make_secret,
)
from tests.programs import run_program
from tests.waiting import FOR_EVER, PATIENCE, without_waiting

UseKeyring = Callable[[KeyringBackend], KeyringBackend]
MakeStore = Callable[..., KeyringStore]

OPERATIONS: dict[str, Callable[[SecretStore], object]] = {
    "check": lambda store: store.check(),
    "get": lambda store: store.get(account("prod")),
    "put": lambda store: store.put("prod", make_secret()),
    "delete": lambda store: store.delete(account("prod")),
}


def chain_text(problem: BaseException | None) -> str:
    """Return everything that a traceback of `problem` could show of its chained exceptions."""
    texts = []
    while problem is not None:
        texts.append(f"{problem!r} {problem}")
        problem = problem.__cause__ or problem.__context__
    return "\n".join(texts)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_keyring_is_an_error_with_a_way_out_and_never_an_absent_secret(
    operation: str, make_store: MakeStore
) -> None:
    with pytest.raises(StoreUnavailable, match="no usable OS keyring") as caught:
        OPERATIONS[operation](make_store())

    assert "OMNIPROFILE_SECRET_STORE=file" in str(caught.value.hint)


@pytest.mark.parametrize(
    "kind",
    [
        "keyring.errors.KeyringLocked",
        "secretstorage.exceptions.LockedException",
        "secretstorage.exceptions.PromptDismissedException",
    ],
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_locked_keyring_is_not_reported_as_absent(
    operation: str, kind: str, make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    module, _, name = kind.rpartition(".")
    problem: Exception = getattr(pytest.importorskip(module), name)(f"wrong password {CANARY}")
    use_keyring(RaisingKeyring(problem))

    with pytest.raises(StoreLocked, match="is locked"):
        OPERATIONS[operation](make_store())


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", [RuntimeError, OSError, ValueError, keyring.errors.InitError, UnicodeDecodeError])
def test_a_backends_error_is_reported_without_its_text(
    operation: str, kind: type[Exception], make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    problem = kind("utf-8", CANARY.encode(), 0, 1, CANARY) if kind is UnicodeDecodeError else kind(CANARY)
    use_keyring(RaisingKeyring(problem))

    with pytest.raises(StoreUnavailable, match=kind.__name__) as caught:
        OPERATIONS[operation](make_store())

    assert CANARY not in chain_text(caught.value)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_hanging_keyring_is_waited_for_once(operation: str, make_store: MakeStore, use_keyring: UseKeyring) -> None:
    backend = HangingKeyring()
    use_keyring(backend)
    store = make_store(timeout=0.3)
    try:
        with without_waiting(), pytest.raises(StoreTimeout, match=r"within 0\.3 s"):
            OPERATIONS[operation](store)

        with without_waiting():
            for again in OPERATIONS.values():
                with pytest.raises(StoreTimeout):
                    again(store)
                with pytest.raises(StoreTimeout):
                    again(make_store(timeout=FOR_EVER))  # another store of the process, during the pending call
            assert store.label.startswith("OS keyring")
        assert [call.done() for call in keyring_time_limit._stuck] == [False]
    finally:
        backend.released.set()


def test_a_store_that_gave_up_does_not_ask_again_and_a_new_one_does(
    make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    backend = HangingKeyring()
    use_keyring(backend)
    store = make_store(timeout=0.2)
    with pytest.raises(StoreTimeout):
        store.get(account("prod"))
    backend.released.set()
    for call in list(keyring_time_limit._stuck):
        call.exception(PATIENCE)

    with pytest.raises(StoreTimeout, match="not asked again"):
        store.get(account("prod"))
    assert make_store().get(account("prod")) is None


def test_the_manual_says_how_long_a_keyring_may_take() -> None:
    ((_, words),) = [row for row in VARIABLES if row[0] == "OMNIPROFILE_KEYRING_TIMEOUT"]

    assert words.endswith(f"(default {keyring_time_limit.USUAL_SECONDS:g})")


def test_ctrl_c_leaves_no_writing_process(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    backend = HangingKeyring("set")
    use_keyring(backend)

    def press() -> None:
        assert backend.reached.wait(PATIENCE)
        os.kill(os.getpid(), signal.SIGINT)

    finger = threading.Thread(target=press)
    finger.start()
    with pytest.raises(KeyboardInterrupt):
        make_store(limit=100).put("prod", make_secret("k" * 400))
    finger.join()
    backend.released.set()
    for thread in threading.enumerate():
        if thread.name == "omniprofile-work":
            thread.join(PATIENCE)

    assert [call for call in backend.calls if call.startswith("set")] == [f"set {PROD}/a/1"]  # the pending call


def test_a_timeout_bounds_a_method_and_not_each_call_of_it(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    class SlowKeyring(MemoryKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            asked.append(username)
            time.sleep(0.1)
            return super().get_password(service, username)

    asked: list[str] = []
    use_keyring(SlowKeyring())
    with pytest.raises(StoreTimeout):
        make_store(timeout=0.5, limit=100).put("prod", make_secret("k" * 2000))
    assert len(asked) <= 6, "each call was given the whole time"


def test_a_writer_whose_caller_gave_up_changes_nothing_more(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    backend = HangingKeyring("set")
    use_keyring(backend)
    with pytest.raises(StoreTimeout):
        make_store(timeout=3, limit=100).put("prod", make_secret("k" * 400))
    assert backend.reached.is_set()
    backend.released.set()
    for call in list(keyring_time_limit._stuck):
        call.exception(PATIENCE)

    assert [call for call in backend.calls if call.startswith("set")] == [f"set {PROD}/a/1"]  # the pending call
    assert make_store(limit=100).get(account("prod")) is None


def test_a_hanging_import_of_the_keyring_is_bounded(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(keyring, "get_keyring", lambda: released.wait(FOR_EVER))
    try:
        with without_waiting():
            with pytest.raises(StoreTimeout):
                make_store(timeout=0.2).check()
            assert make_store(timeout=0.2).label == "OS keyring, service `omniprofile`"
    finally:
        released.set()


@pytest.mark.parametrize("name", ["no.such.module.Keyring", "keyring.backends.fail.NoSuchClass", "nonsense", ""])
def test_a_keyring_that_cannot_be_loaded_is_an_error(
    name: str, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)

    with pytest.raises(StoreUnavailable, match="failed to load"):
        make_store().get(account("prod"))


class OurPlaintext(keyrings.alt.file.PlaintextKeyring):  # type: ignore[misc]
    """A plain-text backend under another name."""


class PyfsPlaintext(MemoryKeyring):
    """A backend of `keyrings.alt` before version 5."""

    __module__, __qualname__ = "keyrings.alt.pyfs", "PlaintextKeyring"


@pytest.mark.parametrize(
    "kind", [keyring.backends.null.Keyring, keyrings.alt.file.PlaintextKeyring, OurPlaintext, PyfsPlaintext]
)
def test_a_plain_text_keyring_is_refused_every_time(
    kind: type[KeyringBackend], make_store: MakeStore, use_keyring: UseKeyring, tmp_path: Path
) -> None:
    use_keyring(kind())
    store = make_store()

    for operation in [*OPERATIONS.values(), *OPERATIONS.values()]:
        with pytest.raises(StoreUnavailable, match="plain text"):
            operation(store)
    assert not any(CANARY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def chain_of(*members: KeyringBackend) -> KeyringBackend:
    """Return a chain of backends, as the keyring package makes one of all it finds."""

    class Chain(keyring.backends.chainer.ChainerBackend):
        backends = list(members)
        priority = 0

    return Chain()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("others", [0, 1])
def test_a_chain_that_writes_plain_text_is_refused(others: int, make_store: MakeStore, use_keyring: UseKeyring) -> None:
    use_keyring(chain_of(keyrings.alt.file.PlaintextKeyring(), *[MemoryKeyring()] * others))

    with pytest.raises(StoreUnavailable, match="plain text"):
        make_store().put("prod", make_secret())


def test_an_empty_chain_is_not_a_keyring(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    use_keyring(chain_of())

    with pytest.raises(StoreUnavailable, match="no usable OS keyring"):
        make_store().get(account("prod"))


def test_a_chain_that_writes_to_a_real_keyring_is_used(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    first = MemoryKeyring()
    use_keyring(chain_of(first, keyrings.alt.file.PlaintextKeyring()))
    store = make_store()
    store.put("prod", make_secret())

    assert store.get(account("prod")) == make_secret()
    assert list(first.entries) == [PROD]


@pytest.mark.parametrize(
    "text", ["hunter2", "{}", "[]", '{"version":2}', '{"generation":"c","count":1,"sha256":""}', ""]
)
def test_a_foreign_entry_is_an_error_and_can_be_replaced(
    text: str, make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    backend = MemoryKeyring()
    backend.entries[PROD] = text
    use_keyring(backend)
    store = make_store()

    with pytest.raises(StoreUnavailable, match="not a secret of omniprofile's") as caught:
        store.get(account("prod"))
    assert "omniprofile login prod" in str(caught.value.hint)
    assert "hunter2" not in chain_text(caught.value)
    store.put("prod", make_secret())
    assert store.get(account("prod")) == make_secret()


@pytest.mark.parametrize("kind", [LyingKeyring, TruncatingKeyring])
@pytest.mark.parametrize("limit", [None, 300])
def test_a_keyring_that_keeps_something_else_is_found_at_once(
    kind: type[MemoryKeyring], limit: int | None, make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    backend = kind()
    use_keyring(backend)
    store = make_store(limit=limit)

    with pytest.raises(StoreUnavailable, match="something other than what was stored"):
        store.put("prod", make_secret(CANARY * 10))
    assert backend.entries == {}
    assert store.summaries() == {}


@pytest.mark.parametrize(("length", "kept"), [(1000, True), (1400, False)])
def test_a_keyring_that_cuts_at_the_size_of_windows_is_found(
    length: int, kept: bool, make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    backend = TruncatingKeyring()
    backend.keeps = 1280
    use_keyring(backend)
    store, secret = make_store(), make_secret("k" * length)
    if kept:
        store.put("prod", secret)
        assert store.get(account("prod")) == secret
    else:
        with pytest.raises(StoreUnavailable, match="something other than what was stored"):
            store.put("prod", secret)
        assert store.get(account("prod")) is None


@pytest.mark.parametrize("limit", [None, 100])
def test_another_profile_s_value_is_found_though_it_is_for_the_same_instance(
    limit: int | None, make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    backend = MemoryKeyring()
    use_keyring(backend)
    store = make_store(limit=limit)
    store.put("prod", make_secret("a-member-s"))
    store.put("admin", make_secret(CANARY))
    for name, entry in list(backend.entries.items()):
        if name.startswith("admin"):
            backend.entries[name.replace("admin", "prod")] = entry

    with pytest.raises(StoreUnavailable, match="it belongs to another profile or origin") as caught:
        store.get(account("prod"))
    assert CANARY not in chain_text(caught.value)
    assert store.get(account("admin")) == make_secret(CANARY)
    store.put("prod", make_secret("new"))
    assert store.get(account("prod")) == make_secret("new")


def test_a_keyring_that_vanishes_is_an_error_and_not_an_absent_secret(
    make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    """The service disappears between two calls, and comes back."""
    memory = MemoryKeyring()
    use_keyring(memory)
    store = make_store()
    store.put("prod", make_secret())
    gone = RaisingKeyring(ConnectionResetError(f"the bus is gone {CANARY}"))
    for method in ("get_password", "set_password", "delete_password"):
        setattr(memory, method, getattr(gone, method))
    for operation in OPERATIONS.values():
        with pytest.raises(StoreUnavailable, match="ConnectionResetError") as caught:
            operation(store)
        assert CANARY not in chain_text(caught.value)
    assert account("prod") in store.summaries(), "what is stored is still known"
    for method in ("get_password", "set_password", "delete_password"):
        delattr(memory, method)
    assert store.get(account("prod")) == make_secret()


@pytest.mark.parametrize(
    "problem", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), RecursionError(CANARY), MemoryError()]
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_any_exception_of_a_backend_reaches_the_caller_at_once(
    operation: str, problem: BaseException, make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    """Ctrl-C passes; anything else, even `sys.exit()`, makes the store unusable, without waiting for the timeout."""
    use_keyring(RaisingKeyring(problem))  # type: ignore[arg-type]
    expected = KeyboardInterrupt if isinstance(problem, KeyboardInterrupt) else StoreUnavailable
    with without_waiting(), pytest.raises(expected) as caught:
        OPERATIONS[operation](make_store(timeout=FOR_EVER))
    assert CANARY not in chain_text(caught.value)


@pytest.mark.parametrize("answer", [7, b"bytes", object(), ["a"], True])
def test_a_keyring_that_gives_no_text_is_an_error(
    answer: object, make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    backend = MemoryKeyring()
    backend.entries[PROD] = answer  # type: ignore[assignment]
    use_keyring(backend)
    for operation in (OPERATIONS["get"], OPERATIONS["put"]):
        with pytest.raises(StoreUnavailable, match="not text"):
            operation(make_store())


def test_a_keyring_that_vanishes_while_it_is_written_to_is_reported_for_that(
    make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    class Vanishing(MemoryKeyring):
        def set_password(self, service: str, username: str, password: str) -> None:
            use_keyring(self)
            self.get_password = self.delete_password = gone  # type: ignore[method-assign,assignment]
            gone()

    def gone(*_: object) -> None:
        raise ConnectionResetError(CANARY)

    use_keyring(Vanishing())
    with pytest.raises(StoreUnavailable, match="failed to store"):
        make_store().put("prod", make_secret())


def test_a_keyring_that_begins_to_lie_keeps_the_old_value(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    backend = LyingKeyring()
    backend.lies = False
    use_keyring(backend)
    store = make_store(limit=100)
    old = make_secret("an-older-key" * 30)
    store.put("prod", old)
    backend.lies = True

    with pytest.raises(StoreUnavailable, match="something other"):
        store.put("prod", make_secret(CANARY * 10))
    assert store.get(account("prod")) == old
    assert store.summaries()[account("prod")].stored_at == old.stored_at


def test_a_keyring_that_does_not_delete_is_found(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    class Keeping(MemoryKeyring):
        def delete_password(self, service: str, username: str) -> None:
            return

    use_keyring(Keeping())
    store = make_store()
    store.put("prod", make_secret())

    with pytest.raises(StoreUnavailable, match="still holds"):
        store.delete(account("prod"))
    assert account("prod") in store.summaries()


def test_a_value_too_long_for_a_small_keyring_is_an_error_and_keeps_the_old_one(
    make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    use_keyring(SmallKeyring())
    store = make_store()  # the store does not know that this keyring is small
    store.put("prod", make_secret("old"))

    with pytest.raises(StoreUnavailable, match=r"failed to store \(`OSError`\)") as caught:
        store.put("prod", make_secret(CANARY * 100))
    assert CANARY not in chain_text(caught.value)
    assert store.get(account("prod")) == make_secret("old")


def test_a_keyring_of_windows_is_known_to_be_small(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    backend = type("WinVaultKeyring", (SmallKeyring,), {"__module__": "keyring.backends.Windows"})()
    use_keyring(backend)
    store = make_store()
    store.put("prod", make_secret("k" * 5000))

    assert store.get(account("prod")) == make_secret("k" * 5000)
    assert sorted(backend.entries) == [PROD, *(f"{PROD}/a/{number}" for number in range(1, 5))]
    assert all(len(entry) <= 1280 for entry in backend.entries.values())
    store.put("prod", make_secret("short"))
    assert list(backend.entries) == [PROD]


class CaseBlindKeyring(SmallKeyring):
    """Ignores the case of names, as Windows does."""

    def get_password(self, service: str, username: str) -> str | None:
        return super().get_password(service, username.lower())

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, username.lower(), password)

    def delete_password(self, service: str, username: str) -> None:
        super().delete_password(service, username.lower())


def test_names_that_differ_in_case_do_not_share_an_entry_of_windows(
    make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    use_keyring(type("WinVaultKeyring", (CaseBlindKeyring,), {"__module__": "keyring.backends.Windows"})())
    store = make_store()
    secrets = {name: make_secret(name * 1000) for name in ("prod", "Prod", "pROD", "PROD")}
    for name, secret in secrets.items():
        store.put(name, secret)

    assert {name: store.get(account(name)) for name in secrets} == secrets
    store.delete(account("Prod"))
    assert [name for name in secrets if store.get(account(name))] == ["prod", "pROD", "PROD"]


class Killed(KeyboardInterrupt):
    """Stands for SIGKILL between two calls to the keyring."""


class KilledKeyring(MemoryKeyring):
    """Makes `steps` changes and is killed before the next."""

    steps = 1_000_000

    def _step(self) -> None:
        if self.steps <= 0:
            raise Killed
        self.steps -= 1

    def get_password(self, service: str, username: str) -> str | None:
        if self.steps <= 0:
            raise Killed
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._step()
        super().set_password(service, username, password)

    def delete_password(self, service: str, username: str) -> None:
        self._step()
        super().delete_password(service, username)


VALUES = {"long": "L" * 900, "longer": "M" * 1500, "short": "s", "long again": "N" * 700}


@pytest.mark.parametrize("old", VALUES)
@pytest.mark.parametrize("new", VALUES)
def test_killed_at_any_moment_the_old_value_or_the_new_one_is_there_whole(
    old: str, new: str, make_store: MakeStore, use_keyring: UseKeyring
) -> None:
    limit = 200
    before, after = make_secret(VALUES[old]), make_secret(VALUES[new], session=True)
    seen = set()
    for steps in range(100):
        backend = KilledKeyring()
        use_keyring(backend)
        make_store(limit=limit).put("prod", make_secret("first" * 200))  # so that the generations alternate
        make_store(limit=limit).put("prod", before)
        backend.steps = steps
        try:
            make_store(limit=limit).put("prod", after)
            done = True
        except Killed:
            done = False
        backend.steps = 1_000_000
        found = make_store(limit=limit).get(account("prod"))
        assert found in (before, after), f"killed after {steps} changes"
        seen.add(found)

        make_store(limit=limit).put("prod", make_secret("tiny"))
        assert list(backend.entries) == [PROD], f"leftovers of the kill after {steps} changes"
        if done:
            break
    assert seen == {before, after}


def test_killed_while_deleting_the_next_deletion_leaves_nothing(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    for steps in range(12):
        backend = KilledKeyring()
        use_keyring(backend)
        make_store(limit=200).put("prod", make_secret("k" * 1000))
        backend.steps = steps
        with suppress(Killed):
            make_store(limit=200).delete(account("prod"))
        backend.steps = 1_000_000
        assert make_store(limit=200).get(account("prod")) in (None, make_secret("k" * 1000))
        make_store(limit=200).delete(account("prod"))
        assert backend.entries == {}, steps


def test_missing_and_foreign_parts_are_an_error(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    for damage in ("missing", "foreign", "no text"):
        backend = MemoryKeyring()
        use_keyring(backend)
        store = make_store(limit=200)
        store.put("prod", make_secret("k" * 1000))
        if damage == "missing":
            del backend.entries[f"{PROD}/a/3"]
        else:
            backend.entries[f"{PROD}/a/3"] = {"foreign": "x", "no text": "\udc80"}[damage] * 200
        with pytest.raises(StoreUnavailable, match="missing or damaged") as caught:
            store.get(account("prod"))
        assert "omniprofile login prod" in str(caught.value.hint)


def test_readers_beside_a_writer_never_see_a_mix(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    use_keyring(MemoryKeyring())
    secrets = [make_secret(letter * 1500) for letter in "abcdef"]
    make_store(limit=100).put("prod", secrets[0])
    stop = threading.Event()
    failures: list[BaseException] = []

    def read() -> None:
        store = make_store(limit=100)
        try:
            while not stop.is_set():
                assert store.get(account("prod")) in secrets
        except BaseException as problem:
            failures.append(problem)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for round_ in range(30):
            make_store(limit=100).put("prod", secrets[round_ % len(secrets)])
    finally:
        stop.set()
        for reader in readers:
            reader.join(PATIENCE)
    assert failures == []


def test_the_lock_of_the_user_is_waited_for_no_longer_than_the_timeout(
    make_store: MakeStore, use_keyring: UseKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keyring(MemoryKeyring())
    monkeypatch.setattr(keyring_store, "_SHARE_TO_WAIT", 0.005)
    with lock(str(tmp_path / "locks" / "keyring.lock"), 5):
        with pytest.raises(StoreTimeout, match="another process has been writing"):
            make_store(timeout=PATIENCE).put("prod", make_secret())
        with pytest.raises(StoreTimeout, match="another process has been writing"):
            make_store(timeout=PATIENCE).get(account("prod"))
    make_store().put("prod", make_secret())


def test_readers_do_not_wait_for_each_other(make_store: MakeStore, use_keyring: UseKeyring, tmp_path: Path) -> None:
    use_keyring(MemoryKeyring())
    with lock(str(tmp_path / "locks" / "keyring.lock"), 5, shared=True):
        assert make_store(timeout=PATIENCE).get(account("prod")) is None
        with pytest.raises(StoreTimeout):
            make_store(timeout=0.3).put("prod", make_secret())


def test_get_heals_the_index(make_store: MakeStore, use_keyring: UseKeyring, tmp_path: Path) -> None:
    backend = MemoryKeyring()
    use_keyring(backend)
    store = make_store()
    store.put("prod", make_secret(session=True))
    whole = store.summaries()
    index = tmp_path / "state" / "stored.json"

    for damage in (
        b"",
        b"{",
        b"[" * 100_000,
        b'{"version": 1, "stored": {"prod": {"origin": 1}, "x": 2}}',
        b"\xff\x00",
    ):
        index.write_bytes(damage)
        assert store.summaries() == {}
        store.get(account("prod"))
        assert store.summaries() == whole
    backend.entries.clear()  # deleted with the keyring's own tool
    assert store.get(account("prod")) is None
    assert store.summaries() == {}


def test_an_index_that_cannot_be_written_breaks_writing_and_not_reading(
    make_store: MakeStore, use_keyring: UseKeyring, tmp_path: Path
) -> None:
    backend = MemoryKeyring()
    use_keyring(backend)
    make_store().put("prod", make_secret("old"))
    (tmp_path / "state" / "stored.json").unlink()
    (tmp_path / "state" / "stored.json").mkdir()  # even root cannot replace a folder by a file
    before = dict(backend.entries)

    assert make_store().get(account("prod")) == make_secret("old")
    with pytest.raises(StoreUnavailable, match=r"stored\.json"):
        make_store(limit=100).put("prod", make_secret("k" * 500))
    assert backend.entries == before
    assert make_store().get(account("prod")) == make_secret("old")


def test_an_index_that_another_process_holds_delays_reading_little_and_makes_writing_say_so(
    make_store: MakeStore, use_keyring: UseKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = MemoryKeyring()
    use_keyring(backend)
    make_store().put("prod", make_secret("old"))
    (tmp_path / "state" / "stored.json").unlink()  # so that reading would repair it
    before = dict(backend.entries)
    with lock(str(tmp_path / "state" / "stored.json.lock"), 5):
        assert make_store(timeout=PATIENCE).get(account("prod")) == make_secret("old")
        monkeypatch.setattr(keyring_store, "_SHARE_TO_WAIT", 0.005)
        with pytest.raises(StoreTimeout, match="another process has been writing"):
            make_store(timeout=PATIENCE).put("prod", make_secret("new"))
    assert backend.entries == before


def test_a_deleted_secret_leaves_the_list_at_once(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    use_keyring(MemoryKeyring())
    store = make_store()
    store.put("prod", make_secret())
    store.put("dev", make_secret())
    store.delete(account("prod"))

    assert list(store.summaries()) == [account("dev")]


def test_writing_waits_for_an_index_that_another_process_has_for_a_moment(
    make_store: MakeStore, use_keyring: UseKeyring, tmp_path: Path
) -> None:
    use_keyring(MemoryKeyring())
    make_store().put("prod", make_secret("old"))
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with lock(str(tmp_path / "state" / "stored.json.lock"), 5):
            held.set()
            go_on.wait(1.0)

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(PATIENCE)
    make_store(timeout=60).put("prod", make_secret("new"))
    other.join(PATIENCE)
    assert make_store().get(account("prod")) == make_secret("new")


def test_the_index_is_a_file_that_people_and_other_versions_can_read(
    make_store: MakeStore, use_keyring: UseKeyring, tmp_path: Path
) -> None:
    use_keyring(MemoryKeyring())
    make_store().put("prod", make_secret(session=True))

    assert (
        (tmp_path / "state" / "stored.json").read_text()
        == """\
{
 "version": 1,
 "stored": {
  "prod@https://acme.omniapp.co": {
   "stored_at": "2026-11-24T10:00:00.123456Z",
   "expires_at": "2026-11-24T18:00:00Z",
   "backend": "tests.credentials.conftest.MemoryKeyring"
  }
 }
}
"""
    )


def test_check_looks_for_an_account_that_nobody_has(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    backend = MemoryKeyring()
    use_keyring(backend)
    make_store().check()

    (call,) = backend.calls
    assert re.fullmatch("get check-[0-9a-f]{16}", call)


def test_only_existing_entries_are_read_and_deleted(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    """A keyring may ask the user at every call."""
    backend = MemoryKeyring()
    use_keyring(backend)
    store = make_store(limit=100)
    store.put("prod", make_secret("k" * 250))
    entries = sorted(backend.entries)
    assert entries == [PROD, *(f"{PROD}/a/{number}" for number in range(1, 5))]
    backend.entries[f"{PROD}/a/5"] = "left by a writer that was killed"
    backend.calls.clear()
    assert store.get(account("prod")) == make_secret("k" * 250)
    assert sorted(backend.calls) == [f"get {entry}" for entry in entries]
    backend.calls.clear()
    store.delete(account("prod"))
    assert sorted(call for call in backend.calls if call.startswith("delete")) == [
        f"delete {entry}" for entry in [*entries, f"{PROD}/a/5"]
    ]
    assert backend.entries == {}


def test_list_does_not_touch_the_keyring(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    backend = MemoryKeyring()
    use_keyring(backend)
    make_store().put("prod", make_secret())
    backend.calls.clear()

    assert list(make_store().summaries()) == [account("prod")]
    assert backend.calls == []


def test_one_get_is_one_call(make_store: MakeStore, use_keyring: UseKeyring) -> None:
    backend = MemoryKeyring()
    use_keyring(backend)
    make_store().put("prod", make_secret())
    backend.calls.clear()
    make_store().get(account("prod"))

    assert backend.calls == [f"get {PROD}"]


def test_importing_the_store_does_not_import_the_keyring_package(process: object) -> None:

    code = (
        "import sys, omniprofile.credentials.keyring_store; "
        "print([name for name in ('keyring', 'filelock', 'threading', 'subprocess') if name in sys.modules])"
    )
    ran = run_program([sys.executable, "-c", code], check=True)
    assert ran.stdout == "[]\n"
