"""Killed edits, concurrent edits, full disks: the files are old or new, and nothing is lost."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from omniprofile.config.state import StateFile
from omniprofile.credentials.file_store import FileStore
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from tests import warm
from tests.conftest import CANARY, Cli
from tests.programs import run_program
from tests.sampling import WHOLE

ROOT = Path(__file__).parents[2]
MAIN = """\
version = 1
default = "old"  # mine

[profiles.old]
base_url = "https://acme.omniapp.co"

[profiles.child]
extends = "old"
key = { env = "X" }
"""
DROP_IN = '[profiles.far]\nextends = "old"  # far away\nkey = { env = "Y" }\n'
CONFIG, FAR = ".config/omniprofile/profiles.toml", ".config/omniprofile/profiles.d/far.toml"
STATE, PIN = ".local/state/omniprofile", "work/.omniprofile.toml"


def _home(folder: Path, *, children: bool = True) -> Path:
    before = folder / "before"
    for name, text in ((CONFIG, MAIN), (FAR, DROP_IN), (PIN, 'profile = "old"\n')):
        (before / name).parent.mkdir(parents=True, exist_ok=True)
        (before / name).write_text(text)
    if not children:
        (before / FAR).unlink()
        (before / CONFIG).write_text(MAIN[: MAIN.index("\n[profiles.child]")])
    state = before / STATE
    StateFile(str(state)).activate("child")
    StateFile(str(state)).activate("old")
    FileStore(str(state)).put(
        "old", StoredSecret(Origin.parse("https://acme.omniapp.co"), Secret(CANARY), datetime(2026, 1, 1, tzinfo=UTC))
    )
    return folder


def _sweep(home: Path, *argv: str) -> list[dict[str, Any]]:
    ran = run_program(
        [sys.executable, "-m", "tests.cli.sweep", str(home), "1" if WHOLE else "3", *argv], cwd=ROOT, check=True
    )
    *steps, last = map(json.loads, ran.stdout.splitlines())
    assert last == {"ended": 0}
    return list(steps)


def _whole(left: dict[str, str], folder: Path) -> None:
    """Check that every file that a kill left parses, and that no secret is misplaced."""
    for name, text in left.items():
        if name.endswith(".toml"):
            tomllib.loads(text)
        if name.endswith((".json", "active")):
            assert text.endswith("\n"), f"{name} is cut off"
        if "secrets" not in name:
            assert CANARY not in text, name


def test_rename_killed_before_any_file_operation_is_old_or_new_or_finished_by_running_it_again(tmp_path: Path) -> None:
    home = _home(tmp_path)
    steps = _sweep(home, "rename", "old", "new")
    done = steps[-1]["then"]
    assert len(steps) > 10
    states = {"old": 0, "new": 0, "named": 0}
    for step in steps:
        left = step["left"]
        _whole(left, home)
        plain = {name: text for name, text in left.items() if not name.endswith(".tmp")}
        if plain == steps[0]["left"]:
            states["old"] += 1
        elif plain == done:
            states["new"] += 1
        else:
            states["named"] += 1
            assert f"{STATE}/unfinished.json" in left, step
            assert "old" in left[f"{STATE}/unfinished.json"]
        if step is not steps[-1]:
            # Killed at the very end, all is renamed already: the second run does not find the old name.
            assert step["again"] == (5 if plain == done else 0), step
            assert step["then"] == done, step
    assert states["old"], states
    assert states["named"], states
    assert states["new"] or not WHOLE, states
    assert done[CONFIG] == MAIN.replace('"old"', '"new"').replace("profiles.old", "profiles.new")
    assert done[FAR] == DROP_IN.replace('"old"', '"new"')
    assert done[PIN] == 'profile = "new"\n'
    assert done[f"{STATE}/active"] == "new\nchild\n"
    assert list(json.loads(done[f"{STATE}/secrets.json"])["secrets"]) == ["new@https://acme.omniapp.co"]
    assert f"{STATE}/unfinished.json" not in done
    print(f"rename: {len(steps)} kill points, {states}")


def test_remove_killed_before_any_file_operation_is_old_or_new_or_finished_by_running_it_again(tmp_path: Path) -> None:
    home = _home(tmp_path, children=False)
    steps = _sweep(home, "remove", "old", "--yes")
    done = steps[-1]["then"]
    for step in steps:
        _whole(step["left"], home)
        plain = {name: text for name, text in step["left"].items() if not name.endswith(".tmp")}
        if plain not in (steps[0]["left"], done):
            assert f"{STATE}/unfinished.json" in step["left"], step
        if step is not steps[-1]:
            assert step["again"] == (5 if plain == done else 0), step
            assert step["then"] == done, step
    assert done[CONFIG] == "version = 1\n"
    assert done[f"{STATE}/active"] == "\nchild\n"
    assert json.loads(done[f"{STATE}/secrets.json"])["secrets"] == {}
    print(f"remove: {len(steps)} kill points")


def test_set_killed_before_any_file_operation_is_old_or_new(tmp_path: Path) -> None:
    home = _home(tmp_path)
    steps = _sweep(home, "set", "old", "auth", "oauth")
    done = steps[-1]["then"]
    for step in steps:
        plain = {name: text for name, text in step["left"].items() if not name.endswith(".tmp")}
        assert plain in (steps[0]["left"], done), step
        assert (step["again"], step["then"]) == (0, done), step
    print(f"set: {len(steps)} kill points")


def test_real_processes_killed_at_any_time_leave_whole_files(tmp_path: Path, cli: Cli) -> None:
    """The kill may come in the middle of an operation, not only before one."""
    file = cli.profiles(MAIN)
    dice = random.Random(4)
    survivors = 0
    start = time.monotonic()
    warm.run("-q", "set", "old", "description", "first", check=True)
    whole = time.monotonic() - start
    for number in range(12):
        argv = ["set", "old", "description", f"number {number}"]
        child = warm.Popen([*warm.PROGRAM, "-q", *argv], stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.3, 1.1) * whole)
        child.send_signal(signal.SIGKILL)
        survivors += child.wait() == 0
        text = file.read_text()
        rest = [line for line in text.splitlines() if not line.startswith("description")]
        assert rest == MAIN.splitlines()
        tomllib.loads(text)
    assert cli("set", "old", "description", "at last").status == 0
    assert sorted(os.listdir(file.parent)) == ["profiles.toml"], "what a kill left is swept away by the next edit"
    print(f"12 processes, {survivors} ended before the kill")


def test_twenty_processes_that_edit_at_once_all_keep_their_edit(cli: Cli) -> None:
    file = cli.profiles(MAIN)
    lines: list[tuple[str, ...]] = [("set", "old", f"env.V{n}", "x") for n in range(10)]
    lines += [("add", f"p{n}", "--base-url", f"https://p{n}.omniapp.co") for n in range(8)]
    lines += [("rename", "child", "kid", "--leave-secret"), ("set", "default", "old")]
    children = [warm.Popen([*warm.PROGRAM, "-q", *argv]) for argv in lines]
    assert [child.wait(120) for child in children] == [0] * 20
    data = tomllib.loads(file.read_text())
    assert set(data["profiles"]["old"]["env"]) == {f"V{n}" for n in range(10)}
    assert set(data["profiles"]) == {"old", "kid", *(f"p{n}" for n in range(8))}
    assert file.read_text().startswith(MAIN[: MAIN.index("\n[profiles.child]")])
    assert cli("lint").status == 0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
    )
    if not mounted:
        assert not os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL") or os.geteuid() != 0, "root could not mount a tmpfs"
        pytest.skip("needs root, and mount(2)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize(
    "argv", [["rename", "old", "new"], ["set", "old", "auth", "oauth"], ["add", "x", "--extends", "old"]]
)
def test_a_full_disk_changes_nothing_and_gives_the_change_to_make_by_hand(
    small: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, argv: list[str]
) -> None:
    before = _home(tmp_path) / "before"
    config = before / ".config/omniprofile"
    for path in (config / "profiles.toml", config / "profiles.d/far.toml"):
        target = small / path.name
        target.write_bytes(path.read_bytes())
        path.unlink()
        path.symlink_to(target)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(before / ".config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(before / ".local/state"))
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")
    with (small / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            pass
    state = {path.name: path.read_bytes() for path in (before / STATE).iterdir() if path.suffix != ".lock"}
    ran = cli(*argv, status=1)
    assert "no space left" in ran.err
    assert "make the change above by hand" in ran.err
    assert "\n+++ " in ran.err
    assert (small / "profiles.toml").read_text() == MAIN
    assert (small / "far.toml").read_text() == DROP_IN
    assert sorted(os.listdir(small)) == ["far.toml", "filler", "profiles.toml"]
    assert {path.name: path.read_bytes() for path in (before / STATE).iterdir() if path.suffix != ".lock"} == state
    (small / "filler").unlink()
    assert cli(*argv).status == 0


def test_a_read_only_file_system_changes_nothing_and_gives_the_change_to_make_by_hand(
    small: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like a file of the Nix store, or in a container: not even root can write it."""
    (small / "profiles.toml").write_text(MAIN)
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    cli.config.parent.mkdir(parents=True)
    cli.config.symlink_to(small / "profiles.toml")
    for argv in (["set", "old", "auth", "oauth"], ["rename", "child", "kid", "--leave-secret"]):
        ran = cli(*argv, status=1)
        assert "read-only" in ran.err
        assert "make the change above by hand" in ran.err
    assert cli("use", "old").status == 0, "switching needs no writable profile file"
    assert not (cli.state / "unfinished.json").exists()


def test_a_file_that_vanishes_or_changes_between_reading_and_writing_is_not_overwritten(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omniprofile.config.editing import draft

    real: Callable[..., Any] = draft.Draft.check
    file = cli.profiles(MAIN)

    def meanwhile(change: Callable[[], object]) -> None:
        def check(self: Any) -> int:
            left: int = real(self)
            change()
            return left

        monkeypatch.setattr(draft.Draft, "check", check)

    meanwhile(lambda: file.write_text(MAIN + "# mine\n"))
    ran = cli("set", "old", "auth", "oauth", status=1)
    assert "was changed by another program meanwhile" in ran.err
    assert file.read_text() == MAIN + "# mine\n"
    meanwhile(file.unlink)
    assert cli("set", "old", "auth", "oauth").status == 1
    assert not file.exists()
    assert os.listdir(file.parent) == []
