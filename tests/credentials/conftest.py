"""Keyring backends with realistic behaviour, and a private Secret Service."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import keyring
import keyring.core
import keyring.errors
import pytest
from keyring.backend import KeyringBackend

from omniprofile.credentials.keyring_store import KeyringStore
from omniprofile.model.declaration import Identity
from omniprofile.model.freshness import StoredFields
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import Account, StoredSecret
from tests.conftest import CANARY
from tests.waiting import FOR_EVER, PATIENCE, wait_until


def account(profile: str, origin: str = "https://acme.omniapp.co") -> Account:
    """Return the account of a profile for the origin of `make_secret`."""
    return Account(profile, Origin.parse(origin))


PROD = str(account("prod"))
"""The name of the entry of `prod`."""


def make_secret(text: str = CANARY, *, origin: str = "https://acme.omniapp.co", session: bool = False) -> StoredSecret:
    """Return a stored secret: an API key or an OAuth session."""
    stored_at = datetime(2026, 11, 24, 10, 0, 0, 123456, tzinfo=UTC)
    if not session:
        return StoredSecret(Origin.parse(origin), Secret(text), stored_at)
    return StoredSecret(
        Origin.parse(origin),
        Secret(text),
        stored_at,
        expires_at=datetime(2026, 11, 24, 18, 0, tzinfo=UTC),
        refresh_token=Secret(f"refresh-{text}"),
        client_id="omni-cli",
        scope="user:default",
    )


def stored_secret(account: Account, fields: StoredFields) -> StoredSecret:
    """Return what the fast path read as the full path's type."""
    values = vars(fields)
    identity = values.pop("identity")
    return StoredSecret(account.origin, **values, identity=identity and Identity(**identity), variable=account.variable)


class MemoryKeyring(KeyringBackend):
    """Stores entries correctly. The base of the misbehaving ones."""

    priority = 1.0

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.calls: list[str] = []

    def get_password(self, service: str, username: str) -> str | None:
        assert service == "omniprofile"
        self.calls.append(f"get {username}")
        return self.entries.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        assert service == "omniprofile"
        self.calls.append(f"set {username}")
        self.entries[username] = password

    def delete_password(self, service: str, username: str) -> None:
        assert service == "omniprofile"
        self.calls.append(f"delete {username}")
        if self.entries.pop(username, None) is None:
            raise keyring.errors.PasswordDeleteError("not found")


class SmallKeyring(MemoryKeyring):
    """Raises for entries that are too long for Windows, as Windows does."""

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password.encode("utf-16-le")) > 2560:
            raise OSError(1783, f"the stub received bad data: {password}")
        super().set_password(service, username, password)


class HangingKeyring(MemoryKeyring):
    """Does not answer `hangs_on` until it is released."""

    def __init__(self, hangs_on: str = "get") -> None:
        super().__init__()
        self.hangs_on = hangs_on
        self.reached = threading.Event()
        self.released = threading.Event()

    def _hang(self, verb: str) -> None:
        if verb == self.hangs_on:
            self.reached.set()
            self.released.wait(FOR_EVER)

    def get_password(self, service: str, username: str) -> str | None:
        self._hang("get")
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._hang("set")
        super().set_password(service, username, password)


class LyingKeyring(MemoryKeyring):
    """Stores something else than it was given, once it `lies`."""

    lies = True

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, username, password.replace("C4n4ry", "0ther!") if self.lies else password)


class TruncatingKeyring(MemoryKeyring):
    """Silently truncates entries longer than `keeps`."""

    keeps = 100

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, username, password[: self.keeps])


class RaisingKeyring(MemoryKeyring):
    """Raises `problem` from every call, the secret in its text."""

    def __init__(self, problem: Exception) -> None:
        super().__init__()
        self.problem = problem

    def get_password(self, service: str, username: str) -> str | None:
        raise self.problem

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.problem

    def delete_password(self, service: str, username: str) -> None:
        raise self.problem


