"""Bad callbacks on the real listener of a login that waits: each refused, and the login goes on or ends as it should."""

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.oauth.conftest import Login

WAITING = (
    "print(__import__('sys').argv[1], file=open({path!r}, 'w')); import os; os.rename({path!r}, {path!r} + '.whole')"
)


class Waiting:
    """A login in a process of its own that waits for the browser, and what the browser was told to open."""

    def __init__(self, login: Login, folder: Path, *argv: str) -> None:
        from tests.oauth.conftest import make_browser

        path = folder / "opened"
        browser = make_browser(folder / "waiting-browser", WAITING.format(path=str(path)))
        self.process = login.start("login", "prod", *argv, BROWSER=browser)
        end = time.monotonic() + 30
        while not (whole := Path(f"{path}.whole")).exists():
            assert time.monotonic() < end, "no browser was opened"
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)
        self.address = whole.read_text().strip()
        query = parse_qs(urlsplit(self.address).query)
        self.state = query["state"][0]
        self.port = int(urlsplit(query["redirect_uri"][0]).port or 0)

    def request(
        self, target: str, *, method: str = "GET", host: str | None = None, address: str = "127.0.0.1"
    ) -> tuple[int, dict[str, str], str]:
        """Send one request to the listener; its status, header fields and body."""
        connection = HTTPConnection(address, self.port, timeout=20)
        try:
            connection.request(method, target, headers={"Host": host or f"localhost:{self.port}"})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def callback(self, **fields: str) -> tuple[int, dict[str, str], str]:
        """Come back with these fields, and this login's state unless they say another."""
        return self.request("/callback?" + urlencode({"state": self.state, **fields}))

    def authorize(self) -> str:
        """Click Authorize; the target that the browser is sent back to."""
        parts = urlsplit(self.address)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        connection.request("GET", f"{parts.path}?{parts.query}")
        location = connection.getresponse().getheader("Location") or ""
        connection.close()
        back = urlsplit(location)
        return f"{back.path}?{back.query}"

    def end(self, timeout: float = 30) -> tuple[int, str]:
        """Wait for the process; its status and its stderr, which holds no state."""
        _, err = self.process.communicate(timeout=timeout)
        assert self.state not in err
        assert "Traceback" not in err
        return self.process.returncode, err


@pytest.fixture
def waiting(login: Login, tmp_path: Path) -> Iterator[Waiting]:
    """A login that waits."""
    found = Waiting(login, tmp_path)
    yield found
    found.process.kill()
    found.process.communicate()


def test_bad_callbacks_are_refused_and_the_login_goes_on(waiting: Waiting, login: Login) -> None:
    good = waiting.authorize()
    code = parse_qs(urlsplit(good).query)["code"][0]
    bad = [
        (waiting.request("/callback"), 400, "it has no state"),
        (waiting.request(f"/callback?code={code}"), 400, None),
        (waiting.callback(state="another", code=code), 400, "its state is another login's"),
        (waiting.request(f"/callback?state=other&error=access_denied&error_description={'<script>'}"), 400, None),
        (waiting.request(f"{good}&state=again"), 400, "it says something twice"),
        (waiting.request("/callback?" + "&".join(f"a{n}=1" for n in range(200))), 400, "it has too many fields"),
        (waiting.request("/callback?" + "x" * 20_000), 414, "an address that is too long"),
        (waiting.request("/callback?" + "x" * 70_000), 414, None),
        (waiting.request("/"), 404, "another path was refused (`/`)"),
        (waiting.request("/callback/../x\x1b[31m".replace("\x1b", "%1b")), 404, "another path"),
        (waiting.request("/favicon.ico"), 404, None),
        (waiting.request(good, method="POST"), 405, "another method was refused (`POST`)"),
        (waiting.request(good, method="HEAD"), 405, None),
        (waiting.request(good, method="OPTIONS"), 405, None),
        (waiting.request(good, method="BREW"), 501, None),
        (waiting.request(good, host="evil.example"), 421, "another host was refused (`evil.example`)"),
        (waiting.request(good, host=f"localhost.evil.example:{waiting.port}"), 421, None),
        (waiting.request(good, host="localhost:1"), 421, None),
    ]
    for (status, headers, body), expected, _ in bad:
        assert status == expected, body
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "<script>" not in body
        assert code not in body
    status, _, body = waiting.request(good, address="127.0.0.1")
    assert status == 200
    assert "Logged in" in body
    ended, err = waiting.end()
    assert ended == 0, err
    for _, _, sentence in bad:
        assert sentence is None or sentence in err, f"{sentence} is not in\n{err}"
    assert code not in err
    assert "favicon" not in err
    assert login.omni.oauth.grants == [("authorization_code", "granted")]
    with pytest.raises(ConnectionRefusedError):
        waiting.request(good)  # one request is answered, then it is closed


