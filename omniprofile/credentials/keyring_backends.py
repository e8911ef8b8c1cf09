"""The backends that the keyring package offers: their names, their limits, which are safe. DOOR: keyring, secretstorage."""

from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from omniprofile.credentials.keyring_errors import class_names, translated
from omniprofile.credentials.light_keyring import SECRET_SERVICE, WINDOWS
from omniprofile.model.names import printable

if TYPE_CHECKING:
    import secretstorage
    from keyring.backend import KeyringBackend

UNOPENED = "OS keyring"
"""What the keyring is called before its backends are known."""
_OWN = "keyring.backends."
"""The package of keyring's own backends."""
_WINDOWS_LIMIT = 1280
"""The most characters in one entry on Windows: CRED_MAX_CREDENTIAL_BLOB_SIZE, 2560 bytes, as UTF-16."""
_CHAIN = "keyring.backends.chainer.ChainerBackend"
_NO_KEYRING = "keyring.backends.fail.Keyring"
_PLAIN_TEXT = frozenset(
    ("keyring.backends.null.Keyring", "keyrings.alt.file.PlaintextKeyring", "keyrings.alt.pyfs.PlaintextKeyring")
)


@dataclass(frozen=True, slots=True)
class Member:
    """A backend that the keyring package would use."""

    backend: "KeyringBackend"
    limit: int | None

    @property
    def kind(self) -> str:
        """Its qualified class name, which the index records."""
        return class_names(self.backend)[0]

    @property
    def name(self) -> str:
        """Such as "OS keyring (SecretService Keyring)", from the class: a backend's own `name` could be anything."""
        return backend_label(self.kind)

    @property
    def is_plain(self) -> bool:
        """Whether it stores secrets in plain text or not at all, or wraps a backend that does."""
        wrapped = getattr(self.backend, "__dict__", {}).get("_keyring")  # keyrings.alt.multi.MultipartKeyringWrapper
        return not _PLAIN_TEXT.isdisjoint(class_names(self.backend) + class_names(wrapped))

    @property
    def is_own(self) -> bool:
        """Whether it is keyring's own, and can store anything. Others may serve only some keys."""
        return self.kind.startswith(_OWN)


def load_members(limit: int | None) -> list[Member]:
    """Return the backends that the keyring package would use, in its order. Raises StoreUnavailable.

    `limit` is the most characters that an entry holds; None means the backend's known limit.
    """
    found = []
    for backend in translated(UNOPENED, "load", _backends):
        kinds = class_names(backend)
        windows = any(kind.startswith(WINDOWS) for kind in kinds)
        if _NO_KEYRING not in kinds:
            found.append(Member(backend, limit or (_WINDOWS_LIMIT if windows else None)))
    return found


def _backends() -> "list[KeyringBackend]":
    """Return the backend that the keyring package chooses, or the members of its chain."""
    import keyring

    backend: Any = keyring.get_keyring()
    backends = list(backend.backends) if _CHAIN in class_names(backend) else [backend]
    for at, one in enumerate(backends):
        if class_names(one)[0] == SECRET_SERVICE:
            backends[at] = copy(one)  # ours alone: the program may use keyring, too
            backends[at].get_preferred_collection = partial(_collection, getattr(one, "preferred_collection", None))
    return backends


def _collection(path: str | None) -> "secretstorage.Collection":
    """Open the collection at `path`, or the default one, in an order of messages that gnome-keyring survives.

    gnome-keyring (42 to 50, at least) prepares for a new client in an idle callback, which can run after the callback for the
    client's first message. If that message reads a property, as the first one of keyring's own method does, GLib then aborts the
    daemon, and every client's next call fails (`InitError`). `ReadAlias` is safe as the first message: it only answers "/". It
    also gives the collection's own path. Messages to the alias's path are sometimes lost while other clients connect, because
    gnome-keyring looks the alias up in one thread while it replaces it in another.
    """
    import secretstorage

    bus = secretstorage.dbus_init()
    try:
        try:
            collection: secretstorage.Collection | None = secretstorage.get_collection_by_alias(bus, "default")
        except secretstorage.ItemNotFoundException:
            collection = None
        if path:
            collection = secretstorage.Collection(bus, path)
        elif collection is None:
            collection = secretstorage.get_default_collection(bus)  # asks the user to create it
        if collection.is_locked():
            collection.unlock()
            collection.ensure_not_locked()
    except BaseException:
        bus.close()
        raise
    return collection


def backend_label(kind: str) -> str:
    """Return `OS keyring (SecretService Keyring)` for a backend's qualified class name."""
    module, _, name = kind.rpartition(".")
    return f"{UNOPENED} ({printable(module.rpartition('.')[2] + ' ' + name)})"
