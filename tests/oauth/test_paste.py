"""`login --no-browser`: the address is shown, and the one that the browser ends at is taken from stdin or the terminal."""

import os
import re
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pexpect
import pytest

from tests.oauth.conftest import Login


def redirected(address: str) -> str:
    """Where a browser on another machine ends: the address it is sent to, which it cannot show."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    with pytest.raises(HTTPError) as caught:
        urllib.request.build_opener(Stay).open(address, timeout=20)
    caught.value.close()
    return str(caught.value.headers["Location"])


def read_address(stream: object) -> str:
    """The address among the lines of stderr."""
    for line in iter(stream.readline, ""):  # type: ignore[attr-defined]  # a text stream
        if line.startswith("http"):
            return str(line).strip()
    raise AssertionError("no address was shown")


def test_the_pasted_address_logs_in_with_no_terminal(login: Login) -> None:
    process = login.start("login", "prod", "--no-browser", BROWSER="false")
    assert process.stdin is not None
    target = redirected(read_address(process.stderr))
    process.stdin.write("nonsense\nhttp://localhost:1/callback?state=x&code=y\n" + target + "\n")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "this is not the answer to this login: it is no address that ends in `/callback?code=…`" in err
    assert "its state is another login's" in err
    assert "logged in to 127.0.0.1 (MEMBER" in err
    assert login.run("token", "prod").returncode == 0


def test_with_no_input_at_all_the_browser_may_still_answer(login: Login) -> None:
    process = login.start("login", "prod", "--no-browser", BROWSER="false")
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    address = read_address(process.stderr)
    with urllib.request.urlopen(address, timeout=30) as page:
        assert b"Logged in" in page.read()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err


def test_quiet_still_shows_the_address(login: Login) -> None:
    process = login.start("-q", "login", "prod", "--no-browser")
    _, err = process.communicate(redirected(read_address(process.stderr)), timeout=30)
    assert process.returncode == 0, err
    assert "omniprofile:" not in err


def test_a_browser_that_does_not_open_leaves_the_address_to_visit(login: Login) -> None:
    process = login.start("login", "prod", BROWSER="false")
    target = redirected(read_address(process.stderr))
    _, err = process.communicate(target + "\n", timeout=30)
    assert process.returncode == 0, err


def test_on_a_terminal_it_is_pasted_after_a_wrong_one(login: Login) -> None:
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "omniprofile", "login", "prod", "--no-browser"],
        env={**os.environ, **login.environ},
        encoding="utf-8",
        timeout=30,
        dimensions=(24, 300),
    )
    terminal.expect(r"\n(http://[^\s]+/oauth/authorize\?[^\s]+)\r")
    address = terminal.match.group(1)
    terminal.expect("paste it here:")
    terminal.sendline("hello")
    terminal.expect("no address that ends in")
    terminal.sendline(redirected(address))
    terminal.expect(r"logged in to 127\.0\.0\.1 \(MEMBER, user u-1\)")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_ctrl_c_on_a_terminal_is_a_clean_end(login: Login) -> None:
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "omniprofile", "login", "prod", "--no-browser"],
        env={**os.environ, **login.environ},
        encoding="utf-8",
        timeout=30,
    )
    terminal.expect("paste it here:")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert not re.search("Traceback|Fatal", terminal.before)
    assert login.secrets() == ""
    assert not list(Path(login.cli.state).glob("*.tmp"))
