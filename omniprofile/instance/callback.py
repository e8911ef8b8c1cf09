"""The loopback listener at which the browser starts and ends the login (RFC 8252, section 7.3), and the page it shows.

Listens on 127.0.0.1 and, if the machine has IPv6, on ::1, with the same port, because `localhost` may mean either.

`/start/NONCE` redirects to the instance, once and only for a program of the same user; the browser's command line, which
everyone can read, contains nothing else. Opening it again before the callback ends the login. The listener takes the first
valid callback of this login, and sends the page when the login has ended. A repeated callback gets the same page, since
browsers prefetch what they show later. All other requests are refused without ending the login: other paths or methods, a
foreign Host (DNS rebinding), another login's state.
"""

import asyncio
import hmac
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from secrets import token_urlsafe
from time import monotonic, sleep
from typing import Self

from omniprofile.errors import Error, LoginFailed
from omniprofile.instance.authorization_response import Callback, read_callback
from omniprofile.instance.callback_http import Page, Reply, answer
from omniprofile.instance.oauth_requests import CALLBACK_PATH, AuthorizationRequest
from omniprofile.instance.responses import InvalidResponse
from omniprofile.model.names import printable
from omniprofile.system.loopback import LoopbackServer

_LONGEST_TARGET = 8192
_PAGE_SECONDS = 90.0
"""How long a browser waits for the result page."""
_REPEAT_SECONDS = 5.0
"""How long a repeat of the callback still gets the page."""


@dataclass(eq=False, repr=False)
class Listener:
    """The callback listener, as a context manager.

    Passes the callback, or an error that ends the login, to `put`, and a sentence for each kind of refused request to `notify`.
    `port` 0 takes any free one; `uid` is the user whose browser may start the login, None on systems without user ids.
    `rejected` counts the refused requests, `rejected_callbacks` those of them that were callbacks of another login.
    """

    put: Callable[[Callback | Error], None]
    notify: Callable[[str], None]
    port: int = 0
    uid: int | None = None
    rejected: int = 0
    rejected_callbacks: int = 0
    _kinds_told: set[str] = field(default_factory=set)
    _start_path: str = field(default_factory=lambda: f"/start/{token_urlsafe(24)}")
    _authorization_url: str = ""
    _started: bool = False
    _taken_query: str | None = None
    """The query of the accepted callback."""
    _repeats_until: float = 0.0
    _page: Future[Page] = field(default_factory=Future)

    def __enter__(self) -> Self:
        """Start listening. Raises OperationFailed."""
        self._server = LoopbackServer(self.port, "the login")
        self.hosts = self._server.hosts
        self.request = AuthorizationRequest(f"http://localhost:{self._server.port}{CALLBACK_PATH}")
        self._server.start(lambda: nullcontext(partial(answer, respond=self.respond)), gone_seconds=_PAGE_SECONDS)
        return self

    def __exit__(self, kind: object, problem: BaseException | None, traceback: object) -> None:
        """Show a browser still waiting that the login ended, answer repeats of the callback, and stop listening."""
        self.show(Page(False, "Not logged in", "The login ended before it was complete.", "Look at your terminal."))
        if problem is None or isinstance(problem, Error):
            with suppress(KeyboardInterrupt):  # Ctrl-C only ends the wait: the login is over
                sleep(max(0.0, self._repeats_until - monotonic()))
        self._server.close(grace=2.0)
        if self.rejected > len(self._kinds_told):
            self.notify(f"{self.rejected} requests that did not belong to this login were refused")

    def start_at(self, authorization_url: str) -> str:
        """Return the one-time URL that redirects the browser to `authorization_url`."""
        self._authorization_url = authorization_url
        return f"{self._server.base_url}{self._start_path}"

    def show(self, page: Page) -> None:
        """Show `page` in the browser, unless a page has already been set."""
        if not self._page.done():
            self._page.set_result(page)

    async def respond(
        self, method: str, target: str, fields: Mapping[str, str], is_same_user: Callable[[int | None], bool]
    ) -> Reply:
        """Return the response to one request."""
        host = fields.get("host", "none")
        if host.lower() not in self.hosts:
            self._reject("host", f"a request for another host was refused (`{printable(host, 60)}`)")
            return Reply(421, Page(False, "Not here", "This address answers to localhost alone.", ""))
        if len(target) > _LONGEST_TARGET:
            self._reject("length", "a request with an address that is too long was refused")
            return Reply(414, Page(False, "Too long", "The address is too long.", ""))
        path, _, query = target.partition("?")
        is_start = hmac.compare_digest(path.encode(), self._start_path.encode())
        if path != CALLBACK_PATH and not is_start:
            if path != "/favicon.ico":
                shown = "/start/…" if path.startswith("/start/") else printable(path, 60)
                self._reject("path", f"a request for another path was refused (`{shown}`)")
            return Reply(404, Page(False, "Nothing here", "Page not found.", ""))
        if method != "GET":
            self._reject("method", f"a request with another method was refused (`{printable(method, 20)}`)")
            return Reply(405, Page(False, "Not so", "A login is made by GET.", ""), {"Allow": "GET"})
        if is_start:
            return self._start(is_same_user)
        # Browsers send these fields: a navigation is shown to the user, a prefetch is not.
        navigates = fields.get("sec-fetch-mode") == "navigate" and not {"sec-purpose", "purpose"} & fields.keys()
        return await self._call_back(query, navigates=navigates)

    def _start(self, is_same_user: Callable[[int | None], bool]) -> Reply:
        if not is_same_user(self.uid):
            self._reject("user", "a program of another user asked where this login goes, and was refused")
            return Reply(403, Page(False, "Not yours", "This login belongs to another user of this machine.", ""))
        again, self._started = self._started, True
        if not again:
            page = Page(True, "Log in", "Your browser goes on to the login page.", "")
            return Reply(303, page, {"Location": self._authorization_url})
        if self._taken_query is None:
            self.put(
                LoginFailed(
                    "the one-time address of this login was opened a second time",
                    hint="run the login again; if it happens again, another program reads what the browser is told to open: "
                    "visit the address yourself, with `--no-browser`",
                )
            )
        return Reply(410, Page(False, "Used already", "This address works once.", "Look at your terminal."))

    async def _call_back(self, query: str, *, navigates: bool) -> Reply:
        try:
            callback = read_callback(query, self.request)
        except InvalidResponse as problem:
            self.rejected_callbacks += 1
            self._reject(str(problem), f"a request that does not belong to this login was refused: {problem}")
            sentence = "This page belongs to another login, or to none: an old tab, or a copy of an address."
            return Reply(400, Page(False, "Not this login", sentence, "Go back to the tab that your terminal opened."))
        if self._taken_query is None:
            self._taken_query = query
            if not navigates:  # a browser does not repeat a navigation
                self._repeats_until = monotonic() + _REPEAT_SECONDS
            self.put(callback)
        elif query != self._taken_query:
            self._reject("second", "a second answer to this login was refused")
            return Reply(409, Page(False, "Answered already", "This login has its answer.", "Look at your terminal."))
        try:
            # Shielded: if one browser disconnects while waiting, others must still get the page.
            page = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._page)), _PAGE_SECONDS)
        except TimeoutError:
            page = Page(False, "No answer", "The terminal did not say how the login ended.", "Look there.")
        return Reply(200 if page.good else 400, page)

    def _reject(self, kind: str, sentence: str) -> None:
        """Count a refused request; notify only about the first of each kind, since there may be thousands."""
        self.rejected += 1
        if kind not in self._kinds_told:
            self._kinds_told.add(kind)
            self.notify(sentence)
