"""The errors of the OS keyring. They name the class of a backend's exception, never its text, which may contain a secret."""

import sys
from collections.abc import Callable
from typing import TypeVar

from omniprofile.credentials.light_keyring import SERVICE
from omniprofile.errors import StoreLocked, StoreTimeout, StoreUnavailable
from omniprofile.model.names import printable
from omniprofile.model.shell_words import assignment

T = TypeVar("T")

FILE_STORE = f"run `{assignment('OMNIPROFILE_SECRET_STORE', 'file')}` to keep secrets in a file of mode 0600 instead"
_LOCKED = frozenset(
    (
        "keyring.errors.KeyringLocked",
        "secretstorage.exceptions.LockedException",
        "secretstorage.exceptions.PromptDismissedException",
    )
)
_ABSENT = "keyring.errors.NoKeyringError"


def translated(name: str, verb: str, work: Callable[[], T]) -> T:
    """Do `work`, which asks the keyring called `name` to `verb`, and turn its errors into StoreLocked or StoreUnavailable."""
    try:
        return work()
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # noqa: BLE001 - a backend may raise anything, SystemExit too; its text may hold a secret
        kinds = set(class_names(problem))
        kind = type(problem).__name__
    # Raised outside `except`, so that no traceback holds the backend's own exception.
    if kinds & _LOCKED:
        raise StoreLocked(
            f"the {name} is locked", hint="unlock it, or answer when it asks for its password; then try again"
        )
    if _ABSENT in kinds:
        raise no_keyring()
    raise StoreUnavailable(
        f"the {name} failed to {verb} (`{printable(kind)}`)",
        hint=f"check whether `keyring get {SERVICE} NAME@URL` works, or {FILE_STORE}",
    )


def no_keyring() -> StoreUnavailable:
    """Return the error for a machine without a keyring."""
    if sys.platform == "linux":
        how = "start a Secret Service (gnome-keyring, KWallet or KeePassXC) in a D-Bus session"
    else:
        how = "unlock or enable the system's keyring"
    return StoreUnavailable("no usable OS keyring was found", hint=f"{how}, or {FILE_STORE}")


def timed_out(name: str, what: str) -> StoreTimeout:
    """Return the error for a keyring that took too long."""
    return StoreTimeout(f"the {name} {what}", hint=f"check whether it asks for a password in a window, or {FILE_STORE}")


def class_names(value: object) -> list[str]:
    """Return the full names of the value's class and of its bases."""
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in type(value).__mro__]
