"""`exec --gateway` in real processes: what the child gets, the exit status, and what remains afterwards."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import warm
from tests.conftest import CANARY, Cli
from tests.programs import run_program
from tests.sockets import listening
from tests.standin import Standin
from tests.waiting import PATIENCE, is_running, wait_until

ASK = """
import json, os, sys, urllib.error, urllib.request
request = urllib.request.Request(os.environ["OMNI_BASE_URL"] + sys.argv[2], method=sys.argv[1])
request.add_header("Authorization", "Bearer " + os.environ["OMNI_API_TOKEN"])
try:
    print(urllib.request.urlopen(request, timeout=60).status)
except urllib.error.HTTPError as refused:
    print(refused.code, refused.read().decode())
"""

PROFILES = """\
[profiles.prod]
base_url = "{url}"
allow_insecure = true
key = {{ env = "KEY" }}
[profiles.prod.env]
MCP_SERVER_URL = {{ from = "base_url", append = "/mcp/https" }}
MCP_API_KEY = {{ from = "token" }}
[profiles.reader]
extends = "prod"
access = "read-only"
[profiles.guarded]
extends = "prod"
access = "gateway"
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def omni(cli: Cli) -> Iterator[Standin]:
    """An instance that accepts the key of three profiles."""
    with Standin() as instance:
        instance.add_key(CANARY)
        cli.profiles(PROFILES.format(url=instance.base_url))
        yield instance


@pytest.fixture
def start(omni: Standin) -> Callable[..., "subprocess.Popen[str]"]:
    """Start `omniprofile exec …`."""

    def started(*argv: str, **options: Any) -> "subprocess.Popen[str]":
        popen: type[subprocess.Popen[str]] = subprocess.Popen if "pass_fds" in options else warm.Popen
        return popen(
            [*warm.PROGRAM, "exec", *argv],
            **{
                "env": {**os.environ, "KEY": CANARY, "ALSO": f"x{CANARY}", "OMNI_PROFILE_PROD_TOKEN": ""},
                "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "text": True, **options,
            },
        )  # fmt: skip

    return started


@pytest.fixture
def run(start: Callable[..., "subprocess.Popen[str]"]) -> Run:
    """Run it to its end."""

    def ran(*argv: str) -> "subprocess.CompletedProcess[str]":
        child = start(*argv)
        out, err = child.communicate(timeout=60)
        assert CANARY not in out + err
        return subprocess.CompletedProcess(argv, child.returncode, out, err)

    return ran


def _ask(run: Run, *options: str, request: tuple[str, str] = ("GET", "/api/v1/whoami")) -> str:
    return run(*options, "--", sys.executable, "-c", ASK, *request).stdout.strip()


def test_the_child_has_an_address_and_a_token_of_this_run_alone(run: Run, omni: Standin) -> None:
    ran = run("prod", "--gateway", "--", sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
    environ = json.loads(ran.stdout)
    assert environ["OMNI_BASE_URL"].startswith("http://127.0.0.1:")
    assert environ["OMNI_BASE_URL"] != omni.base_url
    assert environ["OMNI_API_TOKEN"] == environ["OMNI_API_KEY"] == environ["MCP_API_KEY"]
    assert environ["MCP_SERVER_URL"] == environ["OMNI_BASE_URL"] + "/mcp/https"
    assert environ["OMNI_PROFILE"] == "prod"
    assert not {"KEY", "ALSO", "OMNI_ORGANIZATION_NAME"} & set(environ)
    again = run("prod", "--gateway", "--", "sh", "-c", "echo $OMNI_API_TOKEN").stdout.strip()
    assert again != environ["OMNI_API_TOKEN"]


@pytest.mark.parametrize("inner", ["exec", "exec reader", "exec prod", "each reader"])
def test_a_call_within_a_command_that_has_a_gateway_gives_that_gateway(run: Run, omni: Standin, inner: str) -> None:
    within = [sys.executable, "-m", "omniprofile", *inner.split(), "--"]
    ran = run("reader", "--", *within, sys.executable, "-c", ASK, "GET", "/api/v1/whoami")
    if inner == "exec prod":  # not the gateway's profile, and the key's variable has been removed
        assert (ran.returncode, ran.stdout) == (4, "")
        return
    assert ran.stdout.split()[-1] == "200", ran
    assert run("reader", "--", *within, sys.executable, "-c", ASK, "PUT", "/x").stdout.find("403 ") >= 0
    assert [seen.method for seen in omni.requests] == ["GET"]
    entries = json.loads(run("reader", "--", sys.executable, "-m", "omniprofile", "log", "--json").stdout)["entries"]
    assert [entry["command"] for entry in entries][:2] == [os.path.basename(sys.executable)] * 2


@pytest.mark.parametrize("options", [("prod", "--gateway"), ("guarded",), ("reader",), ("reader", "--gateway")])
def test_the_child_s_requests_reach_the_instance_with_the_real_key(
    run: Run, omni: Standin, options: tuple[str, ...]
) -> None:
    assert _ask(run, *options) == "200"
    assert [seen.key for seen in omni.requests] == ["u-1"]


def test_a_read_only_profile_lets_no_child_write(run: Run, omni: Standin) -> None:
    answer = _ask(run, "reader", request=("POST", "/api/v1/models"))
    assert answer.startswith("403 ")
    assert json.loads(answer[4:])["error"]["rule"] == "read-only"
    assert omni.requests == []
    assert _ask(run, "guarded", request=("POST", "/api/v1/models")) == "200"


@pytest.mark.parametrize("status", [0, 1, 37, 255])
def test_the_exit_status_is_the_child_s(run: Run, status: int) -> None:
    assert run("prod", "--gateway", "--", "sh", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV, signal.SIGUSR1])
