"""Reading the Secret Service without the package `keyring`: entries of that and other programs, and services that lie."""

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import keyring
import pytest
import secretstorage
from jeepney import DBusAddress, HeaderFields, Message, Parser, new_error, new_method_return, new_signal

from omniprofile.credentials import light_keyring, light_secret_service
from omniprofile.credentials.envelope import pack
from omniprofile.credentials.keyring_store import KeyringStore
from omniprofile.credentials.light_secret_service import Unusual
from omniprofile.model.compiled_profile import Undecided
from omniprofile.model.stored import StoredSecret
from tests.architecture.test_imports import HEAVY, loaded_after
from tests.credentials.conftest import PROD, SecretService, account, make_secret, stored_secret
from tests.waiting import PATIENCE

MakeStore = Callable[..., KeyringStore]
ATTRIBUTES = {"service": "omniprofile", "username": PROD}


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], StoredSecret]:
    """Read `prod` as the fast path does, from the folders of `make_store`, with a longer time limit."""
    monkeypatch.setattr(light_keyring, "_SECONDS", PATIENCE)

    def read() -> StoredSecret:
        folders = str(tmp_path / "state"), "", [str(tmp_path / "locks")]
        return stored_secret(account("prod"), light_keyring.get(PROD, *folders, os.environ))

    return read


PATIENT = f"from omniprofile.credentials import light_keyring; light_keyring._SECONDS = {PATIENCE}"
Read = Callable[[], StoredSecret]


def add(label: str, attributes: dict[str, str], text: str, *, collection: str | None = None) -> None:
    """Store an item as another program would."""
    with closing(secretstorage.dbus_init()) as connection:
        where = (
            secretstorage.Collection(connection, collection)
            if collection
            else secretstorage.get_default_collection(connection)
        )
        where.create_item(label, attributes, text.encode(), replace=False)


def take_all() -> None:
    with closing(secretstorage.dbus_init()) as connection:
        for item in list(secretstorage.get_default_collection(connection).get_all_items()):
            item.delete()


@pytest.mark.secret_service
@pytest.mark.parametrize(
    "secret",
    [
        make_secret(),
        make_secret("k" * 60_000),
        make_secret("".join(map(chr, range(33, 127)))),
        make_secret("()"),
        make_secret(session=True),
    ],
    ids=["key", "long key", "every character", "parentheses", "session"],
)
def test_entries_of_the_keyring_package_are_read(
    secret: StoredSecret, secret_service: SecretService, make_store: MakeStore, read: Read
) -> None:
    make_store(owner="/a/ü/profiles.toml").put("prod", secret)

    assert read() == secret == make_store().get(account("prod"))


@pytest.mark.secret_service
@pytest.mark.parametrize(
    "more",
    [{}, {"application": "python-keyring"}, {"application": "x", "xdg:schema": "org.freedesktop.Secret.Generic"}],
    ids=["no application", "an older one", "a schema"],
)
def test_entries_of_other_backend_versions_are_read(
    more: dict[str, str], secret_service: SecretService, make_store: MakeStore, read: Read
) -> None:
    make_store().put("prod", make_secret())
    take_all()
    add("an entry", {**ATTRIBUTES, **more}, pack(make_secret(), account("prod")))

    assert read() == make_store().get(account("prod")) == make_secret()


@pytest.mark.secret_service
def test_items_of_another_collection_are_found_by_neither(
    secret_service: SecretService, make_store: MakeStore, read: Read
) -> None:
    make_store().put("prod", make_secret())
    take_all()
    session = "/org/freedesktop/secrets/collection/session"
    add("elsewhere", ATTRIBUTES, pack(make_secret(), account("prod")), collection=session)

    with pytest.raises(Unusual):
        read()
    assert make_store().get(account("prod")) is None


def _lock(service: SecretService, store: KeyringStore) -> None:
    service.lock()