@pytest.fixture
def use_keyring(monkeypatch: pytest.MonkeyPatch) -> Callable[[KeyringBackend], KeyringBackend]:
    """Make a backend the one that the keyring package chooses."""

    def use(backend: KeyringBackend) -> KeyringBackend:
        monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
        return backend

    return use


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., KeyringStore]:
    """Make a keyring store in the test's folder."""

    def make(**options: object) -> KeyringStore:
        usual = {"lock_folders": [str(tmp_path / "locks")], "timeout": PATIENCE}
        return KeyringStore(str(tmp_path / "state"), **{**usual, **options})  # type: ignore[arg-type]

    return make


def start_python(code: str, *argv: str) -> "subprocess.Popen[str]":
    """Start `code` in a new Python process."""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", textwrap.dedent(code), *argv]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def python(code: str, *argv: str) -> "subprocess.CompletedProcess[str]":
    """Run `code` in a new Python process."""
    process = start_python(code, *argv)
    out, err = process.communicate(timeout=180)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def at_once(code: str, processes: int, *argv: str) -> None:
    """Run `code` in several processes, forked at its line `FORK`, each with its number as the last argument."""
    fork = f"""
        import os
        for number in range({processes}):
            if not os.fork():
                sys.argv.append(str(number))
                break
        else:
            sys.exit(any([os.wait()[1] for _ in range({processes})]))
    """
    ran = python(textwrap.dedent(code).replace("FORK\n", textwrap.dedent(fork)), *argv)
    assert (ran.returncode, ran.stderr) == (0, "")


_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""  # no service folder: the bus starts no service


def pytest_itemcollected(item: pytest.Item) -> None:
    """The keyring package leaves its socket open if the collection is locked or gone; that is not our error."""
    if item.get_closest_marker("secret_service"):
        item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@dataclass
class SecretService:
    """A D-Bus session bus with a gnome-keyring, in a temporary home."""

    address: str
    environ: dict[str, str]
    bus: "subprocess.Popen[bytes]"
    daemon: "subprocess.Popen[bytes]"

    def lock(self) -> None:
        """Lock the collection that secrets are stored in."""
        import secretstorage

        with closing(secretstorage.dbus_init()) as connection:
            secretstorage.get_default_collection(connection).lock()


def _wait_for_service(service: SecretService) -> None:
    import secretstorage

    def is_ready() -> bool:
        assert service.daemon.poll() is None, "gnome-keyring-daemon ended at once"
        with suppress(Exception), closing(secretstorage.dbus_init()) as connection:
            return (
                secretstorage.check_service_availability(connection)
                and not secretstorage.get_default_collection(connection).is_locked()
            )
        return False

    wait_until(is_ready)


@pytest.fixture
def secret_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretService]:
    """Start a Secret Service, unlocked, and let the keyring package use it."""
    missing = [tool for tool in ("dbus-daemon", "gnome-keyring-daemon") if shutil.which(tool) is None]
    if missing:
        if os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL") == "1":
            raise AssertionError(f"{' and '.join(missing)} must be installed")
        pytest.skip(f"{' and '.join(missing)} not installed")
    folder = Path(tempfile.mkdtemp(prefix="omni-ss-"))  # short, for a socket's path has at most 108 bytes
    socket = folder / "bus"
    (folder / "bus.conf").write_text(_BUS.format(socket=socket))
    (folder / "control").mkdir(mode=0o700)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_RUNTIME_DIR": str(folder),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={socket}",
    }
    processes: list[subprocess.Popen[bytes]] = []
    try:
        bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile"],
            env=environ,
            stderr=subprocess.DEVNULL,
        )
        processes.append(bus)
        wait_until(lambda: socket.exists() or bus.poll() is not None)
        assert bus.poll() is None, "dbus-daemon ended at once"
        daemon = subprocess.Popen(
            [
                "gnome-keyring-daemon",
                "--foreground",
                "--unlock",
                "--components=secrets",
                f"--control-directory={folder}/control",
            ],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        processes.append(daemon)
        assert daemon.stdin is not None
        daemon.stdin.write(b"a test's password")
        daemon.stdin.close()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", environ["DBUS_SESSION_BUS_ADDRESS"])
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.SecretService.Keyring")
        service = SecretService(environ["DBUS_SESSION_BUS_ADDRESS"], environ, bus, daemon)
        _wait_for_service(service)
        yield service
    finally:
        for process in reversed(processes):
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)
        gc.collect()  # now, while the warning filter applies, and not during another test
