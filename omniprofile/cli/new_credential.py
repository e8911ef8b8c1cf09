"""Shared by the logins by key and by browser: how to log in, and how to check a new credential before it replaces another."""

from dataclasses import dataclass

from omniprofile.app import App
from omniprofile.cli.ask_instances import SECONDS
from omniprofile.cli.console import Console
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
from omniprofile.model.live_result import LiveResult
from omniprofile.model.names import printable
from omniprofile.model.stored import Account, StoredSecret

KEY_SECONDS = 30.0
"""How long to wait for a key on standard input without `--with-key`."""


@dataclass(frozen=True, slots=True)
class How:
    """How to log in.

    `with_key`: wait as long as needed for a key on standard input. `browser` and `port` are for the login by browser.
    `or_browser`: the caller falls back to the browser if no key is given.
    """

    test: bool = True
    browser: bool = True
    port: int | None = None
    timeout: float | None = None
    with_key: bool = False
    or_browser: bool = False

    @property
    def key_seconds(self) -> float:
        """How many seconds to wait for a key on standard input."""
        return self.timeout or (float("inf") if self.with_key else KEY_SECONDS)


def ask_for_identity(app: App, credential: Credential, expect: Identity) -> LiveResult:
    """Ask the instance for a credential's identity and compare it with `expect`. An error's hint says that nothing was stored."""
    from omniprofile.checks.live import Subject, check_live

    subject = Subject(credential.profile, lambda: credential, expect)
    (result,) = check_live([subject], timeout=SECONDS, jobs=1, environ=app.environment.environ)
    if result.error is not None:
        result.error.hint = f"nothing was stored; {result.error.hint}" if result.error.hint else "nothing was stored"
    return result


def tell_of_another_identity(app: App, console: Console, profile: str, new: StoredSecret) -> None:
    """Warn if a new credential replaces that of another identity, as far as both are known."""
    old = app.sessions.readable(Account(profile, new.origin))
    before, after = (secret and secret.identity for secret in (old, new))
    if before and after and (before.user, before.membership_id) != (after.user, after.membership_id):
        console.warn(
            f"this will replace the credential of another identity that is stored for `{profile}` ({new.origin}): "
            f"{_who(before)}, by that of {_who(after)}"
        )


def _who(identity: Identity) -> str:
    return f"user `{printable(identity.user or 'unknown', 64)}`" + (
        f", membership `{printable(identity.membership_id, 64)}`" if identity.membership_id else ""
    )