def _twice(service: SecretService, store: KeyringStore) -> None:
    add("another", {**ATTRIBUTES, "more": "x"}, "another")


def _gone(service: SecretService, store: KeyringStore) -> None:
    take_all()


def _text(text: str) -> Callable[[SecretService, KeyringStore], None]:
    return lambda service, store: keyring.set_password("omniprofile", PROD, text)


def _stopped(service: SecretService, store: KeyringStore) -> None:
    service.daemon.kill()
    service.daemon.wait(PATIENCE)


def _no_bus(service: SecretService, store: KeyringStore) -> None:
    service.bus.kill()
    service.bus.wait(PATIENCE)


@pytest.mark.secret_service
@pytest.mark.parametrize(
    "change",
    [
        _lock,
        _twice,
        _gone,
        _stopped,
        _no_bus,
        _text("not JSON"),
        _text("{}"),
        _text('{"generation":"a","count":2,"sha256":"x"}'),
        _text(pack(make_secret(), account("other"))),
        _text(pack(make_secret(), account("prod", "https://other.omniapp.co"))),
        _text(pack(make_secret(), account("prod"), ("/another/profiles.toml",))),
    ],
)
def test_anything_but_one_unlocked_indexed_entry_is_left_to_the_keyring_package(
    change: Callable[[SecretService, KeyringStore], None],
    secret_service: SecretService,
    make_store: MakeStore,
    read: Read,
) -> None:
    make_store().put("prod", make_secret())
    assert read() == make_secret()
    change(secret_service, make_store())

    with pytest.raises((Undecided, Unusual, OSError, ValueError)):
        read()


@pytest.mark.secret_service
def test_a_split_value_is_for_the_keyring_package(
    secret_service: SecretService, make_store: MakeStore, read: Read
) -> None:
    make_store(limit=100).put("prod", make_secret())

    with pytest.raises(ValueError, match="version"):
        read()
    assert make_store().get(account("prod")) == make_secret()


@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
        {"PYTHON_KEYRING_BACKEND": ""},
        {"KEYRING_PROPERTY_SCHEME": "KeePassXC"},
        {"KEYRING_PROPERTY_PREFERRED_COLLECTION": "/x"},
        {"XDG_CONFIG_HOME": "CONFIGURED"},
        {"HOME": "CONFIGURED"},
    ],
)
def test_a_keyring_package_that_somebody_has_configured_is_asked(environ: dict[str, str], tmp_path: Path) -> None:
    for folder in (".config/python_keyring", "python_keyring"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "keyringrc.cfg").touch()
    environ = {name: value.replace("CONFIGURED", str(tmp_path)) for name, value in environ.items()}

    for kind in (light_keyring.SECRET_SERVICE, light_keyring.VAULT):
        expected = kind == light_keyring.SECRET_SERVICE or not {"XDG_CONFIG_HOME", "HOME"} & environ.keys()
        assert light_keyring._is_configured(kind, environ.get("HOME", "/nowhere"), environ) is expected
        assert not light_keyring._is_configured(kind, "/nowhere", {"PYTHON_KEYRING_BACKEND": kind})
        assert not light_keyring._is_configured(kind, "/nowhere", {"LOCALAPPDATA": "/nowhere"})


