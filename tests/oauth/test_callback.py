"""Invalid callbacks on the real listener of a waiting login: each is refused, and the login continues or ends correctly."""

import os
import re
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests import warm
from tests.oauth.conftest import Login, led_to
from tests.programs import changed, run_program
from tests.sockets import listening
from tests.waiting import FOR_EVER, PATIENCE, wait_until

WAITING = (
    "print(__import__('sys').argv[1], file=open({path!r}, 'w')); import os; os.rename({path!r}, {path!r} + '.whole')"
)


class Waiting:
    """A login process that waits for the browser, and the address that the browser was given."""

    def __init__(
        self,
        login: Login,
        folder: Path,
        *argv: str,
        visit: bool = True,
        prefix: Sequence[str] = (),
        program: Sequence[str] = warm.PROGRAM,
    ) -> None:
        from tests.oauth.conftest import make_browser

        path = folder / "opened"
        browser = make_browser(folder / "waiting-browser", WAITING.format(path=str(path)))
        self.process = login.start("login", "prod", *argv, prefix=prefix, program=program, BROWSER=browser)
        whole = Path(f"{path}.whole")
        wait_until(lambda: whole.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()
        self.start = whole.read_text().strip()
        self.port = int(urlsplit(self.start).port or 0)
        self.sockets = wait_until(lambda: listening(self.process.pid))
        self.address = self.state = ""
        if not visit:
            return
        self.address = led_to(self.start)
        query = parse_qs(urlsplit(self.address).query)
        self.state = query["state"][0]
        assert urlsplit(query["redirect_uri"][0]).port == self.port

    def request(
        self, target: str, *, method: str = "GET", host: str | None = None, address: str = "127.0.0.1"
    ) -> tuple[int, dict[str, str], str]:
        """Send one request to the listener; return status, header fields and body."""
        connection = HTTPConnection(address, self.port, timeout=PATIENCE)
        try:
            connection.request(method, target, headers={"Host": host or f"localhost:{self.port}"})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def callback(self, **fields: str) -> tuple[int, dict[str, str], str]:
        """Send a callback with these fields, and this login's state unless they have another."""
        return self.request("/callback?" + urlencode({"state": self.state, **fields}))

    def authorize(self) -> str:
        """Click Authorize; return the target that the browser is redirected to."""
        parts = urlsplit(self.address)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        connection.request("GET", f"{parts.path}?{parts.query}")
        location = connection.getresponse().getheader("Location") or ""
        connection.close()
        back = urlsplit(location)
        return f"{back.path}?{back.query}"

    def end(self) -> tuple[int, str]:
        """Wait for the process; return its status and its stderr, which must not contain the state."""
        _, err = self.process.communicate(timeout=PATIENCE)
        shown = [line for line in err.splitlines() if "/oauth/authorize?" in line]
        assert shown == [self.address], "the address is shown, once"
        assert self.state not in err.replace(self.address, "")
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
        (waiting.request(good, method="BREW"), 405, None),
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
    assert re.search(r"1\d requests that did not belong to this login were refused", err)
    assert code not in err
    assert "favicon" not in err
    assert login.omni.oauth.grants == [("authorization_code", "granted")]
    assert not waiting.sockets & listening(), "one request is answered, then it is closed"


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


OTHERS = [
    "https://evil.example",
    "http://127.0.0.1:1",
    "",
    "{own}/tenant",
    "{own}@evil.example",
    "{own}\x1b[31m",
    "x" * 5000,
]


@pytest.mark.parametrize("issuer", OTHERS)
@pytest.mark.parametrize("field", ["code", "error"])
def test_an_answer_of_another_server_is_refused(waiting: Waiting, login: Login, issuer: str, field: str) -> None:
    """RFC 9207: the instance sent the browser to another one, whose code would go to the wrong server."""
    good = parse_qs(urlsplit(waiting.authorize()).query)["code"][0]
    status, _, _ = waiting.callback(iss=issuer.replace("{own}", login.omni.base_url), **{field: good})
    assert status == 400
    ended, err = waiting.end()
    assert ended == 6
    assert f"not by {login.omni.base_url}" in err
    assert all(char.isprintable() or char == "\n" for char in err)
    assert login.omni.oauth.grants == [], "nobody got the code"
    assert login.secrets() == ""


@pytest.mark.parametrize("end", ["", "/"])
def test_an_instance_may_name_itself(waiting: Waiting, login: Login, end: str) -> None:
    good = parse_qs(urlsplit(waiting.authorize()).query)["code"][0]
    assert waiting.callback(code=good, iss=login.omni.base_url + end)[0] == 200
    assert waiting.end()[0] == 0


def test_an_instance_that_says_to_name_itself_must(login: Login, tmp_path: Path) -> None:
    login.omni.oauth.names_issuer = True
    waiting = Waiting(login, tmp_path)
    query = parse_qs(urlsplit(waiting.authorize()).query)
    assert query["iss"] == [login.omni.base_url]
    assert waiting.callback(code=query["code"][0])[0] == 400
    ended, err = waiting.end()
    assert ended == 6
    assert "sent back by an unnamed server" in err
    assert login.log_in().returncode == 0


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
    assert "rejected the browser's answer (`invalid_grant`)" in err


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
    assert waiting.end()[0] == 0
    for connection in silent:
        connection.close()


def test_ctrl_c_is_exit_130_and_nothing_is_left(waiting: Waiting, login: Login) -> None:
    waiting.process.send_signal(signal.SIGINT)
    ended, err = waiting.end()
    assert ended == 130
    assert "interrupted" in err
    assert not waiting.sockets & listening()
    assert login.secrets() == ""


def test_ctrl_c_answers_a_waiting_browser(login: Login, tmp_path: Path) -> None:
    login.omni.oauth.may_answer.clear()
    waiting = Waiting(login, tmp_path)
    with socket.create_connection(("127.0.0.1", waiting.port)) as browser:
        target = waiting.authorize()
        browser.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost:{waiting.port}\r\n\r\n".encode())
        wait_until(lambda: login.omni.oauth.arrived)
        waiting.process.send_signal(signal.SIGINT)
        page = b""
        while part := browser.recv(65536):
            page += part
    assert b"Not logged in" in page
    assert waiting.end()[0] == 130
    login.omni.oauth.may_answer.set()


def test_the_limit_ends_the_login_with_a_clear_error(login: Login, tmp_path: Path) -> None:
    ran = login.run("login", "prod", "--timeout", "1.5s", BROWSER="true")
    assert ran.returncode == 4
    assert "nobody answered the login of `prod` within 1.5 s" in ran.stderr
    assert "Personal tokens" in ran.stderr
    assert "--no-browser" in ran.stderr


def test_the_browser_gets_only_a_one_time_address(waiting: Waiting) -> None:
    assert re.fullmatch(rf"http://127\.0\.0\.1:{waiting.port}/start/[A-Za-z0-9_-]{{32}}", waiting.start)
    assert waiting.state not in waiting.start
    assert waiting.request("/start/guessed")[0] == 404
    assert waiting.request(urlsplit(waiting.start).path, method="HEAD")[0] == 405
    assert waiting.process.poll() is None


def test_a_second_visit_of_the_one_time_address_ends_the_login(waiting: Waiting, login: Login) -> None:
    status, headers, _ = waiting.request(urlsplit(waiting.start).path)
    assert status == 410
    assert "location" not in headers
    ended, err = waiting.end()
    assert ended == 4
    assert "opened a second time" in err
    assert login.omni.oauth.grants == []


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="another user's programs need root"
)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_another_users_program_does_not_learn_the_logins_address(login: Login, tmp_path: Path, address: str) -> None:
    waiting = Waiting(login, tmp_path, visit=False)
    try:
        host = f"127.0.0.1:{waiting.port}"
        request = f"GET {urlsplit(waiting.start).path} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        code = (
            f"import os, socket; os.setuid(65534); s = socket.socket(socket.{'AF_INET6' if ':' in address else 'AF_INET'});"
            f"s.connect(({address!r}, {waiting.port})); s.sendall({request!r}.encode()); print(s.makefile().read())"
        )
        theirs = run_program([sys.executable, "-c", code], check=True)
        assert theirs.stdout.startswith("HTTP/1.1 403"), theirs
        assert "Location" not in theirs.stdout
        assert "oauth/authorize?" in led_to(waiting.start), "it was not used up"
    finally:
        waiting.process.kill()
        err = waiting.process.communicate()[1]
    assert "another user" in err


