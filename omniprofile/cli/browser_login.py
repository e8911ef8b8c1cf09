"""Logging in to an OAuth profile, as the person at the terminal sees it: where it is stored, the address, what came of it."""

import os
from collections.abc import Callable
from dataclasses import replace
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, TextIO

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.render.times import remaining
from omniprofile.model.declaration import Expect
from omniprofile.model.live import Identity, Status
from omniprofile.model.resolution import Resolution
from omniprofile.model.stored import StoredSecret

if TYPE_CHECKING:
    from omniprofile.instance.authorization import Person
    from omniprofile.instance.callback import Answer
    from omniprofile.instance.client import Client
    from omniprofile.instance.endpoints import Endpoints
    from omniprofile.model.origin import Origin

REVOKE_SECONDS = 5.0
SETTINGS = "Settings > API access"


def login_session(app: App, console: Console, resolution: Resolution, *, browser: bool, test: bool) -> None:
    """Have the person authorize omniprofile, check who that is, and store the session.

    The old session stays until the new one is stored, and is revoked then. What was granted and cannot be stored, or is
    somebody else's than the profile expects, is revoked.
    """
    from omniprofile.cli.commands.login import tell_of_another_identity
    from omniprofile.instance.authorization import LIMIT_SECONDS, authorized, find_endpoints
    from omniprofile.instance.callback import Page
    from omniprofile.instance.client import Client
    from omniprofile.instance.tokens import EXCHANGE_SECONDS, redeem

    origin, profile, passing = _origin(resolution), resolution.profile, app.outside.passing
    app.store.check()
    console.note(f"the session of `{profile}` ({origin}) will be stored in the {app.store.label}")
    screen = _Screen(app, console, origin, LIMIT_SECONDS, browser=browser)
    with Client(timeout=EXCHANGE_SECONDS, environ=app.outside.environ, connections=2) as client:
        endpoints = find_endpoints(client, origin)
        for notice in endpoints.notices:
            console.warn(notice)
        with authorized(origin, endpoints, screen.person(), account=profile, limit=LIMIT_SECONDS) as answer:
            passing("authorized")
            session = redeem(client, origin, endpoints, answer.attempt, answer.code, now=app.outside.now)
            passing("granted")
            try:
                if test:
                    session = replace(session, identity=_identify(app, console, resolution, session))
                who = _phrase(session.identity)
                tell_of_another_identity(app, console, profile, session)
                old = app.sessions.replace(profile, session)
            except BaseException:
                # What is stored already, and only Ctrl-C came after it, is a login like any other.
                stored = app.sessions.holds(profile, session)
                if not stored and (why := revoke_session(client, session, endpoints)):
                    console.warn(f"what the instance granted could not be revoked ({why}): {where(session)}")
                raise
            passing("stored")
            sentence = f"omniprofile is logged in to {origin.host} as profile {profile}{who}."
            answer.show(Page(True, "Logged in", sentence))
        console.note(f"logged in to {origin.host}{who}")
        if session.expires_at is not None and session.refresh_token is not None:
            console.note(
                f"stored; the access token {remaining(session.expires_at, app.outside.now())} and is refreshed ahead of that; "
                f"`omniprofile exec {profile} -- COMMAND` uses it"
            )
        if old is not None and old.is_session and old.token != session.token:
            why = not_to_be_asked(app, resolution, old)
            if why is None:
                why = revoke_session(client, old, endpoints)
            _tell_of_old(console, old, why)
            passing("old-revoked")


def revoke_session(client: "Client", session: StoredSecret, endpoints: "Endpoints | None") -> str | None:
    """Revoke both tokens of a session, the one that can make new ones first; None, or why it was not done.

    `endpoints` are those of its origin, None where they are still to be asked for. Bounded in time.
    """
    from omniprofile.instance.client import TransportError
    from omniprofile.instance.endpoints import discover
    from omniprofile.instance.tokens import revoke

    if endpoints is None:
        try:
            endpoints = discover(client, session.origin, timeout=REVOKE_SECONDS)
        except TransportError as problem:
            return str(problem)
    if endpoints.revocation is None:
        return f"{session.origin.host} names no place to revoke tokens at"
    first = revoke(client, session, endpoints.revocation, "refresh_token", timeout=REVOKE_SECONDS)
    second = revoke(client, session, endpoints.revocation, "access_token", timeout=REVOKE_SECONDS)
    return first or second


def not_to_be_asked(app: App, resolution: Resolution, session: StoredSecret) -> str | None:
    """Why the session's own origin must not be asked to revoke it, though the files allowed it once; None if it may be."""
    if session.origin == resolution.origin:
        return resolution.refusal.message if resolution.refusal is not None else None
    code = session.origin.refusal(app.config.settings.allowed_hosts, allow_insecure=session.origin.is_loopback)
    return f"{session.origin} may not have a credential any more, {code}" if code else None


