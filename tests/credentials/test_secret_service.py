"""The keyring store on a real Secret Service: gnome-keyring on a private D-Bus session."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from jeepney import HeaderFields
from jeepney.bus_messages import Monitoring
from jeepney.io.blocking import open_dbus_connection

from omniprofile.credentials import light_keyring
from omniprofile.credentials.keyring_store import KeyringStore
from omniprofile.errors import StoreLocked, StoreTimeout, StoreUnavailable
from omniprofile.model.stored import StoredSecret
from tests.credentials.conftest import PROD, SecretService, account, at_once, make_secret, python, start_python
from tests.sampling import WHOLE
from tests.waiting import FOR_EVER, PATIENCE, wait_until, without_waiting

pytestmark = pytest.mark.secret_service

MakeStore = Callable[..., KeyringStore]


def test_the_label_names_it(secret_service: SecretService, make_store: MakeStore) -> None:
    assert make_store().label == "OS keyring (SecretService Keyring), service `omniprofile`"


def test_a_locked_collection_is_not_reported_as_absent(secret_service: SecretService, make_store: MakeStore) -> None:
    make_store().put("prod", make_secret())
    secret_service.lock()

    operations: list[Callable[[KeyringStore], object]] = [
        lambda store: store.check(),
        lambda store: store.get(account("prod")),
        lambda store: store.get(account("never-stored")),
        lambda store: store.put("prod", make_secret("new")),
        lambda store: store.delete(account("prod")),
    ]
    for operation in operations:
        with without_waiting(), pytest.raises(StoreLocked, match="is locked"):
            operation(make_store(timeout=FOR_EVER))
    assert list(make_store().summaries()) == [account("prod")]  # without unlocking


def test_without_a_bus_no_keyring_is_found(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")
    # Away from the backends that other tests define: all subclasses are candidates of the keyring package's.
    code = """
        import sys
        from omniprofile.credentials.keyring_store import KeyringStore
        from omniprofile.errors import Error
        from omniprofile.model.stored import Account
        try:
            KeyringStore(sys.argv[1], lock_folders=[sys.argv[1]]).get(Account.parse("prod@https://acme.omniapp.co"))
        except Error as error:
            print(error.code, error.message, error.hint, sep="|")
    """
    ran = python(code, str(tmp_path / "s"))
    assert ran.returncode == 0, ran.stderr
    # keyrings.alt is installed for the tests: without a bus its plain-text file is chosen, and refused.
    assert ran.stdout.startswith("store-unavailable|")
    assert "OMNIPROFILE_SECRET_STORE=file" in ran.stdout
    assert not list((tmp_path / "home").rglob("*pass*"))


def test_a_bus_that_goes_away_is_an_error(secret_service: SecretService, make_store: MakeStore) -> None:
    make_store().put("prod", make_secret())
    secret_service.bus.kill()
    secret_service.bus.wait(PATIENCE)

    with pytest.raises(StoreUnavailable):
        make_store().get(account("prod"))


def test_a_daemon_killed_in_the_middle_is_an_error_and_no_hang(
    secret_service: SecretService, make_store: MakeStore
) -> None:
    store = make_store(timeout=FOR_EVER, limit=50)
    store.put("prod", make_secret("old" * 100))
    killer = threading.Timer(0.2, secret_service.daemon.kill)
    killer.start()
    try:
        with without_waiting(), pytest.raises(StoreUnavailable):
            put_for_ever(store)
    finally:
        killer.join()
    with pytest.raises(StoreUnavailable):
        make_store(timeout=60).get(account("prod"))


def test_a_stopped_daemon_is_waited_for_once_and_used_when_it_goes_on(
    secret_service: SecretService, make_store: MakeStore
) -> None:
    make_store().put("prod", make_secret())
    secret_service.daemon.send_signal(signal.SIGSTOP)
    with without_waiting():
        with pytest.raises(StoreTimeout):
            make_store(timeout=1).get(account("prod"))
        with pytest.raises(StoreTimeout):
            make_store(timeout=FOR_EVER).get(account("prod"))

    secret_service.daemon.send_signal(signal.SIGCONT)

    def found() -> StoredSecret | None:
        with suppress(StoreTimeout):  # until the pending call has returned
            return make_store().get(account("prod"))
        return None

    assert wait_until(found) == make_secret()


def test_the_collection_is_opened_as_a_busy_gnome_keyring_survives_it(
    secret_service: SecretService, make_store: MakeStore, tmp_path: Path
) -> None:
    """By `ReadAlias` first, then by its own path: the daemon aborts when a property is read first, and aliases race."""
    with open_dbus_connection() as monitor:
        monitor.send_and_get_reply(Monitoring().BecomeMonitor([]))
        store = make_store(limit=100)
        store.put("prod", make_secret("long" * 100))
        store.get(account("prod"))
        make_store().put("prod", make_secret())
        light_keyring.get(PROD, str(tmp_path / "state"), "", [str(tmp_path / "locks")], os.environ)
        store.delete(account("prod"))
        with open_dbus_connection() as last:
            heard: dict[str, list[tuple[str, str]]] = {}
            while (header := monitor.receive(timeout=PATIENCE).header).fields.get(
                HeaderFields.sender
            ) != last.unique_name:
                if header.fields.get(HeaderFields.destination) == "org.freedesktop.secrets":
                    call = header.fields[HeaderFields.member], header.fields[HeaderFields.path]
                    heard.setdefault(header.fields[HeaderFields.sender], []).append(call)

    assert len(heard) > 20
    assert {calls[0][0] for calls in heard.values()} == {"ReadAlias"}
    assert not [path for calls in heard.values() for _, path in calls if "/aliases/" in path]


def put_for_ever(store: KeyringStore) -> None:
    """Store one secret after another until that fails."""
    number = 0
    while True:
        number += 1
        store.put("prod", make_secret(str(number) * 100))


WRITER = """
    import sys
    from datetime import UTC, datetime
    from omniprofile.credentials.keyring_store import KeyringStore
    from omniprofile.model.origin import Origin
    from omniprofile.model.secret import Secret
    from omniprofile.model.stored import Account, StoredSecret

    FORK
    folder, rounds, limit, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) or None, sys.argv[4]
    store = KeyringStore(folder + "/state", timeout=60, lock_folders=[folder + "/locks"], limit=limit)
    for round_ in range(rounds):
        secret = StoredSecret(Origin.parse("https://acme.omniapp.co"), Secret(number * 500), datetime.now(UTC))
        store.put("shared", secret)
        store.put("own-" + number, secret)
        found = store.get(Account("shared", secret.origin))
        assert found is not None and len(set(found.token.reveal())) == 1, "a mix"
        assert store.get(Account("own-" + number, secret.origin)) == secret