def test_a_repeat_of_the_callback_gets_the_same_page(waiting: Waiting, login: Login) -> None:
    """A prefetching browser requests twice, and shows the second response."""
    good = waiting.authorize()
    login.omni.oauth.may_answer.clear()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(waiting.request, good)
        wait_until(lambda: login.omni.oauth.arrived)
        again = pool.submit(waiting.request, good)
        assert waiting.callback(code="another")[0] == 409
        login.omni.oauth.may_answer.set()
    assert first.result()[0] == again.result()[0] == 200
    assert first.result()[2] == again.result()[2]
    assert "Logged in" in again.result()[2]
    ended, err = waiting.end()
    assert ended == 0, err
    assert login.omni.oauth.grants == [("authorization_code", "granted")]
    assert not waiting.sockets & listening()


@pytest.mark.parametrize(("headers", "lingers"), [({}, True), ({"Sec-Purpose": "prefetch"}, True), ({"x": "y"}, False)])
def test_a_browser_that_shows_the_page_is_not_waited_for(
    login: Login, tmp_path: Path, headers: dict[str, str], lingers: bool
) -> None:
    lingering = changed(f"from omniprofile.instance import callback; callback._REPEAT_SECONDS = {FOR_EVER}")
    waiting = Waiting(login, tmp_path, program=lingering)
    good = waiting.authorize()
    connection = HTTPConnection("127.0.0.1", waiting.port, timeout=PATIENCE)
    fields = {"Host": f"localhost:{waiting.port}", **headers}
    connection.request("GET", good, headers={**fields, **({"Sec-Fetch-Mode": "navigate"} if headers else {})})
    assert connection.getresponse().status == 200
    connection.close()
    if lingers:
        assert "Logged in" in waiting.request(good)[2]
        waiting.process.send_signal(signal.SIGINT)
    assert waiting.end()[0] == 0


