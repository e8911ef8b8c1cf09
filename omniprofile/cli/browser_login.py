"""A whole OAuth login, as the user sees it: where the session will be stored, the browser, the code for tokens, the result."""

from collections.abc import Callable
from dataclasses import replace

from omniprofile.app import App
from omniprofile.cli.browser import Browser, find_browser
from omniprofile.cli.console import Console
from omniprofile.cli.new_credential import How, ask_for_identity, tell_of_another_identity
from omniprofile.cli.render.times import remaining
from omniprofile.cli.revocation import revoke_session, revoke_stored
from omniprofile.cli.standard_input import is_at_its_end, read_lines
from omniprofile.errors import Error, LoginFailed, OperationFailed
from omniprofile.instance.authorization import LIMIT_SECONDS, authorized, find_endpoints
from omniprofile.instance.callback_http import Page
from omniprofile.instance.client import Client
from omniprofile.instance.token_endpoint import EXCHANGE_SECONDS, redeem
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
from omniprofile.model.live_result import Status
from omniprofile.model.resolution import Resolution
from omniprofile.model.stored import StoredSecret, by_hand
from omniprofile.model.times import duration_text
from omniprofile.system.threads import start as start_thread


def login_session(app: App, console: Console, resolution: Resolution, how: How) -> None:
    """Have the user authorize omniprofile, check the identity, and store the session.

    The old session stays until the new one is stored, and is then revoked. A new session is revoked if it cannot be stored or has
    another identity than the profile expects.
    """
    origin, profile, checkpoint = resolution.allowed_origin(), resolution.profile, app.environment.checkpoint
    seconds = LIMIT_SECONDS if how.timeout is None else how.timeout
    screen = _Screen(app, console, resolution, seconds, how)
    app.store.check()
    console.note(f"the session of `{profile}` ({origin}) will be stored in the {app.store.label}")
    with Client(timeout=EXCHANGE_SECONDS, environ=app.environment.environ) as client:
        endpoints = find_endpoints(client, origin)
        for notice in endpoints.notices:
            console.warn(notice)
        uid = app.environment.uid
        with authorized(
            origin, endpoints, screen, account=profile, limit=seconds, port=how.port or 0, uid=uid
        ) as answer:
            checkpoint("authorized")
            session = redeem(client, origin, endpoints, answer.request, answer.code, now=app.environment.now)
            checkpoint("granted")
            try:
                if how.test:
                    session = replace(session, identity=_identify(app, console, resolution, session))
                person = session.identity
                known = [person.org_role, person.user and f"user {person.user}"] if person else []
                who = f" ({', '.join(filter(None, known))})" if any(known) else ""
                tell_of_another_identity(app, console, profile, session)
                old = app.sessions.replace(profile, session)
            except BaseException:
                # If the session is already stored (only Ctrl-C came after that), keep it.
                stored = app.sessions.holds(profile, session)
                if not stored and (why := revoke_session(client, session, endpoints)):
                    console.warn(f"the new session could not be revoked ({why}): {by_hand(session.origin)}")
                raise
            checkpoint("stored")
            sentence = f"omniprofile is logged in to {origin.host} as profile {profile}{who}."
            answer.show(Page(True, "Logged in", sentence))
            console.note(f"logged in to {origin.host}{who}")
            if session.expires_at is not None and session.refresh_token is not None:
                console.note(
                    f"stored; the access token {remaining(session.expires_at, app.environment.now())} and is refreshed before "
                    f"then; `omniprofile exec {profile} -- COMMAND` uses it"
                )
            if old is not None and old.is_session and old.token != session.token:
                why = revoke_stored(app, resolution, old, client, endpoints)
                if why is None:
                    console.note("the previous session was revoked")
                else:
                    console.note(
                        f"the previous session was replaced, but could not be revoked ({why}): {by_hand(old.origin)}"
                    )
                checkpoint("old-revoked")


