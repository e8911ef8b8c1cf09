"""`each`: the commands' environment and output, and how they end."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import warm
from tests.cli.test_protected import run as run_with_person
from tests.conftest import CANARY, Cli
from tests.waiting import PATIENCE, is_running, wait_until

PROFILES = """\
[defaults]
key = { env = "KEY" }

[profiles.acme]
base_url = "https://acme.omniapp.co"
tags = ["eu"]
env = { OWN = "of acme", MCP_API_KEY = { from = "token" } }

[profiles.beta-long]
base_url = "https://beta.example"
tags = ["eu"]

[profiles.keyless]
base_url = "https://keyless.omniapp.co"
key = { env = "UNSET" }

[profiles.prod]
base_url = "https://prod.omniapp.co"
protected = true
tags = ["eu"]

[settings]
allowed_hosts = ["beta.example"]
"""
SHOW = [sys.executable, "-c", "import os, json; print(json.dumps(dict(os.environ)))"]


@pytest.fixture
def profiles(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEY", CANARY)
    return cli.profiles(PROFILES)


def _results(cli: Cli, *argv: str, **how: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(cli("each", "--json", *argv, shows=True, **how).out)["results"]  # type: ignore[arg-type]  # as `Cli` takes them
    return found


def test_every_command_has_the_environment_that_exec_gives(cli: Cli, profiles: Path) -> None:
    others = {"OMNI_API_TOKEN": "theirs", "OMNI_BASE_URL": "https://theirs.omniapp.co", "OMNI_HOST": "theirs", "A": "b"}
    results = _results(cli, "acme", "beta-long", "--", *SHOW, env=others)
    assert [result["profile"] for result in results] == ["acme", "beta-long"]
    for result in results:
        ran = subprocess.run(
            [sys.executable, "-m", "omniprofile", "exec", str(result["profile"]), "--", *SHOW],
            env={**os.environ, **others},
            capture_output=True,
            check=True,
        )
        assert json.loads(str(result["stdout"])) == json.loads(ran.stdout)


def test_lines_stand_behind_their_profile_on_their_own_stream(cli: Cli, profiles: Path) -> None:
    script = "printf 'one\\ntwo'; printf 'bad \\377\\n' >&2; exit 3"
    ran = cli("each", "acme", "beta-long", "-j1", "--", "sh", "-c", script, status=1)
    assert ran.out == "acme      | one\nacme      | two\nbeta-long | one\nbeta-long | two\n"
    assert ran.err.splitlines() == [
        "acme      | bad \udcff",
        "beta-long | bad \udcff",
        "omniprofile: 0 of 2 ok; failed: `acme` (exit 3), `beta-long` (exit 3)",
    ]
    assert cli("-q", "each", "acme", "--", "true").err == ""


def test_omni_keeps_to_the_rules_of_exec(cli: Cli, profiles: Path, tmp_path: Path) -> None:
    real = tmp_path / "bin" / "omni"
    real.parent.mkdir()
    real.write_text('#!/bin/sh\necho "$OMNI_BASE_URL $@"\n')
    real.chmod(0o755)
    path = {"PATH": f"{real.parent}{os.pathsep}{os.environ['PATH']}"}
    (ran,) = _results(cli, "acme", "--", "omni", "models", "list", env=path)
    assert (ran["stdout"], ran["exit_code"]) == ("https://acme.omniapp.co models list\n", 0)
    (refused,) = _results(cli, "acme", "--", "omni", "-p", "beta-long", "models", env=path)
    assert isinstance(refused["error"], dict)
    assert refused["error"]["code"] == "refused"
    (shown,) = _results(cli, "acme", "--", "omni", "config", "list", env=path)
    assert (shown["exit_code"], shown["stderr"]) == (0, "")
    assert "acme" in str(shown["stdout"])


def test_a_profile_without_a_credential_fails_alone(cli: Cli, profiles: Path) -> None:
    ran = cli("each", "keyless", "acme", "--", "sh", "-c", "echo $OMNI_PROFILE")
    assert (ran.status, ran.out) == (1, "acme    | acme\n")
    assert "keyless | omniprofile: error: the key of `keyless`" in ran.err
    assert "keyless | hint: " in ran.err
    assert ran.err.endswith("omniprofile: 1 of 2 ok; failed: `keyless` (key-source-failed)\n")
    failed, good = _results(cli, "keyless", "acme", "--", "true")
    assert (failed["exit_code"], failed["duration_ms"], failed["stdout"], failed["skipped"]) == (None, None, "", None)
    assert isinstance(failed["error"], dict)
    assert failed["error"]["code"] == "key-source-failed"
    assert (good["exit_code"], good["error"]) == (0, None)


def test_json_has_output_exit_codes_and_signals(cli: Cli, profiles: Path) -> None:
    killed = "printf 'out\\377'; printf err >&2; kill -TERM $$"
    (result,) = _results(cli, "acme", "--", "sh", "-c", killed)
    assert (result["stdout"], result["stderr"], result["exit_code"]) == ("out\ufffd", "err", 143)
    assert isinstance(result["duration_ms"], float)
    (missing,) = _results(cli, "acme", "--", "no-such-program")
    assert (missing["exit_code"], missing["error"]) != (0, None)
    assert isinstance(missing["error"], dict)
    assert missing["error"]["code"] == "command-not-found"


@pytest.mark.parametrize(
    ("argv", "runs"),
    [
        (["prod"], False),
        (["prod", "--yes"], True),
        (["pro*", "--yes"], False),
        (["@eu", "--yes"], False),
        (["--all", "--yes"], False),
        (["@eu", "prod", "--yes"], True),
        (["prod", "@eu", "--yes"], True),
    ],
)
def test_a_protected_profile_runs_only_where_it_is_named_in_full_with_yes(
    cli: Cli, profiles: Path, argv: list[str], runs: bool
) -> None:
    results = {result["profile"]: result for result in _results(cli, *argv, "--", "true")}
    assert results["prod"]["skipped"] == (None if runs else "protected")
    assert results["prod"]["exit_code"] == (0 if runs else None)
    ran = cli("-q", "each", *argv, "--", "true")
    assert ran.status == (1 if "--all" in argv else 0), "what is skipped is no failure, but that there is no key is"
    assert ("`prod` is protected (https://prod.omniapp.co): skipped" in ran.err) != runs


def test_a_host_of_a_protected_profile_is_protected(cli: Cli, profiles: Path) -> None:
    env = {"OMNI_PROFILE_ACME_BASE_URL": "https://prod.omniapp.co", "OMNI_PROFILE_ACME_TOKEN": "t0ken"}
    (result,) = _results(cli, "@eu", "--", "true", env=env)[:1]
    assert (result["profile"], result["skipped"]) == ("acme", "protected")


@pytest.mark.parametrize(
    ("argv", "answer", "runs"), [(["prod"], "y", True), (["prod"], "n", False), (["@eu"], None, False)]
)
def test_a_person_is_asked_about_a_name_in_full(
    profiles: Path, argv: list[str], answer: str | None, runs: bool
) -> None:
    done = run_with_person("each", *argv, "--", "true", answer=answer or "y")
    assert done.status == 0
    assert ("`prod` is protected (https://prod.omniapp.co). Really run `true` with it?" in done.err) == bool(answer)
    assert ("skipped as protected: `prod`" in done.err) != runs


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--", "true"], "no profile is named"),
        (["acme"], "no command is given"),
        (["acme", "--"], "no command is given"),
        (["--all", "acme", "--", "true"], "`--all` and a pattern are given"),
        (["--all", "-j", "0", "--", "true"], "give a number from 1 to 256"),
    ],
)
def test_usage(cli: Cli, profiles: Path, argv: list[str], message: str) -> None:
    ran = cli("each", *argv, status=2)
    assert message in ran.err


def test_no_match_and_no_profile_at_all_are_exit_5(cli: Cli, profiles: Path) -> None:
    assert cli("each", "@us", "--", "true").status == 5
    cli.profiles("")
    assert cli("each", "--all", "--", "true").status == 5


def test_ignored_environment_variables_are_reported_once(cli: Cli, profiles: Path) -> None:
    ran = cli("each", "acme", "beta-long", "--", "true", env={"OMNI_API_TOKEN": "theirs"})
    assert ran.err.count("`OMNI_API_TOKEN`") == 1


def test_a_limited_profile_gets_its_own_gateway(cli: Cli, profiles: Path) -> None:
    cli.profiles(
        PROFILES.replace('tags = ["eu"]', 'tags = ["eu"]\naccess = "read-only"', 1).replace(", MCP_API", ", M")
    )
    limited, full = (json.loads(str(result["stdout"])) for result in _results(cli, "acme", "beta-long", "--", *SHOW))
    assert limited["OMNI_BASE_URL"].startswith("http://127.0.0.1:")
    assert CANARY not in limited.values()
    assert full["OMNI_API_TOKEN"] == CANARY


def _many(cli: Cli, count: int) -> None:
    tables = (f'[profiles.p{n}]\nbase_url = "https://p{n}.omniapp.co"\nkey = {{ env = "KEY" }}\n' for n in range(count))
    cli.profiles("".join(tables))


def test_at_most_so_many_run_at_once(cli: Cli, profiles: Path, tmp_path: Path) -> None:
    """Each command waits until another one runs too, and counts."""
    _many(cli, 6)
    (tmp_path / "running").mkdir()
    code = (
        "import os, sys, time\n"
        "os.chdir(sys.argv[1]); own = os.environ['OMNI_PROFILE']; open(own, 'w').close(); most = 0; end = time.monotonic() + 60\n"
        "while most < 2 and time.monotonic() < end: most = max(most, len(os.listdir('.')))\n"
        "open('../seen-' + own, 'w').close()\n"
        "while len([n for n in os.listdir('..') if n.startswith('seen-')]) % 2 and time.monotonic() < end: pass\n"
        "print(max(most, len(os.listdir('.')))); os.unlink(own)"
    )
    results = _results(cli, "--all", "-j", "2", "--", sys.executable, "-c", code, str(tmp_path / "running"))
    assert [result["stdout"] for result in results] == ["2\n"] * 6


def test_lines_are_whole_and_in_order_however_many_print_at_once(cli: Cli, profiles: Path) -> None:
    _many(cli, 6)
    code = (
        "import os, sys\n"
        "for n in range(300):\n"
        "    for stream in (sys.stdout, sys.stderr):\n"
        "        stream.write(f'{n} ' + os.environ['OMNI_PROFILE'] * 500); stream.flush(); stream.write('.\\n')"
    )
    ran = cli("each", "--all", "--", sys.executable, "-c", code)
    for text in (ran.out, ran.err.rpartition("omniprofile: ")[0]):
        numbers: dict[str, list[int]] = {}
        for line in text.splitlines():
            name, _, rest = line.partition(" | ")
            number, _, words = rest.partition(" ")
            assert words == name * 500 + "."
            numbers.setdefault(name, []).append(int(number))
        assert numbers == {f"p{n}": list(range(300)) for n in range(6)}


def test_a_command_has_no_input_and_no_terminal(cli: Cli, profiles: Path) -> None:
    (result,) = _results(cli, "acme", "--", "sh", "-c", "cat; (: </dev/tty) 2>/dev/null || echo none", stdin="mine")
    assert result["stdout"] == "none\n"


def test_that_no_process_can_be_started_is_an_error_like_any_other(
    cli: Cli, profiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/etc/passwd")  # as when the user's limit of processes is reached
    ran = cli("each", "--all", "--", "true", status=1)
    assert "no process can be started: permission denied" in ran.err


def test_background_processes_of_a_command_delay_nothing(cli: Cli, profiles: Path) -> None:
    (result,) = _results(cli, "acme", "--", "sh", "-c", "sleep 1000 & echo $!; exit 4")
    assert result["exit_code"] == 4
    os.kill(int(str(result["stdout"])), signal.SIGKILL)


class _Started:
    """An `omniprofile each` process in its own session."""

    def __init__(self, *argv: str, **how: Any) -> None:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = warm.Popen([*warm.PROGRAM, "each", *argv], start_new_session=True, **pipes, **how)  # type: ignore[call-overload]

    def lines(self, count: int) -> list[str]:
        assert self.process.stdout
        return [self.process.stdout.readline().decode() for _ in range(count)]


@pytest.fixture
def started() -> Iterator[Callable[..., _Started]]:
    made: list[_Started] = []

    def start(*argv: str, **how: Any) -> _Started:
        made.append(_Started(*argv, **how))
        return made[-1]

    yield start
    for each in made:
        each.process.kill()
        each.process.communicate()


def _gone(pids: Sequence[int]) -> bool:
    return not any(map(is_running, pids))


TREE = ["sh", "-c", "trap '' INT; sleep 1000 & echo $$; echo $!; wait"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_ends_every_command_with_what_it_started(
    cli: Cli, profiles: Path, started: Callable[..., _Started], number: int, status: int
) -> None:
    run = started("acme", "beta-long", "--", *TREE)
    pids = [int(line.rpartition("| ")[2]) for line in run.lines(4)]
    run.process.send_signal(number)
    _, err = run.process.communicate(timeout=PATIENCE)
    assert run.process.returncode == status
    assert b"Traceback" not in err
    wait_until(lambda: _gone(pids))


@pytest.mark.skipif(sys.platform == "win32", reason="no process can watch over another there")
def test_a_killed_omniprofile_leaves_no_command_nor_its_children(
    cli: Cli, profiles: Path, started: Callable[..., _Started]
) -> None:
    script = "trap '' TERM INT HUP; sleep 1000 & echo $!; echo $$; while :; do sleep 1; done"
    run = started("acme", "beta-long", "--", "sh", "-c", script)
    pids = [int(line.rpartition("| ")[2]) for line in run.lines(4)]
    run.process.kill()
    run.process.communicate(timeout=PATIENCE)
    wait_until(lambda: _gone(pids))


def test_a_command_that_does_not_want_to_end_is_killed(
    cli: Cli, profiles: Path, started: Callable[..., _Started]
) -> None:
    run = started("acme", "--", "sh", "-c", "trap '' TERM INT; echo $$; while :; do sleep 1; done")
    pids = [int(line.rpartition("| ")[2]) for line in run.lines(1)]
    run.process.send_signal(signal.SIGINT)
    run.process.communicate(timeout=PATIENCE)
    assert run.process.returncode == 130
    wait_until(lambda: _gone(pids))


def test_a_hanging_key_command_holds_up_no_other_and_ends_with_the_run(
    cli: Cli, profiles: Path, started: Callable[..., _Started], tmp_path: Path
) -> None:
    hanging = f'key = {{ command = ["sh", "-c", "echo $$ > {tmp_path}/pid; exec sleep 1000"], timeout = 500 }}'
    cli.profiles(PROFILES.replace('key = { env = "UNSET" }', hanging))
    run = started("keyless", "acme", "beta-long", "-j2", "--", "echo", "done")
    assert run.lines(2) == ["acme      | done\n", "beta-long | done\n"]
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    run.process.send_signal(signal.SIGTERM)
    run.process.communicate(timeout=PATIENCE)
    assert run.process.returncode == -signal.SIGTERM
    wait_until(lambda: _gone([int((tmp_path / "pid").read_text())]))


def test_a_reader_that_goes_away_ends_it(cli: Cli, profiles: Path, started: Callable[..., _Started]) -> None:
    run = started("acme", "beta-long", "--", "sh", "-c", "echo $$; exec yes")
    first = {run.lines(1)[0] for _ in range(1)}
    assert run.process.stdout
    run.process.stdout.close()
    assert run.process.stderr
    err = run.process.stderr.read()
    assert run.process.wait(PATIENCE) == 141
    assert err == b""
    wait_until(lambda: _gone([int(line.rpartition("| ")[2]) for line in first if line[-2].isdigit()]))


@pytest.mark.parametrize("flood", [["head", "-c", "200M", "/dev/zero"], ["sh", "-c", "yes | head -c 100M"]])
def test_a_flood_does_not_fill_the_memory(cli: Cli, profiles: Path, flood: list[str]) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (150_000_000, 150_000_000))

    ran = subprocess.run(
        [sys.executable, "-m", "omniprofile", "each", "acme", "--", *flood],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=limit,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"omniprofile: 1 of 1 ok\n")


def test_a_gateway_that_is_asked_for_is_each_profile_s_own(cli: Cli, profiles: Path) -> None:
    ran = cli("each", "acme", "beta-long", "--gateway", "--json", "--", *SHOW)
    environs = [json.loads(result["stdout"]) for result in json.loads(ran.out)["results"]]
    assert len({environ["OMNI_BASE_URL"] for environ in environs}) == 2
    assert all(environ["OMNI_BASE_URL"].startswith("http://127.0.0.1:") for environ in environs)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_failing_output_ends_the_run_and_is_not_a_profiles_error(cli: Cli, profiles: Path) -> None:
    command = ["sh", "-c", f"echo $OMNI_PROFILE >> {cli.work}/ran; echo"]
    with open("/dev/full", "wb") as full:
        ran = warm.run("each", "acme", "beta-long", "-j", "1", "--", *command, stdout=full)
    assert ran.returncode == 1
    assert ran.stderr == "omniprofile: error: the output cannot be written: no space left on device\n"
    assert (cli.work / "ran").read_text() == "acme\n"
