"""`login --no-browser`: the address is shown, and the redirect address is read from stdin or the terminal."""

import os
import re
import subprocess
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pexpect
import pytest

from tests.cli.terminal import spawn
from tests.oauth.conftest import Login
from tests.sampling import sample
from tests.sockets import free_port
from tests.waiting import PATIENCE


def redirected(address: str) -> str:
    """Return the address to which a browser on another machine is redirected, and which it cannot show."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    with pytest.raises(HTTPError) as caught:
        urllib.request.build_opener(Stay).open(address, timeout=PATIENCE)
    caught.value.close()
    return str(caught.value.headers["Location"])


def read_address(stream: object) -> str:
    """Return the address among the lines of stderr."""
    for line in iter(stream.readline, ""):  # type: ignore[attr-defined]  # a text stream
        if line.startswith("http"):
            return str(line).strip()
    raise AssertionError("no address was shown")


def test_the_pasted_address_logs_in_with_no_terminal(login: Login) -> None:
    process = login.start("login", "prod", "--no-browser", BROWSER="false")
    assert process.stdin is not None
    target = redirected(read_address(process.stderr))
    process.stdin.write("nonsense\nhttp://localhost:1/callback?state=x&code=y\n" + target + "\n")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "this is not the answer to this login: it is not an address that ends in `/callback?code=…`" in err
    assert "its state is another login's" in err
    assert "logged in to 127.0.0.1 (MEMBER" in err
    assert login.run("token", "prod").returncode == 0


def test_with_no_input_at_all_a_browser_that_was_arranged_may_still_answer(login: Login) -> None:
    """A fixed port is one that the user has made reachable: `ssh -L`, or a container on the host's network."""
    port = free_port()
    process = login.start("login", "prod", "--no-browser", "--port", str(port), stdin=subprocess.DEVNULL)
    address = read_address(process.stderr)
    assert f"localhost%3A{port}%2Fcallback" in address
    page = urllib.request.Request(address, headers={"Sec-Fetch-Mode": "navigate"})
    with urllib.request.urlopen(page, timeout=PATIENCE) as answer:
        assert b"Logged in" in answer.read()
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "paste it here" not in err


# `--no-browser` means that an answer will come on standard input, even if it is silent so far.
NOBODY = [
    (argv, stdin, browser)
    for argv in ((), ("--no-browser",))
    for stdin in ("null", "ended", "silent")
    for browser in ("false", "no-such-browser", "")
    if not (argv and stdin == "silent")
]


@pytest.mark.parametrize(("argv", "stdin", "browser"), sample(NOBODY, 5, "nobody"))
def test_without_a_browser_and_anybody_to_paste_it_ends_at_once(
    login: Login, argv: tuple[str, ...], stdin: str, browser: str
) -> None:
    environ = {"BROWSER": browser, "DISPLAY": "", "WAYLAND_DISPLAY": "", "TERM": "dumb", "PATH": "/nowhere"}
    process = login.start(
        "login", "prod", *argv, stdin=subprocess.DEVNULL if stdin == "null" else subprocess.PIPE, **environ
    )
    with process:
        if stdin == "ended":
            assert process.stdin is not None
            process.stdin.close()
        assert process.wait(timeout=PATIENCE) == 4
        assert process.stderr is not None
        err = process.stderr.read()
    assert "nobody can answer the login of `prod`" in err
    assert "have a person run `omniprofile login prod` in a terminal" in err
    assert ("paste it here" in err) is (bool(argv) and stdin == "ended")
    assert login.omni.oauth.grants == []


def test_quiet_still_shows_the_address(login: Login) -> None:
    process = login.start("-q", "login", "prod", "--no-browser")
    _, err = process.communicate(redirected(read_address(process.stderr)), timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "omniprofile:" not in err


@pytest.mark.parametrize("browser", ["false", "true"])
def test_the_address_is_shown_and_can_be_pasted_whatever_the_browser_does(login: Login, browser: str) -> None:
    """That includes a browser that claims to have opened, but did not."""
    terminal = spawn("login", "prod", env={**os.environ, **login.environ, "BROWSER": browser}, dimensions=(24, 300))
    terminal.expect(r"\n(http://[^\s]+/oauth/authorize\?[^\s]+)\r")
    terminal.sendline(redirected(terminal.match.group(1)))
    terminal.expect(r"logged in to 127\.0\.0\.1 \(MEMBER, user u-1\)")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_on_a_terminal_it_is_pasted_after_a_wrong_one(login: Login) -> None:
    terminal = spawn("login", "prod", "--no-browser", env={**os.environ, **login.environ}, dimensions=(24, 300))
    terminal.expect(r"\n(http://[^\s]+/oauth/authorize\?[^\s]+)\r")
    address = terminal.match.group(1)
    terminal.expect("paste it here:")
    terminal.sendline("hello")
    terminal.expect("not an address that ends in")
    terminal.sendline(redirected(address))
    terminal.expect(r"logged in to 127\.0\.0\.1 \(MEMBER, user u-1\)")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_ctrl_c_on_a_terminal_is_a_clean_end(login: Login) -> None:
    terminal = spawn("login", "prod", "--no-browser", env={**os.environ, **login.environ})
    terminal.expect("paste it here:")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert not re.search("Traceback|Fatal", terminal.before)
    assert login.secrets() == ""
    assert not list(Path(login.cli.state).glob("*.tmp"))