def test_a_crowd_of_dripping_connections_keeps_no_login_from_its_answer(login: Login, tmp_path: Path) -> None:
    """There are more connections than descriptors, and each sends a byte now and then."""
    waiting = Waiting(login, tmp_path, prefix=["sh", "-c", 'ulimit -n 200; exec "$@"', "sh"])
    crowd: list[socket.socket] = []
    try:
        for _ in range(600):
            with suppress(OSError):
                drip = socket.create_connection(("127.0.0.1", waiting.port), timeout=PATIENCE)
                drip.sendall(b"GET /call")
                crowd.append(drip)
        for drip in crowd:
            with suppress(OSError):
                drip.sendall(b"b")
        for _ in range(300):
            waiting.request("/nothing-here")
        assert waiting.request(waiting.authorize())[0] == 200
        ended, err = waiting.end()
    finally:
        for drip in crowd:
            drip.close()
        waiting.process.kill()
    assert ended == 0, err
    assert err.count("refused") <= 3, "one sentence for the first of each kind, one for how many"
    assert re.search(r"[3-9]\d\d requests that did not belong to this login were refused", err)


def test_an_endless_request_is_not_read_to_its_end(waiting: Waiting) -> None:
    sent = 0
    with socket.create_connection(("127.0.0.1", waiting.port), timeout=PATIENCE) as endless:
        endless.sendall(b"GET / HTTP/1.1\r\n")
        with suppress(OSError):
            while sent < 50_000_000:
                endless.sendall(b"X: " + b"y" * 60_000 + b"\r\n")
                sent += 60_000
    assert sent < 20_000_000
    assert waiting.request(waiting.authorize())[0] == 200


def test_a_port_in_use_is_reported(login: Login) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = login.run("login", "prod", "--port", str(taken.getsockname()[1]))
    assert ran.returncode == 1
    assert "is in use" in ran.stderr


@pytest.mark.parametrize(
    "argv", [("--port", "0"), ("--port", "65536"), ("--port", "x"), ("--timeout", "0"), ("--timeout", "5 d")]
)
def test_an_invalid_port_or_time_is_a_usage_error(login: Login, argv: tuple[str, str]) -> None:
    assert login.cli("login", "prod", *argv).status == 2
