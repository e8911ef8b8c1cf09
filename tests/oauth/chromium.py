"""A real browser, headless, driven through its own pipe (Chrome DevTools Protocol): tabs, clicks, screenshots."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.waiting import PATIENCE, wait_until

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-proxy-server",
    "--ignore-certificate-errors",  # the browser's trust; omniprofile's is tested elsewhere
    "--window-size=900,620",
)


class Refused(Exception):
    """What the browser was asked for cannot be had now."""


class Chromium:
    """A running browser with its own profile folder, as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 0
        self._rest = b""

    def __enter__(self) -> Self:
        assert PROGRAM is not None
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # bash, because the browser's two descriptors have fixed numbers.
        command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out} {theirs_in}<&- {theirs_out}>&-'
        flags = (*FLAGS, "--remote-debugging-pipe", f"--user-data-dir={self._folder}/data", "about:blank")
        with (self._folder / "chromium.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", command, "bash", PROGRAM, *flags],
                pass_fds=(theirs_in, theirs_out),
                env={"PATH": os.environ["PATH"], "HOME": str(self._folder)},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        os.close(theirs_in)
        os.close(theirs_out)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._out)  # which ends it
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Ask the browser for something, and wait for its answer."""
        self._next += 1
        message: dict[str, Any] = {"id": self._next, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                part = os.read(self._in, 1 << 20)
                assert part, (self._folder / "chromium.log").read_text(errors="replace")
                self._rest += part
            text, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(text)
            if answer.get("id") == self._next:
                if "error" in answer:
                    raise Refused(answer["error"])
                return dict(answer["result"])

    def open(self, address: str) -> "Tab":
        """Open an address in a new tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, target, session)
        self.call("Page.enable", session)
        self.call("Page.navigate", session, url=address)
        return tab


class Tab:
    """One tab."""

    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session

    def evaluate(self, script: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        return self._browser.call("Runtime.evaluate", self._session, expression=script, returnByValue=True)[
            "result"
        ].get("value")

    def wait_for(self, text: str) -> str:
        """Wait until the page shows `text`; return the page's text."""
        shown = ""

        def is_shown() -> bool:
            nonlocal shown
            try:
                shown = str(self.evaluate("document.body ? document.body.innerText : ''"))
            except Refused:  # between two pages
                return False
            return text in shown

        wait_until(is_shown, lambda: f"the page does not show {text!r} but {shown!r}")
        return shown

    def click(self, selector: str) -> None:
        """Click with the mouse on the middle of what the selector finds."""
        box = self.evaluate(
            f"(() => {{ const r = document.querySelector({selector!r}).getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._browser.call(
                "Input.dispatchMouseEvent", self._session, type=kind, x=box[0], y=box[1], button="left", clickCount=1
            )

    def screenshot(self, path: Path) -> None:
        """Save the tab's view as a PNG."""
        data = self._browser.call("Page.captureScreenshot", self._session, format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """Close the tab."""
        self._browser.call("Target.closeTarget", targetId=self._target)
