"""A light reader of one entry of a Secret Service: https://specifications.freedesktop.org/secret-service. DOOR: jeepney.

It searches the same collection by the same attributes as keyring's own backend (`keyring.backends.SecretService`, through the
package SecretStorage), so both find the same items, whichever version stored them. It uses a `plain` session, because the bus is
the user's own socket, and the keys of an encrypted session take most of the time that `keyring` takes. It never unlocks, prompts,
starts a service or chooses between items: anything but one unlocked item is `Unusual`, and left to keyring. (For a locked item,
a service must answer `GetSecret` with an error, without a prompt.)

It uses jeepney's messages but not its connections, which wait for the bus's first answer without a time limit, and read any
amount of data.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from jeepney import DBusAddress, Header, HeaderFields, Message, MessageFlag, MessageType, new_method_call
from jeepney.auth import BEGIN, Authenticator
from jeepney.bus import get_bus
from jeepney.bus_messages import message_bus
from jeepney.low_level import calc_msg_size

_NAME = "org.freedesktop.secrets"
_INTERFACE = "org.freedesktop.Secret."
_SERVICE = DBusAddress("/org/freedesktop/secrets", _NAME, _INTERFACE + "Service")
_MOST = 2 * 1024 * 1024
"""The most bytes to read from the bus in total."""


class Unusual(Exception):
    """The service did not answer with exactly one item."""


def password(address: str, service: str, username: str, seconds: float) -> str:
    """Return the password of the only unlocked item with `service` and `username` in the default collection.

    `address` is the bus's, as in `DBUS_SESSION_BUS_ADDRESS`. Takes at most `seconds` in total. Raises Unusual, OSError
    (TimeoutError), and whatever jeepney raises for bytes that are not a message.
    """
    with _connected(address, monotonic() + seconds) as bus:
        attributes = {"service": service, "username": username}
        # The alias first, alone: gnome-keyring may abort at another first message (see `keyring_backends`).
        _, (path,) = bus.ask(message_bus.Hello(), new_method_call(_SERVICE, "ReadAlias", "s", ("default",)))
        collection = DBusAddress(path, _NAME, _INTERFACE + "Collection")
        session, found = bus.ask(
            new_method_call(_SERVICE, "OpenSession", "sv", ("plain", ("s", ""))),
            new_method_call(collection, "SearchItems", "a{ss}", (attributes,)),
        )
        (paths,) = found
        if len(paths) != 1:
            raise Unusual(f"{len(paths)} items")
        item = DBusAddress(paths[0], _NAME, _INTERFACE + "Item")
        ((secret,),) = bus.ask(new_method_call(item, "GetSecret", "o", (session[1],)))
        value: bytes = secret[2]
        return value.decode()


class _Bus:
    """A connection to a bus, usable until the time `end`."""

    def __init__(self, connection: socket.socket, end: float) -> None:
        self._socket = connection
        self._end = end
        self._left = _MOST
        self._buffer = b""
        self._unsent = b""
        self._serial = 0

    def authenticate(self) -> None:
        """Authenticate as the user that the kernel reports for the socket."""
        authenticator = Authenticator()
        for data in authenticator:
            self._send(data)
            authenticator.feed(self._receive())
        self._unsent = BEGIN

    def ask(self, *messages: Message) -> list[Any]:
        """Send method calls together, and return the bodies of their answers. Raises Unusual if one is an error."""
        calls, self._unsent = self._unsent, b""
        serials = []
        for message in messages:
            message.header.flags = MessageFlag.no_auto_start
            self._serial += 1
            serials.append(self._serial)
            calls += message.serialise(self._serial)
        self._send(calls)
        answers: dict[int, Any] = {}
        while len(answers) < len(serials):
            message = self._next()
            serial = message.header.fields.get(HeaderFields.reply_serial)
            if serial in serials:
                if message.header.message_type is not MessageType.method_return:
                    raise Unusual(message.header.fields.get(HeaderFields.error_name))
                answers[serial] = message.body
        return [answers[serial] for serial in serials]

    def _next(self) -> Message:
        size = 16  # the first bytes of a message determine its size
        while len(self._buffer) < size or len(self._buffer) < (size := calc_msg_size(self._buffer)):
            self._buffer += self._receive()
        content, self._buffer = self._buffer[:size], self._buffer[size:]
        head = size - int.from_bytes(content[4:8], "little" if content[:1] == b"l" else "big")
        # An array can hold endlessly many empty structures in no bytes, and jeepney would read them all.
        if b"()" in content[:head]:
            raise Unusual("an empty structure")
        signature = Header.from_buffer(content)[0].fields.get(HeaderFields.signature, "")
        if "v" in signature and b"()" in content[head:]:
            raise Unusual("a value that may be an empty structure")
        return Message.from_buffer(content)

    def _send(self, data: bytes) -> None:
        self._limit_time()
        self._socket.sendall(data)

    def _receive(self) -> bytes:
        self._limit_time()
        data = self._socket.recv(min(self._left, 65536))
        self._left -= len(data)
        if not data:
            raise Unusual("the end, or too much")
        return data

    def _limit_time(self) -> None:
        seconds = self._end - monotonic()
        if seconds <= 0:
            raise TimeoutError
        self._socket.settimeout(seconds)


@contextmanager
def _connected(address: str, end: float) -> Iterator[_Bus]:
    if sys.platform == "win32":
        raise AssertionError("Windows has no bus")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(end - monotonic())
        connection.connect(get_bus(address))
        bus = _Bus(connection, end)
        bus.authenticate()
        yield bus