def test_the_page_is_plain_html_that_holds_nothing_from_elsewhere(waiting: Waiting) -> None:
    status, headers, body = waiting.callback(error="odd", error_description='<img src=x onerror="alert(1)">&\'')
    assert status == 400
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "<img" not in body
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#x27;" in body
    assert re.findall(r"""(?:src|href|action)\s*=|https?:|@import|url\(|<script""", body.partition("<body>")[0]) == []
    assert '<html lang="en">' in body
    assert "<h1>" in body
    ended, err = waiting.end()
    assert ended == 8
    assert "refuses the login (`odd`: <img" in err


def test_a_denial_ends_the_login_with_its_reason(waiting: Waiting, login: Login) -> None:
    status, _, body = waiting.callback(error="access_denied", error_description="The user denied the request")
    assert status == 400
    assert "Not logged in" in body
    ended, err = waiting.end()
    assert ended == 4
    assert "the login was denied in the browser (`access_denied`: The user denied the request)" in err
    assert "Personal tokens" in err
    assert login.secrets() == ""


def test_no_code_and_the_right_state_ends_the_login(waiting: Waiting) -> None:
    assert waiting.callback(code="")[0] == 400
    ended, err = waiting.end()
    assert ended == 4
    assert "without a code" in err


def test_a_code_that_the_instance_does_not_take_ends_the_login(waiting: Waiting) -> None:
    status, _, body = waiting.callback(code="guessed")
    assert status == 400
    assert "Not logged in" in body
    ended, err = waiting.end()
    assert ended == 8
    assert "does not take the answer of the browser (`invalid_grant`)" in err


def test_both_loopback_addresses_are_listened_on(waiting: Waiting) -> None:
    assert waiting.request("/x")[0] == 404
    if socket.has_ipv6 and _has_ipv6_loopback():
        assert waiting.request("/x", address="::1", host=f"[::1]:{waiting.port}")[0] == 404
    assert waiting.request(waiting.authorize(), host=f"127.0.0.1:{waiting.port}")[0] == 200
    assert waiting.end()[0] == 0


def _has_ipv6_loopback() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_connections_that_say_nothing_do_not_hold_the_login(waiting: Waiting) -> None:
    silent = [socket.create_connection(("127.0.0.1", waiting.port)) for _ in range(20)]
    silent[0].sendall(b"GET /callback?")
    silent[1].sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # a browser that tries https first
    assert waiting.request(waiting.authorize())[0] == 200
    assert waiting.end(timeout=20)[0] == 0
    for connection in silent:
        connection.close()


def test_ctrl_c_is_exit_130_and_nothing_is_left(waiting: Waiting, login: Login) -> None:
    waiting.process.send_signal(signal.SIGINT)
    ended, err = waiting.end(timeout=10)
    assert ended == 130
    assert "interrupted" in err
    with pytest.raises(ConnectionRefusedError):
        waiting.request("/")
    assert login.secrets() == ""


def test_ctrl_c_tells_a_browser_that_waits(login: Login, tmp_path: Path) -> None:
    login.omni.oauth.latency = 3
    waiting = Waiting(login, tmp_path)
    with socket.create_connection(("127.0.0.1", waiting.port)) as browser:
        target = waiting.authorize()
        browser.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost:{waiting.port}\r\n\r\n".encode())
        time.sleep(0.5)
        waiting.process.send_signal(signal.SIGINT)
        page = b""
        while part := browser.recv(65536):
            page += part
    assert b"Not logged in" in page
    assert waiting.end(timeout=10)[0] == 130


def test_the_limit_ends_the_login_with_a_clear_error(login: Login, tmp_path: Path) -> None:
    driver = """
        import sys
        from omniprofile.instance import authorization
        authorization.LIMIT_SECONDS = 1.5
        from omniprofile.cli.main import run
        sys.exit(run())
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(driver), "login", "prod"],
        env={**os.environ, **login.environ, "BROWSER": "true"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 4
    assert "nobody answered the login of `prod` within 1.5 s" in ran.stderr
    assert "Personal tokens" in ran.stderr
    assert "--no-browser" in ran.stderr