def test_a_signal_that_ends_the_child_ends_omniprofile(run: Run, number: signal.Signals) -> None:
    assert run("prod", "--gateway", "--", "sh", "-c", f"kill -{int(number)} $$").returncode == -number


def test_a_command_that_is_not_there_ends_as_with_exec(run: Run) -> None:
    assert run("prod", "--gateway", "--", "no-such-command").returncode == 127
    assert run("prod", "--gateway", "--", "/").returncode == 126


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]
)
def test_a_signal_to_omniprofile_reaches_the_child(
    start: Callable[..., "subprocess.Popen[str]"], number: signal.Signals
) -> None:
    script = f"trap 'echo got; exit 5' {int(number)}; echo ready; while :; do sleep 0.05; done"
    child = start("prod", "--gateway", "--", "sh", "-c", script, start_new_session=True)
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    child.send_signal(number)
    assert child.communicate(timeout=PATIENCE)[0] == "got\n"
    assert child.returncode == 5


def test_descriptors_and_bytes_reach_the_child(start: Callable[..., "subprocess.Popen[str]"]) -> None:
    read, write = os.pipe()
    os.set_inheritable(read, True)
    os.write(write, b"through")
    os.close(write)
    child = start(
        "prod",
        "--gateway",
        "--",
        "sh",
        "-c",
        f"cat /dev/fd/{read}; printf %s $1",
        "sh",
        "\udcff",
        pass_fds=[read],
        text=False,
    )
    os.close(read)
    assert child.communicate(timeout=PATIENCE)[0] == b"through\xff"  # type: ignore[comparison-overlap]  # without `text`


def test_a_killed_omniprofile_leaves_neither_listener_nor_child(start: Callable[..., "subprocess.Popen[str]"]) -> None:
    child = start("prod", "--gateway", "--", "sh", "-c", "echo $$; exec sleep 600")
    assert child.stdout
    pid = int(child.stdout.readline())
    sockets = wait_until(lambda: listening(child.pid))
    assert not listening(pid)
    child.kill()
    child.wait(timeout=PATIENCE)
    wait_until(lambda: not is_running(pid))
    assert not sockets & listening()
    child.communicate()


def test_it_ends_with_the_command_whatever_that_left_behind(start: Callable[..., "subprocess.Popen[str]"]) -> None:
    child = start("prod", "--gateway", "--", "sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!; exit 3")
    out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 3
    os.kill(int(out), signal.SIGKILL)


def test_a_proxy_is_not_asked_for_the_gateway(run: Run, omni: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "acme.example")
    assert _ask(run, "prod", "--gateway") == "200"


def test_the_variable_of_an_override_does_not_reach_the_child(
    run: Run, omni: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNI_PROFILE_READER_TOKEN", CANARY)
    ran = run("reader", "--", "sh", "-c", "env")
    assert "OMNI_PROFILE_READER_TOKEN" not in ran.stdout


# `gateway`


@pytest.fixture
def opened(omni: Standin) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start `omniprofile gateway …`, and end it after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*argv: str) -> "subprocess.Popen[str]":
        started.append(
            warm.Popen(
                [*warm.PROGRAM, "gateway", *argv],
                env={**os.environ, "KEY": CANARY},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


def _given(process: "subprocess.Popen[str]") -> dict[str, str]:
    assert process.stdout
    given: dict[str, str] = json.loads(process.stdout.readline())
    return given


def _asked(given: dict[str, str], method: str = "GET", path: str = "/api/v1/whoami") -> str:
    environ = {"OMNI_BASE_URL": given["base_url"], "OMNI_API_TOKEN": given["token"]}
    ran = run_program([sys.executable, "-c", ASK, method, path], env={**os.environ, **environ}, check=True)
    return ran.stdout.strip()


def test_a_gateway_in_the_foreground_prints_where_it_is_and_answers(
    opened: Callable[..., "subprocess.Popen[str]"], omni: Standin
) -> None:
    process = opened("guarded")
    given = _given(process)
    assert list(given) == ["base_url", "token"]
    assert _asked(given) == "200"
    assert [seen.key for seen in omni.requests] == ["u-1"]
    sockets = wait_until(lambda: listening(process.pid))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert CANARY not in err
    assert not sockets & listening()


def test_a_hang_up_ends_it(opened: Callable[..., "subprocess.Popen[str]"]) -> None:
    process = opened("prod")
    _given(process)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=PATIENCE) == -signal.SIGHUP


def test_it_takes_the_port_that_is_asked_for_or_says_that_it_cannot(
    opened: Callable[..., "subprocess.Popen[str]"],
) -> None:
    first = _given(opened("prod"))
    port = first["base_url"].rpartition(":")[2]
    process = opened("prod", "--port", port)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (1, "")
    assert f"port {port} of the loopback addresses is in use" in err


def test_the_token_of_the_run_is_not_in_the_log(
    cli: Cli, opened: Callable[..., "subprocess.Popen[str]"], omni: Standin
) -> None:
    process = opened("reader")
    given = _given(process)
    assert _asked(given, "PUT", f"/{given['token']}/x").startswith("403 ")
    assert _asked(given, given["token"], "/x").startswith("403 ")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    log = (cli.state / "audit.jsonl").read_text()
    assert '"refused": {"method": "PUT", "path": "/********/x"}' in log
    assert given["token"] not in log


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", ""])
def test_an_invalid_port_is_refused_as_wrong_usage(cli: Cli, port: str) -> None:
    assert cli("gateway", "--port", port).status == 2
