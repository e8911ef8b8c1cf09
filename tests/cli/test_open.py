"""`open`: the profile's instance in the profile's own browser, or in the environment's."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.programs import changed, run_program
from tests.waiting import PATIENCE, without_waiting

Process = Callable[..., subprocess.CompletedProcess[str]]
RECORDS = f"#!{sys.executable}\nimport os, sys\nopen(os.environ['RECORD'], 'a').write(repr(sys.argv[1:]) + '\\n')\n"
PROFILES = """\
default = "plain"
[instances.acme]
base_url = "https://acme.omniapp.co"
[profiles.base]
instance = "acme"
browser = ["{browser}", "-P", "a profile"]
[profiles.child]
extends = "base"
base_url = "https://child.omniapp.co"
key = {{ env = "NO_SUCH_KEY" }}
[profiles.plain]
instance = "acme"
[profiles.missing]
extends = "base"
browser = ["no-such-browser"]
[profiles.text]
extends = "base"
browser = ["w3m"]
[profiles.fails]
extends = "base"
browser = ["sh", "-c", "exit 3"]
[profiles.stays]
extends = "base"
browser = ["sh", "-c", "sleep 200"]
[profiles.evil]
base_url = "https://evil.example"
"""


WAITS = changed(f"from omniprofile.cli import browser; browser._SECONDS = {PATIENCE}")
"""`omniprofile`, which takes no browser that ends for one that stays open, however slow the machine is."""


@pytest.fixture
def record(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Profiles with a browser that records its arguments, and another browser in the environment."""
    (tmp_path / "bin").mkdir()
    for name in ("own", "w3m", "general"):
        browser = tmp_path / "bin" / name
        browser.write_text(RECORDS)
        browser.chmod(0o755)
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setenv("BROWSER", "general")
    cli.profiles(PROFILES.format(browser=tmp_path / "bin" / "own"))
    return tmp_path / "record"


@pytest.mark.parametrize(
    ("argv", "arguments"),
    [
        (("base",), "['-P', 'a profile', 'https://acme.omniapp.co']\n"),
        (("-p", "child"), "['-P', 'a profile', 'https://child.omniapp.co']\n"),
        ((), "['https://acme.omniapp.co']\n"),
    ],
)
def test_the_address_is_appended_to_the_profile_s_browser_or_goes_to_the_environment_s(
    record: Path, argv: tuple[str, ...], arguments: str
) -> None:
    ran = run_program([*WAITS, "open", *argv])
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    assert record.read_text() == arguments


def test_print_prints_the_address_and_opens_nothing(cli: Cli, record: Path) -> None:
    ran = cli("open", "child", "--print")
    assert (ran.status, ran.out, ran.err) == (0, "https://child.omniapp.co\n", "")
    assert cli("open", "--print").out == "https://acme.omniapp.co\n"
    assert not record.exists()


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("missing", 1, "`no-such-browser` of profile `missing` was not found"),
        ("text", 1, "no browser was found\nhint: `omniprofile open --print text` prints the address"),
        ("fails", 1, "did not open https://acme.omniapp.co"),
        ("evil", 6, "evil.example"),
        ("absent", 5, "absent"),
    ],
)
def test_a_browser_that_cannot_open_is_not_replaced_by_another(
    record: Path, name: str, status: int, words: str
) -> None:
    ran = run_program([*WAITS, "open", name])
    assert (ran.returncode, ran.stdout) == (status, "")
    assert words in ran.stderr
    assert not record.exists()


@pytest.mark.parametrize("browser", ["./own", "bin/own", "../bin/own"])
def test_a_browser_is_not_looked_for_in_the_working_directory(cli: Cli, record: Path, browser: str) -> None:
    cli.profiles(PROFILES.format(browser=browser))
    ran = cli("open", "child", cwd=record.parent)
    assert (ran.status, record.exists()) == (1, False)
    assert f"the browser `{browser}` of profile `child` was not found" in ran.err


def test_a_browser_that_stays_open_is_left_alone(process: Process, record: Path) -> None:
    with without_waiting():
        assert process("open", "stays").returncode == 0


def test_show_has_the_browser_and_where_it_comes_from(cli: Cli, record: Path) -> None:
    field = json.loads(cli("explain", "missing", "--json").out)["fields"]["browser"]
    assert field["value"] == ["no-such-browser"]
    assert field["overridden"][0]["value"][1:] == ["-P", "a profile"]
    assert field["overridden"][0]["provenance"]["layer"] == "parent"
    assert "browser" not in json.loads(cli("explain", "plain", "--json").out)["fields"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('"firefox"', "must be an array, not a string"),
        ("[]", "browser"),
        ('[""]', "names no program"),
        ('["firefox", 1]', "browser"),
        ('["a\\u0000b"]', "NUL"),
    ],
)
def test_a_browser_is_a_program_and_its_arguments(cli: Cli, value: str, words: str) -> None:
    cli.profiles(f'[profiles.x]\nbase_url = "https://acme.omniapp.co"\nbrowser = {value}\n')
    ran = cli("lint", status=1)
    assert words in ran.out + ran.err, ran
    assert cli("open", "x").status == 3


def test_set_gives_a_profile_a_browser(cli: Cli, record: Path) -> None:
    with cli.config.open("a") as file:
        file.write('[settings]\nallowed_hosts = ["evil.example"]\n')
    assert cli("set", "plain", "browser", '["own", "-P", "x"]').status == 0
    assert json.loads(cli("explain", "plain", "--json").out)["fields"]["browser"]["value"] == ["own", "-P", "x"]
    assert cli("unset", "plain", "browser").status == 0
