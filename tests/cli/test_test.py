"""`omniprofile test`: formats, exit statuses, many at once, progress, and Ctrl-C."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pexpect
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite

from omniprofile.cli.commands.test import HELP
from omniprofile.cli.render.junit import junit
from omniprofile.model.live_result import LiveResult, Status
from tests.cli.terminal import spawn
from tests.conftest import CANARY, Cli
from tests.sockets import NOBODY, raw
from tests.standin import Standin
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def omni(monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    with Standin() as standin:
        standin.add_key(CANARY, role="ORG_ADMIN", user="u-7", membership="m-7")
        monkeypatch.setenv("GOOD", CANARY)
        monkeypatch.setenv("BAD", "omni_osk_revoked")
        yield standin


def _profiles(cli: Cli, omni: Standin, *names: str) -> None:
    """Profiles `ok…`, `invalid…`, `unreachable…`, `untested…`, named by their result."""
    text = ""
    for name in names:
        kind = name.rstrip("0123456789")
        key = {"ok": "GOOD", "invalid": "BAD", "unreachable": "GOOD", "untested": "UNSET"}[kind]
        url = NOBODY if kind == "unreachable" else omni.base_url
        text += f'[profiles.{name}]\nbase_url = "{url}"\nallow_insecure = true\nkey = {{ env = "{key}" }}\n'
    cli.profiles(text)


ALL_KINDS = ("ok", "invalid", "unreachable", "untested")


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (("ok1", "ok2"), 0),
        (("ok", "invalid"), 8),
        (("ok", "unreachable"), 7),
        (("ok", "untested"), 4),
        (("unreachable", "invalid"), 8),
        (("untested", "unreachable"), 7),
        (ALL_KINDS, 8),
    ],
)
def test_the_exit_status_is_the_gravest_outcomes(cli: Cli, omni: Standin, names: tuple[str, ...], status: int) -> None:
    _profiles(cli, omni, *names)
    for form in ("human", "json", "junit"):
        assert cli("test", "--all", "--format", form).status == status
    assert status in dict(HELP.exits)


def test_a_credential_for_another_host_is_untested_with_its_own_status(cli: Cli, omni: Standin) -> None:
    _profiles(cli, omni, "ok")
    ran = cli("test", "ok", "--base-url", "https://elsewhere.omniapp.co", "--json", status=6)
    assert json.loads(ran.out)["results"][0]["status"] == "untested"
    assert 6 in dict(HELP.exits)


def test_json_and_format_json_are_the_same_and_have_the_documented_keys(cli: Cli, omni: Standin) -> None:
    _profiles(cli, omni, *ALL_KINDS)
    outputs = [cli("test", "--all", *how).out for how in (("--json",), ("--format", "json"), ("--format=json",))]
    assert len({re.sub(r'"latency_ms": [\d.]+', "", out) for out in outputs}) == 1
    results = json.loads(outputs[0])["results"]
    assert [result["profile"] for result in results] == list(ALL_KINDS)
    assert [result["status"] for result in results] == list(ALL_KINDS)
    for result in results:
        assert set(result) >= {"profile", "status", "http_status", "reason", "remedy", "identity", "latency_ms"}
        assert set(result["identity"]) == {"user", "membership_id", "key_scope", "org_role"}
    good, invalid, unreachable, untested = results
    assert good["identity"] == {
        "user": "u-7",
        "membership_id": "m-7",
        "key_scope": "organization",
        "org_role": "ORG_ADMIN",
    }
    assert (good["http_status"], good["reason"], good["remedy"]) == (200, None, None)
    assert good["latency_ms"] > 0
    assert invalid["http_status"] == 401
    assert (unreachable["http_status"], unreachable["latency_ms"]) == (None, None)
    assert (untested["http_status"], untested["latency_ms"]) == (None, None)
    assert all(result["reason"] and result["remedy"] for result in results[1:])


def test_junit_output_can_be_parsed(cli: Cli, omni: Standin, tmp_path: Path) -> None:
    _profiles(cli, omni, *ALL_KINDS)
    ran = cli("test", "--all", "--format", "junit")
    (tmp_path / "report.xml").write_text(ran.out, encoding="utf-8")
    report = JUnitXml.fromfile(str(tmp_path / "report.xml"))
    (suite,) = list(report)
    assert isinstance(suite, TestSuite)
    assert (report.tests, report.failures, report.errors) == (4, 1, 1)
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (4, 1, 1, 1)
    cases = {case.name: case for case in suite}
    assert list(cases) == list(ALL_KINDS)
    assert {case.classname for case in suite} == {"omniprofile test"}
    assert cases["ok"].result == []
    assert cases["ok"].time is not None
    for name, kind in (("invalid", Failure), ("unreachable", Error), ("untested", Skipped)):
        (entry,) = cases[name].result
        assert isinstance(entry, kind)
        assert entry.message
        assert entry.text
        assert entry.text.startswith(entry.message), "some readers show the text, others the message"
        assert "\nremedy: " in entry.text
    assert cases["invalid"].result[0].type == "organization-key-refused"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.timestamp or "")


def test_junit_holds_any_text(tmp_path: Path) -> None:
    """XML 1.0 cannot hold most control characters or surrogates: they are escaped."""
    every = "".join(map(chr, [*range(0x100), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x202E, 0x1F600])) + "]]> & <b> \"' &#0;"
    results = [
        LiveResult("p", Status.INVALID, reason=every, remedy=every, symptom="s"),
        LiveResult("q", Status.UNTESTED),
    ]
    text = junit(results, began=datetime.now(UTC), seconds=1.5)
    root = ET.fromstring(text.encode())
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.attrib["message"].startswith("\\x00\\x01")
    assert root.find(".//skipped") is not None


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--all", "ok"), "`--all` and a pattern are given"),
        (("ok", "invalid", "--base-url", "https://acme.omniapp.co"), "go with one profile"),
        (("--timeout", "0"), "a number of seconds above 0, or a duration"),
        (("--timeout", "soon"), "a number of seconds above 0, or a duration"),
        (("--timeout", "nan"), "a number of seconds above 0, or a duration"),
        (("--jobs", "0"), "a number from 1 to 256"),
        (("--jobs", "1.5"), "a number from 1 to 256"),
        (("--format", "yaml"), "must be `human`"),
    ],
)
def test_wrong_usage_is_one_sentence(cli: Cli, omni: Standin, argv: tuple[str, ...], words: str) -> None:
    _profiles(cli, omni, "ok", "invalid")
    ran = cli("test", *argv, status=2)
    assert words in ran.err
    assert omni.requests == []


def test_a_usage_error_is_json_if_requested(cli: Cli) -> None:
    for how in (("--json",), ("--format", "json"), ("--format=json",)):
        ran = cli("test", "--jobs", "none", *how)
        assert (ran.status, json.loads(ran.out)["error"]["code"]) == (2, "usage")


def test_jobs_bounds_how_many_are_asked_at_once(cli: Cli, omni: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    omni.switches.latency = 0.05
    text = ""
    for number in range(24):
        omni.add_key(f"key-{number}")
        monkeypatch.setenv(f"KEY{number}", f"key-{number}")
        text += f'[profiles.p{number}]\nbase_url = "{omni.base_url}"\nallow_insecure = true\nkey = {{ env = "KEY{number}" }}\n'
    cli.profiles(text)
    assert cli("test", "--all", "--jobs", "3").status == 0
    assert omni.most_at_once <= 3
    omni.switches.latency = 0.0

    def together(_: str) -> None:
        wait_until(lambda: omni.most_at_once > 3)

    omni.switches.answer = together
    assert cli("test", "--all").status == 0
    assert 3 < omni.most_at_once <= 16


def test_the_summary_is_for_people(cli: Cli, omni: Standin) -> None:
    _profiles(cli, omni, *ALL_KINDS)
    assert "4 tested: 1 ok, 1 invalid, 1 unreachable, 1 untested" in cli("test", "--all").err
    assert cli("-q", "test", "--all").err == ""
    assert cli("test", "ok").err == ""


def test_failures_stand_at_the_end_and_are_named(cli: Cli, omni: Standin) -> None:
    _profiles(cli, omni, *ALL_KINDS)
    ran = cli("test", "--all")
    everything, failures = ran.out.split("\n\n")
    assert len(everything.splitlines()) == 4
    assert "ok" not in [line.split()[0] for line in failures.splitlines()]
    assert "not ok: `invalid`, `unreachable` and `untested`" in ran.err
    only = cli("test", "--all", "--failed")
    assert [line for line in only.out.splitlines() if line[0] == " "] == [
        line for line in failures.splitlines() if line[0] == " "
    ]
    assert (only.status, only.err) == (ran.status, ran.err)
    shown = json.loads(cli("test", "--all", "--failed", "--json").out)["results"]
    assert [result["profile"] for result in shown] == ["invalid", "unreachable", "untested"]
    assert cli("test", "ok", "--failed").out == ""


def _on_a_terminal(*argv: str, term: str = "xterm") -> str:
    child = spawn(*argv, env={**os.environ, "TERM": term}, dimensions=(24, 120))
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before)


def test_progress_is_shown_on_a_terminal_and_leaves_nothing_behind(cli: Cli, omni: Standin) -> None:
    _profiles(cli, omni, "ok", "invalid", "unreachable")
    shown = _on_a_terminal("test", "--all")
    steps = re.findall(r"\r\x1b\[K(\d of 3 tested(?:, \d not ok)?)", shown)
    assert steps[0] == "0 of 3 tested"
    assert steps[-1] == "3 of 3 tested, 2 not ok"
    assert "\r\x1b[K" in shown[shown.rindex("3 of 3 tested, 2") :], "the line is cleared"
    for argv, term in ((("-q", "test", "--all"), "xterm"), (("test", "--all"), "dumb")):
        assert "of 3 tested" not in _on_a_terminal(*argv, term=term)


def test_ctrl_c_ends_it_at_once(cli: Cli, omni: Standin) -> None:
    """Even if every instance is silent, and the timeout is long."""
    asked, hang = threading.Event(), threading.Event()

    def silent(connection: socket.socket) -> None:
        asked.set()
        hang.wait(60)

    with raw(silent) as url:
        cli.profiles(
            "".join(
                f'[profiles.p{number}]\nbase_url = "{url}"\nallow_insecure = true\nkey = {{ env = "GOOD" }}\n'
                for number in range(4)
            )
        )
        running = subprocess.Popen(
            [sys.executable, "-m", "omniprofile", "test", "--all", "--timeout", "300"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert asked.wait(60)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=PATIENCE)
        finally:
            running.kill()
            hang.set()
    assert (running.returncode, out) == (130, "")
    assert err.splitlines()[-1].endswith("interrupted")
    assert "Traceback" not in err