def _identify(app: App, console: Console, resolution: Resolution, session: StoredSecret) -> Identity | None:
    """Return the session's identity, after checking it against `expect`.

    Raises IdentityMismatch, CredentialRefused, and, if the profile has an `expect`, Unreachable. Without `expect`, an instance
    that does not answer now only causes a warning: the login is kept.
    """
    credential = Credential(resolution.profile, session.origin, "oauth", session.token, session.expires_at)
    result = ask_for_identity(app, credential, resolution.expect)
    if result.error is None:
        return result.identity
    if result.status is Status.INVALID or resolution.expect != Identity():
        raise result.error
    console.warn(f"the session could not be tested: {result.error.message}")
    return None


class _Screen:
    """The `LoginUI` of the terminal.

    Raises LoginFailed if no browser can be opened and no answer can be pasted.
    """

    def __init__(self, app: App, console: Console, resolution: Resolution, limit: float, how: How) -> None:
        self._app = app
        self._console = console
        self._profile = resolution.profile
        self._origin = resolution.allowed_origin()
        self._limit = duration_text(limit)
        self._browser: Browser | None = None
        if how.browser:
            try:
                self._browser = find_browser(resolution, app.environment.environ, on_terminal=console.interactive)
            except OperationFailed as problem:
                console.warn(f"{problem.message}; {problem.hint}")
        stdin = app.environment.stdin
        # Without `--no-browser`, an input that is not a terminal is not expected to carry an answer.
        self._input = stdin if (console.interactive or not how.browser) and not is_at_its_end(stdin) else None
        # A user who fixes the port has made it reachable for a browser.
        self._callback_is_expected = how.port is not None
        self.browser_opened: bool | None = None
        if self._browser is None and self._input is None and not self._callback_is_expected:
            raise self._nobody()

    def open_url(self, start: str, address: str, put: Callable[[str | Error], None]) -> None:
        """Show `address`, open `start` in the browser, and read pasted answers."""
        host, browser, stdin = self._origin.host, self._browser, self._input
        self._console.say(f"Visit this address to log in to {host}, within {self._limit}:\n\n{address}\n")
        if stdin is not None:
            self._console.say(
                "If the browser cannot show the page it is sent to at the end (it runs on another machine, or `localhost` is\n"
                "not this one), copy that page's whole address, which begins with http://localhost:, and paste it here:"
            )
        if browser is None:
            self.browser_opened = False
            self._take_pasted(put)
            return
        self._console.note(f"opening the browser to log in to {host}; the login waits {self._limit}")

        def open_it() -> None:
            # In a thread, since the program of `BROWSER` may stay in the foreground.
            try:
                self.browser_opened = browser(start)
            except (OSError, ValueError):
                self.browser_opened = False
            if not self.browser_opened:
                self._console.warn("the browser did not open")
                if self._input is None and not self._callback_is_expected:
                    put(self._nobody())
            if browser.shares_terminal:
                self._take_pasted(put)

        start_thread(open_it)
        if not browser.shares_terminal:
            self._take_pasted(put)

    def _take_pasted(self, put: Callable[[str | Error], None]) -> None:
        stdin = self._input
        if stdin is None:
            return

        def read() -> None:
            read_lines(stdin, put)
            self._input = None
            if self.browser_opened is False and not self._callback_is_expected:
                put(self._nobody())

        start_thread(read)

    def _nobody(self) -> LoginFailed:
        return LoginFailed(
            f"nobody can answer the login of `{self._profile}`: no browser can be opened, and nothing can be pasted here",
            hint=f"have a person run `omniprofile login {self._profile}` in a terminal; where a browser reaches this machine's "
            "loopback (`ssh -L`), add `--port N`",
        )

    def notify(self, sentence: str) -> None:
        """Print what happened."""
        self._app.tell(sentence)

    def pasted_badly(self, why: str) -> None:
        """Print why a pasted line is not an answer."""
        self._console.say(f"omniprofile: this is not the answer to this login: {why}; paste the whole address:")
