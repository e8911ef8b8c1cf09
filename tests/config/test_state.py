"""The file with the active profile: complete at any moment, readable by a shell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from omniprofile.config import state as state_module
from omniprofile.config.state import StateFile
from omniprofile.errors import ConfigUnreadable, OperationFailed
from omniprofile.system.locking import lock


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (None, (None, None)),
        (b"", (None, None)),
        (b"\n\n\n", (None, None)),
        (b"prod", ("prod", None)),
        (b" prod \nstaging\nthird", ("prod", "staging")),
        (b"\nstaging", (None, "staging")),
        (b"prod\r\nold\r\n", ("prod", "old")),
        (b"\xff\xfe\n", ("\ufffd\ufffd", None)),
    ],
)
def test_a_file_names_at_most_two(content: bytes | None, names: tuple[str | None, str | None], tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "active").write_bytes(content)
    assert StateFile(str(tmp_path)).read() == names


def test_the_first_line_is_the_active_profile_and_the_second_the_previous_one(tmp_path: Path):
    state = StateFile(str(tmp_path))
    state.activate("one")
    state.activate("two")
    assert (tmp_path / "active").read_bytes() == b"two\none\n"
    assert state.read() == ("two", "one")


def test_activating_the_active_profile_keeps_the_previous_one(tmp_path: Path):
    state = StateFile(str(tmp_path))
    for name in ("one", "two", "two"):
        state.activate(name)
    assert state.read() == ("two", "one")


@pytest.mark.parametrize(
    ("before", "new", "after"),
    [
        (b"one\ntwo\n", "new", b"new\ntwo\n"),
        (b"two\none\n", "new", b"two\nnew\n"),
        (b"one\ntwo\n", None, b"\ntwo\n"),
        (b"two\none\n", None, b"two\n\n"),
        (b"two", "new", b"two"),
    ],
)
def test_a_profile_that_is_renamed_or_removed_is_so_in_the_file(
    tmp_path: Path, before: bytes, new: str | None, after: bytes
):
    (tmp_path / "active").write_bytes(before)
    StateFile(str(tmp_path)).rename("one", new)
    assert (tmp_path / "active").read_bytes() == after


def test_the_previous_profile_stays_where_the_active_one_was_removed(tmp_path: Path):
    (tmp_path / "active").write_bytes(b"\ntwo\n")
    assert StateFile(str(tmp_path)).activate("one") == ("one", "two")
    assert (tmp_path / "active").read_bytes() == b"one\ntwo\n"


def test_a_switch_waits_for_the_one_that_another_process_makes_and_then_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(state_module, "_LOCK_SECONDS", 0.05)
    state = StateFile(str(tmp_path))
    state.activate("one")
    with lock(str(tmp_path / "active.lock"), 1), pytest.raises(OperationFailed, match="held by another process"):
        state.activate("two")
    assert state.read() == ("one", None)


def test_a_file_that_no_switch_wrote_is_not_read_for_ever(tmp_path: Path):
    (tmp_path / "active").write_bytes(b"a" * (64 * 1024))
    assert StateFile(str(tmp_path)).read()[0] == "a" * (64 * 1024)
    (tmp_path / "active").write_bytes(b"a" * (64 * 1024 + 1))
    with pytest.raises(ConfigUnreadable, match="larger than 64 KiB"):
        StateFile(str(tmp_path)).read()


def test_a_fifo_does_not_hang(tmp_path: Path):
    os.mkfifo(tmp_path / "active")
    with pytest.raises(ConfigUnreadable, match="FIFO"):
        StateFile(str(tmp_path)).read()


def test_the_folder_is_private_and_the_file_too(tmp_path: Path):
    StateFile(str(tmp_path / "a" / "b")).activate("one")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b" / "active").stat().st_mode & 0o777 == 0o600


def test_many_processes_that_switch_at_once_leave_one_whole_file(tmp_path: Path):
    code = (
        "import sys; from omniprofile.config.state import StateFile\n"
        "for i in range(5): StateFile(sys.argv[1]).activate(f'{sys.argv[2]}-{i}')"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "state"), f"worker{n}"]) for n in range(12)]
    assert [worker.wait(60) for worker in workers] == [0] * 12
    active, previous = StateFile(str(tmp_path / "state")).read()
    assert active
    assert active.endswith("-4")
    assert previous
    assert previous != active
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["active", "active.lock"]
