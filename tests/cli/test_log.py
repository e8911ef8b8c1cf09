"""The audit log as commands write it, on the fast path and the full one, and as `log` shows it."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import omniprofile
from omniprofile.system.audit import FILE, OLDER_FILE
from tests.conftest import CANARY, Cli
from tests.waiting import PATIENCE

PROFILES = """\
default = "acme"

[profiles.acme]
base_url = "https://acme.omniapp.co"
key = { env = "KEY" }

[profiles.beta]
base_url = "https://beta.omniapp.co"
key = { env = "KEY" }
"""
Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def profiles(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEY", CANARY)
    return cli.profiles(PROFILES)


def _entries(cli: Cli, *argv: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(cli("log", "--json", *argv).out)["entries"]
    return found


WAYS: list[tuple[list[str], list[dict[str, object]]]] = [
    (
        ["exec", "beta", "--", "/bin/true", "-x"],
        [{"how": "exec", "profile": "beta", "layer": "flag", "command": "true"}],
    ),
    (["exec", "--", "omni", "config", "show"], []),
    (["each", "--all", "--", "omni", "config", "show"], []),
    (["exec", "--", "true"], [{"how": "exec", "profile": "acme", "layer": "defaults", "command": "true"}]),
    (["env", "--shell", "bash"], [{"how": "env", "profile": "acme", "layer": "defaults", "command": None}]),
    (["env", "--unset"], []),
    (["export", "omni-cli"], []),
    (["export", "omni-cli", "--with-secrets", "--dry-run"], []),
    (
        ["export", "omni-cli", "--with-secrets", "-p", "beta"],
        [{"how": "export", "profile": "beta", "layer": "flag", "command": None}],
    ),
    (["token", "beta"], [{"how": "token", "profile": "beta", "layer": "flag", "command": None}]),
    (["current"], []),
    (["list"], []),
    (["token", "none-such"], []),
    (
        ["exec", "--as", "A_=acme", "--as", "B_=beta", "--", "true"],
        [{"how": "exec", "profile": name, "layer": "flag", "command": "true"} for name in ("acme", "beta")],
    ),
    (
        ["each", "-j1", "--all", "--", "true"],
        [{"how": "exec", "profile": name, "layer": "flag", "command": "true"} for name in ("acme", "beta")],
    ),
]


@pytest.mark.parametrize(("argv", "noted"), WAYS, ids=[" ".join(argv) for argv, _ in WAYS])
@pytest.mark.parametrize("more", [[], ["-q"]], ids=["fast path", "full path"])
def test_each_credential_that_is_handed_out_is_one_line(
    cli: Cli, process: Process, argv: list[str], noted: list[dict[str, object]], more: list[str]
) -> None:
    process(*more, *argv)
    entries = _entries(cli)
    keys = ("how", "profile", "layer", "command")
    assert [{key: entry[key] for key in keys} for entry in entries] == noted
    for entry in entries:
        assert entry["base_url"] == f"https://{entry['profile']}.omniapp.co"
    assert not any(CANARY in path.read_text() for path in cli.state.glob("audit*"))


def test_every_layer_is_named(cli: Cli, process: Process) -> None:
    process("token", env={"OMNI_PROFILE": "beta"})
    (cli.work / ".omniprofile.toml").write_text('profile = "beta"\n')
    process("token")
    (cli.work / ".omniprofile.toml").unlink()
    process("use", "beta")
    process("token")
    cli.profiles(PROFILES.partition("[profiles.beta]")[0].partition("\n")[2])
    process("use", "acme")
    (cli.state / "active").unlink()
    process("token")
    assert [entry["layer"] for entry in _entries(cli)] == ["environment", "project", "state", "builtin"]


def test_the_library_and_a_pair_of_the_environment(cli: Cli, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    omniprofile.resolve("beta")
    process("token", env={"OMNI_API_TOKEN": "t0ken-theirs", "OMNI_BASE_URL": "https://theirs.omniapp.co"})
    library, pair = _entries(cli)
    assert (library["how"], library["profile"], library["layer"]) == ("library", "beta", "flag")
    assert (pair["profile"], pair["base_url"], pair["layer"]) == (None, "https://theirs.omniapp.co", "environment")


def test_it_can_be_turned_off(cli: Cli, process: Process, profiles: Path) -> None:
    profiles.write_text(f"{PROFILES}[settings]\naudit = false\n")
    for more in ([], ["-q"]):
        process(*more, "token")
        process(*more, "exec", "--", "true")
    omniprofile.resolve("beta")
    assert not (cli.state / FILE).exists()
    ran = cli("log")
    assert (ran.status, ran.out) == (0, "")
    assert "turned off by `audit = false`" in ran.err
    assert "`settings.audit` must be true or false" in _with(profiles, 'audit = "no"', cli)


def _with(profiles: Path, setting: str, cli: Cli) -> str:
    profiles.write_text(f"{PROFILES}[settings]\n{setting}\n")
    return cli("lint").out


def _file(state: Path) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text("")


def _pipe(state: Path) -> None:
    state.mkdir(parents=True, mode=0o700)
    os.mkfifo(state / FILE)


def _link(state: Path) -> None:
    state.mkdir(parents=True, mode=0o700)
    (state / FILE).symlink_to("/dev/full")


def _everybody(state: Path) -> None:
    state.mkdir(parents=True)
    (state / FILE).write_text("")
    (state / FILE).chmod(0o666)


@pytest.mark.parametrize("spoil", [_file, _pipe, _link, _everybody])
@pytest.mark.parametrize("more", [[], ["-q"]], ids=["fast path", "full path"])
def test_nothing_in_its_place_changes_a_command(
    cli: Cli, process: Process, spoil: Callable[[Path], None], more: list[str], tmp_path: Path
) -> None:
    state = tmp_path / "other" / "state"
    spoil(state)
    # The profile is named, because the active one cannot be read there.
    env = {"OMNIPROFILE_STATE_DIR": str(state)}
    ran = process(*more, "exec", "beta", "--", "printenv", "OMNI_PROFILE", env=env)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "beta\n", "")


def test_no_command_that_only_hands_out_makes_a_home(process: Process, cli: Cli, tmp_path: Path) -> None:
    home = tmp_path / "nobody"
    unset = {"XDG_STATE_HOME": "", "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""}
    ran = process("token", "beta", env={"HOME": str(home), "OMNIPROFILE_CONFIG": str(cli.config), **unset})
    assert (ran.returncode, ran.stdout, home.exists()) == (0, CANARY + "\n", False)


def test_log_chooses_by_profile_and_time(cli: Cli, process: Process) -> None:
    process("token", "acme")
    process("token", "beta")
    old = {**_entries(cli)[0], "time": "2020-01-01T00:00:00.000Z", "profile": "gone"}
    (cli.state / OLDER_FILE).write_text(json.dumps(old) + "\n")
    assert [entry["profile"] for entry in _entries(cli)] == ["gone", "acme", "beta"]
    assert [entry["profile"] for entry in _entries(cli, "--since", "1h")] == ["acme", "beta"]
    assert [entry["profile"] for entry in _entries(cli, "gone")] == ["gone"]
    assert _entries(cli, "gone", "--since", "2h") == []
    assert "nothing about `gone` is in the audit log for that time" in cli("log", "gone", "--since", "2h").err
    cli.profiles("[profiles.unused]\n", "profiles.d/u.toml")
    ran = cli("log", "unused")
    assert (ran.status, ran.out) == (0, "")
    assert "nothing about `unused` is in the audit log" in ran.err
    ran = cli("log", "acm", "--json")
    assert (ran.status, json.loads(ran.out)["error"]["code"]) == (5, "no-such-profile")
    assert cli("log", "--since", "soon").status == 2


def test_log_shows_a_table(cli: Cli, process: Process) -> None:
    process("exec", "--", "true")
    entry = _entries(cli)[0]
    gateway = {
        **entry,
        "how": "gateway",
        "requests": {"GET": {"200": 3, "404": 1}},
        "refused": None,
    }
    refused = {**entry, "how": "gateway", "refused": {"method": "PUT", "path": "/api/\u001b[31m"}}
    with (cli.state / FILE).open("a") as file:
        file.write(f"{json.dumps(gateway)}\n{json.dumps(refused)}\n")
    head, first, second, third = cli("log").out.splitlines()
    assert head.split() == ["TIME", "PROFILE", "HOW", "COMMAND", "CHOSEN", "BY", "INSTANCE"]
    assert first.split()[2:] == ["acme", "exec", "true", "defaults", "https://acme.omniapp.co"]
    assert second.endswith("3 GET 200, 1 GET 404")
    assert third.endswith("refused: PUT /api/\\x1b[31m")


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '{"time": 1}', "\udcff", '{"time": "x", "profile": null}', "[" * 100_000, "null"]
)
def test_damaged_lines_are_left_out_and_counted(cli: Cli, process: Process, line: str) -> None:
    process("token")
    with (cli.state / FILE).open("ab") as file:
        file.write(line.encode("utf-8", "surrogateescape") + b"\n\n")
    process("token")
    ran = cli("log", "--json")
    assert len(json.loads(ran.out)["entries"]) == 2
    assert ran.err == "omniprofile: 1 damaged line of the audit log left out\n"


def test_a_log_that_cannot_be_read_is_an_error(cli: Cli) -> None:
    (cli.state / FILE).mkdir(parents=True)
    ran = cli("log", "--json", status=1)
    assert json.loads(ran.out)["error"]["code"] == "failed"


def test_a_log_that_another_process_puts_aside_holds_up_nobody(cli: Cli, process: Process) -> None:
    from omniprofile.system import audit
    from omniprofile.system.locking import lock

    cli.state.mkdir(parents=True, mode=0o700)
    (cli.state / FILE).write_text("x" * (audit.LARGEST - 500) + "\n")
    with lock(str(cli.state / f"{FILE}.lock"), 0):
        assert process("token", "beta", timeout=PATIENCE).returncode == 0
    assert process("token", "beta").returncode == 0
    assert (cli.state / OLDER_FILE).exists()