def _tell_of_old(console: Console, old: StoredSecret, why: str | None) -> None:
    if why is None:
        console.note("the session that was stored before is revoked")
    else:
        console.note(f"the session that was stored before is replaced, but could not be revoked ({why}): {where(old)}")


def where(session: StoredSecret) -> str:
    """Where a person revokes what could not be revoked from here."""
    return f"revoke it in Omni, {session.origin}, {SETTINGS}"


def _identify(app: App, console: Console, resolution: Resolution, session: StoredSecret) -> Identity | None:
    """Ask whose the session is, and hold that against `expect`.

    Raises IdentityMismatch, CredentialRefused, or Unreachable where the profile expects somebody and nobody can tell. Without
    `expect`, an instance that cannot be asked just now is no reason to throw a login away.
    """
    from omniprofile.checks.live import Subject, check_live
    from omniprofile.cli.commands.test import SECONDS, error_of
    from omniprofile.model.credential import Credential

    credential = Credential(resolution.profile, session.origin, "oauth", session.token, session.expires_at)
    (result,) = check_live(
        [Subject(resolution.profile, lambda: credential, resolution.expect)],
        timeout=SECONDS,
        jobs=1,
        environ=app.outside.environ,
    )
    error = error_of(result)
    if error is not None and (result.status is Status.INVALID or resolution.expect != Expect()):
        error.hint = f"nothing was stored; {error.hint}" if error.hint else "nothing was stored"
        raise error
    if error is not None:
        console.warn(f"the session could not be tested: {error.message}")
        return None
    return result.identity


def _phrase(who: Identity | None) -> str:
    """Say who it is, in parentheses; nothing where nobody knows."""
    parts = [part for part in (who.org_role, who.user and f"user {who.user}") if part] if who else []
    return f" ({', '.join(parts)})" if parts else ""


class _Screen:
    """What the person sees while the login waits for them."""

    def __init__(self, app: App, console: Console, origin: "Origin", limit: float, *, browser: bool) -> None:
        self._app = app
        self._console = console
        self._origin = origin
        self._limit = f"{limit / 60:g} minutes"
        self._browser = browser
        self._opened: bool | None = None

    def person(self) -> "Person":
        """The callables that the flow talks through."""
        from omniprofile.instance.authorization import Person

        return Person(self._visit, self._app.tell, self._pasted_badly, lambda: self._opened)

    def _visit(self, address: str, queue: "Queue[Answer | str]") -> None:
        if self._browser:
            self._console.note(f"opening the browser to log in to {self._origin.host}; the login waits {self._limit}")
            Thread(target=self._open, args=(address, queue), name="omniprofile-browser", daemon=True).start()
        else:
            self._by_hand(address, queue)

    def _open(self, address: str, queue: "Queue[Answer | str]") -> None:
        """Open the browser. In a thread: what `BROWSER` names may stay in the foreground."""
        import webbrowser

        try:
            self._opened = webbrowser.open(address)
        except (webbrowser.Error, OSError, ValueError):
            self._opened = False
        if not self._opened:
            self._console.warn("the browser did not open")
            self._by_hand(address, queue)

    def _by_hand(self, address: str, queue: "Queue[Answer | str]") -> None:
        say = self._console.say
        say(f"Visit this address to log in, within {self._limit}:\n\n{address}\n")
        say(
            "If the browser cannot show the page it is sent to at the end (it runs on another machine, or `localhost` is not\n"
            "this one), copy that page's whole address, which begins with http://localhost:, and paste it here:"
        )
        stdin = self._app.outside.stdin
        if stdin is not None:
            Thread(target=read_lines, args=(stdin, queue.put), name="omniprofile-paste", daemon=True).start()

    def _pasted_badly(self, why: str) -> None:
        self._console.say(f"omniprofile: this is not the answer to this login: {why}; paste the whole address:")


def read_lines(stream: TextIO, put: Callable[[str], None]) -> None:
    """Pass each line of `stream` on until it ends.

    From its descriptor where it has one: a thread that waits in a buffered stream keeps the interpreter from ending.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        for line in stream:
            put(line)
        return
    rest = b""
    while True:
        try:
            part = os.read(descriptor, 4096)
        except OSError:  # the terminal is gone; the browser may still answer
            return
        *lines, rest = (rest + part).split(b"\n")
        if not part and rest:
            lines, rest = [rest], b""
        for pasted in lines:
            if pasted.strip():
                put(pasted.decode("utf-8", "replace"))
        if not part or len(rest) > 65536:
            return


def _origin(resolution: Resolution) -> "Origin":
    if resolution.origin is None:
        raise AssertionError("a resolution without an origin has a refusal")
    return resolution.origin