class FakeBus:
    """A bus and a Secret Service in one, which answers correctly except for the methods in `replies`.

    A reply is bytes to send instead, an exception to raise (the connection closes), or a function that makes the answer
    to the call.
    """

    def __init__(self, folder: Path, replies: dict[str, Any]) -> None:
        self.path = folder / "bus"
        self.replies = replies
        self.seen: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        with suppress(OSError), self._listener.accept()[0] as client:
            client.settimeout(PATIENCE)
            client.recv(1024)
            client.sendall(self.replies.get("auth", b"OK 1234\r\n"))
            if not client.recv(7, socket.MSG_WAITALL):
                return
            parser = Parser()
            while data := client.recv(4096):
                parser.add_data(data)
                while (call := parser.get_next_message()) is not None:
                    client.sendall(self._answer(call))

    def _answer(self, call: Message) -> bytes:
        member = call.header.fields[HeaderFields.member]
        self.seen.append(member)
        assert call.header.flags == 2, "a service must not be started"
        body = {
            "Hello": ("s", (":1.1",)),
            "ReadAlias": ("o", ("/collection/1",)),
            "OpenSession": ("vo", (("s", ""), "/session/1")),
            "SearchItems": ("ao", (["/item/1"],)),
            "GetSecret": ("(oayays)", (("/session/1", b"", b"the text", "text/plain"),)),
        }[member]
        reply = self.replies.get(member, body)
        if callable(reply):
            reply = reply(call)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, tuple):
            reply = new_method_return(call, *reply)
        return bytes(reply.serialise(7) if isinstance(reply, Message) else reply)


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Ask a fake bus for the password; the keyword arguments are its replies by method."""
    open_buses: list[FakeBus] = []

    def ask(*, seconds: float = PATIENCE, **replies: object) -> str:
        open_buses.append(FakeBus(tmp_path, replies))
        return light_secret_service.password(f"unix:path={open_buses[0].path}", "omniprofile", PROD, seconds)

    yield ask
    for bus in open_buses:
        bus.close()


def _half(call: Message) -> bytes:
    whole = new_method_return(call, "ao", (["/item/1"],)).serialise(7)
    return bytes(whole[: len(whole) // 2])


def _endless_body(call: Message) -> bytes:
    """Return an array of nothing in a variant, which jeepney cannot serialise."""
    message = new_method_return(call, "v", (("au", [1]),)).serialise(7)
    return bytes(message.replace(b"\2au\0", b"\3a()\0")) + b"\0" * 3


def _endless_head(call: Message) -> bytes:
    return bytes(new_method_return(call, "s", ("x",)).serialise(7).replace(b"\1s\0", b"\3a()\0"))


FLOOD = bytes(new_signal(DBusAddress("/x", interface="a.b"), "Noise", "s", ("x" * 100_000,)).serialise(3))
LIES: dict[str, dict[str, Any]] = {
    "rejects": {"auth": b"REJECTED EXTERNAL\r\n"},
    "never ends its greeting": {"auth": b"x" * 9000},
    "sends more than a greeting": {"auth": b"OK 1\r\nmore"},
    "closes": {"SearchItems": OSError()},
    "closes after the secret was asked for": {"GetSecret": OSError()},
    "opens nothing": {"OpenSession": lambda call: new_error(call, "org.freedesktop.DBus.Error.NotSupported")},
    "has no secret service": {"ReadAlias": lambda call: new_error(call, "org.freedesktop.DBus.Error.ServiceUnknown")},
    "is no message": {"Hello": b"HTTP/1.1 400 Bad Request\r\n\r\n"},
    "is of another form": {"SearchItems": ("s", ("/item/1",))},
    "has no body": {"SearchItems": ()},
    "names no path": {"SearchItems": ("as", (["../../x"],))},
    "finds none": {"SearchItems": ("ao", ([],))},
    "finds two": {"SearchItems": ("ao", (["/item/1", "/item/2"],))},
    "is locked": {"GetSecret": lambda call: new_error(call, "org.freedesktop.Secret.Error.IsLocked")},
    "gives no secret": {"GetSecret": ("s", ("the text",))},
    "gives no UTF-8": {"GetSecret": ("(oayays)", (("/session/1", b"", b"\xff", "text/plain"),))},
    "answers in nothing": {"OpenSession": _endless_body},
    "heads its answer with nothing": {"GetSecret": _endless_head},
    "opens no session": {"OpenSession": ("v", (("v", ("v", ("v", ("b", False)))),))},
    "is larger than all bounds": {"GetSecret": ("(oayays)", (("/s", b"", b"x" * 3 * 1024 * 1024, "text/plain"),))},
    "floods": {"GetSecret": FLOOD * 30},
    "says that it is endless": {"Hello": b"l\2\0\1" + struct.pack("<III", 0xFFFFFFF0, 1, 0xFFFFFFF0) + b"x" * 3 * 1024 * 1024},
}  # fmt: skip


@pytest.mark.parametrize("replies", LIES.values(), ids=LIES)
def test_a_service_that_lies_is_left_to_the_keyring_package(
    replies: dict[str, object], ask: Callable[..., str]
) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, the fast path declines
        ask(**replies)
    assert not isinstance(caught.value, TimeoutError), "found out, and not waited for"


@pytest.mark.parametrize(
    "replies",
    [
        {"auth": b""},
        {"Hello": b""},
        {"SearchItems": _half},
        {"GetSecret": b""},
        {"GetSecret": FLOOD},
    ],
    ids=["greets nobody", "says no hello", "answers half", "keeps the secret", "talks of something else"],
)
def test_a_service_that_hangs_delays_no_longer_than_its_limit(
    replies: dict[str, object], ask: Callable[..., str]
) -> None:
    with pytest.raises(TimeoutError):
        ask(seconds=0.3, **replies)


def test_a_service_that_answers_late_out_of_order_and_among_signals_is_understood(ask: Callable[..., str]) -> None:
    kept: list[Message] = []

    def later(call: Message) -> bytes:
        kept.append(call)
        return b""

    def all_at_once(call: Message) -> bytes:
        opened = new_method_return(kept[0], "vo", (("s", ""), "/session/1")).serialise(8)
        return bytes(FLOOD + new_method_return(call, "ao", (["/item/1"],)).serialise(9) + opened)

    assert ask(OpenSession=later, SearchItems=all_at_once) == "the text"


def test_nobody_listens(tmp_path: Path) -> None:
    for address in (f"unix:path={tmp_path}/none", "tcp:host=localhost,port=1", "", "unix:", ";"):
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is, the fast path declines
            light_secret_service.password(address, "omniprofile", PROD, 1)


@pytest.mark.secret_service
@pytest.mark.parametrize("session", [False, True], ids=["key", "session"])
@pytest.mark.parametrize("line", ["token", "env --shell bash", "exec -- true"])
def test_the_secret_service_is_read_with_jeepney_alone(
    line: str,
    session: bool,
    secret_service: SecretService,
    make_store: MakeStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Importing `keyring` takes as long as thirteen bare interpreters, and `inspect` alone as long as one."""
    file = tmp_path / "profiles.toml"
    auth = "oauth" if session else "api-key"
    file.write_text(f'[profiles.one]\nbase_url = "https://acme.omniapp.co"\nauth = "{auth}"\n')
    monkeypatch.setenv("OMNIPROFILE_CONFIG", str(file))
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "keyring")
    monkeypatch.setenv("OMNIPROFILE_STATE_DIR", str(tmp_path / "state"))
    now = datetime.now(UTC)
    secret = replace(make_secret(session=session), stored_at=now)
    secret = replace(secret, expires_at=now + timedelta(hours=1)) if session else secret
    make_store().put("one", secret)
    # A slow machine would read the file again, or ask the keyring package.
    code = f"from omniprofile.config import snapshot; snapshot._SETTLED = 0; {PATIENT}"
    code += "; import os, sys; from omniprofile.cli.fast_path import answer"
    code += f"; given = answer({line.split()!r}, os.environ, sys.platform, acting=True)"
    code += f"; assert {secret.token.reveal()!r} in str(given), given"
    loaded_after(code)
    loaded = loaded_after(code)
    heavy = ["argparse", "asyncio", "cryptography", "dataclasses", "inspect", "ipaddress", "json", "secretstorage"]
    assert "jeepney" in loaded
    assert not loaded & {*heavy, *HEAVY}