"""


@pytest.mark.parametrize(("processes", "limit", "rounds"), [(8, 0, 8), (8, 300, 2)] if WHOLE else [(4, 300, 1)])
def test_processes_that_write_at_once_all_succeed(
    processes: int, limit: int, rounds: int, secret_service: SecretService, make_store: MakeStore, tmp_path: Path
) -> None:
    at_once(WRITER, processes, str(tmp_path), str(rounds), str(limit))
    assert secret_service.daemon.poll() is None, "the daemon died"
    assert sorted(one.profile for one in make_store().summaries()) == [
        *[f"own-{number}" for number in range(processes)],
        "shared",
    ]


def test_a_writer_killed_in_the_middle_leaves_the_old_value_or_the_new_one(
    secret_service: SecretService, make_store: MakeStore, tmp_path: Path
) -> None:
    store = make_store(limit=60)
    store.put("shared", make_secret("7" * 500))
    for delay in (0.0, 0.02, 0.05, 0.1, 0.15) if WHOLE else (0.02, 0.1):
        writer = start_python(WRITER.replace("FORK", ""), str(tmp_path), "1000", "60", "8")
        time.sleep(0.5 + delay)
        writer.kill()
        writer.communicate(timeout=PATIENCE)
        found = make_store(limit=60).get(account("shared"))
        assert found is not None
        assert found.token.reveal() in ("7" * 500, "8" * 500)
    store.put("shared", make_secret("9" * 500))
    assert store.get(account("shared")) == make_secret("9" * 500)
