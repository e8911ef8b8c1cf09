"""A user with a real browser: Authorize, Deny, the closed tab, two tabs. The screenshots are named in the output."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.oauth.authlib_server import AuthlibInstance
from tests.oauth.chromium import PROGRAM, Chromium
from tests.oauth.conftest import Login, led_to, make_browser
from tests.oauth.test_authlib import AuthlibLogin, at_authlib  # noqa: F401 - a fixture
from tests.waiting import PATIENCE, wait_until

SHOTS = os.environ.get("OMNIPROFILE_TEST_SCREENSHOTS")
"""A folder for the screenshots; without it they are in each test's folder, until pytest removes that."""
HAND_OVER = "import os, sys; open({path!r} + '.part', 'w').write(sys.argv[1]); os.rename({path!r} + '.part', {path!r})"
"""The program for `BROWSER`, which passes the address to the running browser, as desktops do."""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for all tests here: it takes seconds to start."""
    if PROGRAM is None:
        if os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL") == "1":
            raise AssertionError("chromium must be installed")
        pytest.skip("chromium not installed")
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


class Person:
    """A user who starts a login and gets the address that it opens."""

    def __init__(self, login: Login, instance: AuthlibInstance, folder: Path) -> None:
        instance.consent = "ask"
        path = folder / "address"
        self._path = path
        self.browser = make_browser(folder / "hand-over", HAND_OVER.format(path=str(path)))
        self._login = login

    def log_in(self) -> "tuple[subprocess.Popen[str], str]":
        """Start a login; return it and the instance's address for it."""
        process, start = self.start()
        return process, led_to(start)

    def start(self) -> "tuple[subprocess.Popen[str], str]":
        """Start a login; return it and the address for its browser."""
        process = self._login.start("login", "prod", BROWSER=self.browser)
        wait_until(lambda: self._path.exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        address = self._path.read_text()
        self._path.unlink()
        return process, address


@pytest.fixture
def person(at_authlib: AuthlibLogin, tmp_path: Path) -> Person:  # noqa: F811 - the fixture
    """A user at the consent page."""
    return Person(at_authlib, at_authlib.instance, tmp_path)


@pytest.fixture
def shot(tmp_path: Path, record_property: Callable[[str, object], None]) -> Callable[[str], Path]:
    """Return the path for a screenshot, which is part of the test's output and report."""

    def place(name: str) -> Path:
        folder = Path(SHOTS or tmp_path)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"screenshot: {folder / name}")
        record_property("screenshot", str(folder / name))
        return folder / name

    return place


def ended(process: "subprocess.Popen[str]", timeout: float = PATIENCE) -> tuple[int, str]:
    """Return status and stderr of a login that ends now."""
    try:
        _, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
    return process.returncode, err


def test_authorize_is_clicked_and_the_page_says_how_it_ended(
    chromium: Chromium, person: Person, shot: Callable[[str], Path]
) -> None:
    process, address = person.start()
    tab = chromium.open(address)
    tab.wait_for("Let omni-cli act for you?")
    tab.click("button[value=yes]")
    shown = tab.wait_for("Logged in")
    assert "localhost as profile prod (MEMBER, user u-7)" in shown
    tab.screenshot(shot("logged-in.png"))
    assert tab.evaluate("document.title") == "Logged in \u00b7 omniprofile"
    assert tab.evaluate("getComputedStyle(document.querySelector('main')).textAlign") == "center", (
        "the style is blocked"
    )
    assert tab.evaluate("performance.getEntriesByType('resource').length") == 0, "the page loads something"
    assert tab.evaluate("location.hostname") == "localhost"
    tab.close()
    status, err = ended(process)
    assert status == 0, err


def test_deny_is_clicked(chromium: Chromium, person: Person, shot: Callable[[str], Path]) -> None:
    process, address = person.log_in()
    tab = chromium.open(address)
    tab.wait_for("Let omni-cli act for you?")
    tab.click("button[value=no]")
    shown = tab.wait_for("Not logged in")
    assert "denied in the browser" in shown
    tab.screenshot(shot("denied.png"))
    tab.close()
    status, err = ended(process)
    assert status == 4
    assert "denied in the browser (`access_denied`" in err


def test_the_tab_is_closed_and_a_new_login_is_made(chromium: Chromium, person: Person) -> None:
    first, address = person.log_in()
    tab = chromium.open(address)
    tab.wait_for("Let omni-cli act for you?")
    tab.close()
    time.sleep(0.5)
    assert first.poll() is None, "it waits for its limit, for the address may be opened again"
    second, address = person.log_in()
    tab = chromium.open(address)
    tab.wait_for("Let omni-cli act for you?")
    tab.click("button[value=yes]")
    tab.wait_for("Logged in")
    tab.close()
    status, err = ended(second)
    assert status == 0, err
    assert first.poll() is None
    first.kill()
    first.communicate()


def test_two_tabs_one_answer(chromium: Chromium, person: Person, at_authlib: AuthlibLogin) -> None:  # noqa: F811
    process, address = person.log_in()
    one, two = chromium.open(address), chromium.open(address)
    for tab in (one, two):
        tab.wait_for("Let omni-cli act for you?")
    one.click("button[value=yes]")
    one.wait_for("Logged in")
    two.click("button[value=yes]")
    refused = two.wait_for("localhost")
    assert "Logged in" not in refused
    status, err = ended(process)
    assert status == 0, err
    assert at_authlib.instance.posts.count("authorization_code") == 1
    assert at_authlib.run("test", "prod").returncode == 0
    one.close()
    two.close()


def test_two_logins_in_two_tabs_are_not_mixed_up(
    chromium: Chromium, person: Person, shot: Callable[[str], Path]
) -> None:
    first, first_address = person.log_in()
    second, second_address = person.log_in()
    ports = [re.findall(r"localhost%3A\d+", address)[0] for address in (first_address, second_address)]
    swapped = first_address.replace(ports[0], ports[1])
    tab = chromium.open(swapped)  # the first login's state reaches the second one's listener
    tab.wait_for("Let omni-cli act for you?")
    tab.click("button[value=yes]")
    tab.wait_for("another login")
    tab.screenshot(shot("another-login.png"))
    tab.close()
    assert first.poll() is None
    assert second.poll() is None
    for process in (first, second):
        process.kill()
        process.communicate()
