"""Writing the audit log: whole lines from concurrent processes, bounded, private, and never a failure."""

import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from omniprofile.system import audit
from tests.conftest import CANARY
from tests.programs import run_program
from tests.waiting import PATIENCE


def _record(folder: Path, profile: str = "prod", **others: object) -> None:
    given = {"base_url": "https://acme.omniapp.co", "layer": "flag", **others}
    audit.record(str(folder), str(folder.parent), "exec", profile=profile, **given)  # type: ignore[arg-type]  # any of them


def _lines(folder: Path, name: str = audit.FILE) -> list[dict[str, object]]:
    # A process that reads the end of a line while another writes it puts a line end before its own: an empty line, which no
    # reader of the log takes for an entry.
    return [json.loads(line) for line in (folder / name).read_text("ascii").splitlines() if line]


def test_a_line_has_every_key(tmp_path: Path) -> None:
    _record(tmp_path / "state", command="/usr/bin/omni")
    _record(tmp_path / "state", requests={"GET": {"200": 3, "404": 1}}, refused={"method": "PUT", "path": "/a?key=b"})
    first, second = _lines(tmp_path / "state")
    assert str(first.pop("time"))[10::13] == "TZ"
    assert first == {
        "profile": "prod",
        "base_url": "https://acme.omniapp.co",
        "how": "exec",
        "command": "omni",
        "layer": "flag",
        "requests": None,
        "refused": None,
    }
    assert (second["requests"], second["refused"]) == (
        {"GET": {"200": 3, "404": 1}},
        {"method": "PUT", "path": "/a"},
    )


@pytest.mark.parametrize("text", ["plain", 'a "quoted" \\ one', "tab\tline\nend\0", "Zoë 🦉", "\udcff", "\x7f\u2028"])
def test_any_text_is_read_back_as_it_was(tmp_path: Path, text: str) -> None:
    _record(tmp_path, profile=text)
    assert [line["profile"] for line in _lines(tmp_path)] == [text]


def test_no_secret_and_no_long_text_is_kept(tmp_path: Path) -> None:
    _record(tmp_path, command=f"/bin/{CANARY}", refused={"method": "GET", "path": f"/api/{CANARY}/" + "x" * 5000})
    assert CANARY not in (tmp_path / audit.FILE).read_text()
    assert (tmp_path / audit.FILE).stat().st_size < 2000


def test_the_file_is_private_and_made_so_again(tmp_path: Path) -> None:
    _record(tmp_path / "state")
    path = tmp_path / "state" / audit.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o644)
    _record(tmp_path / "state")
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(_lines(tmp_path / "state")) == 2


def test_a_line_that_was_cut_short_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / audit.FILE).write_text('{"profile": "half')
    _record(tmp_path)
    cut, whole = (tmp_path / audit.FILE).read_text().splitlines()
    assert cut == '{"profile": "half'
    assert json.loads(whole)["profile"] == "prod"


def test_two_hundred_at_once_write_whole_lines_over_a_rotation(tmp_path: Path) -> None:
    filler = json.dumps({"profile": "before"}) + "\n"
    (tmp_path / audit.FILE).write_text(filler * ((audit._FULL - 10_000) // len(filler)))
    before = len(_lines(tmp_path))
    code = """
import os, sys
from omniprofile.system.audit import record
gate, held = os.pipe()
for writer in range(200):
    if os.fork() == 0:
        os.close(held)
        os.read(gate, 1)  # all begin when the pipe is closed
        for n in range(2):
            record(sys.argv[1], sys.argv[1], "exec", profile=f"{writer}-{n}", base_url="u", layer="flag")
        os._exit(0)
os.close(held)
sys.exit(any(os.wait()[1] for _ in range(200)))
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)
    written = [*_lines(tmp_path, audit.OLDER_FILE), *_lines(tmp_path)]
    assert len(written) == before + 400
    assert len({line["profile"] for line in written}) == 401
    assert len(_lines(tmp_path)) < 400, "it was put aside"


def test_there_is_one_older_file_and_neither_grows(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    for number in range(400):
        _record(folder, profile=str(number), command="\u2028" * 900)
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sizes.keys() == {audit.FILE, audit.OLDER_FILE, f"{audit.FILE}.lock"}
    assert max(sizes.values()) <= audit.LARGEST
    assert _lines(folder)[-1]["profile"] == "399"


def test_a_file_over_the_limit_is_put_aside_and_the_log_goes_on(tmp_path: Path) -> None:
    (tmp_path / audit.FILE).write_text("x" * (2 * audit.LARGEST))
    (tmp_path / audit.FILE).chmod(0o644)
    _record(tmp_path)
    assert [line["profile"] for line in _lines(tmp_path)] == ["prod"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.jsonl")} == {0o600}
    assert (tmp_path / audit.OLDER_FILE).stat().st_size == 2 * audit.LARGEST


def test_a_log_that_cannot_be_rotated_does_not_grow(tmp_path: Path) -> None:
    (tmp_path / audit.OLDER_FILE).mkdir()
    (tmp_path / audit.OLDER_FILE / "keep").touch()
    for _ in range(300):
        _record(tmp_path, command="\u2028" * 900)
    assert audit._FULL < (tmp_path / audit.FILE).stat().st_size <= audit.LARGEST


def _link(path: Path) -> None:
    path.symlink_to(path.parent / "elsewhere")
    (path.parent / "elsewhere").touch()


def _hard_link(path: Path) -> None:
    (path.parent / "elsewhere").touch(0o600)
    path.hardlink_to(path.parent / "elsewhere")


def _writable_folder(path: Path) -> None:
    path.parent.chmod(0o777)


@pytest.mark.parametrize(
    "plant",
    [_link, _hard_link, _writable_folder, lambda path: os.mkfifo(path), lambda path: path.mkdir()],
    ids=["link", "hard link", "folder of everybody", "fifo", "folder"],
)
def test_nothing_is_written_where_others_could_have_planted_something(
    tmp_path: Path, plant: Callable[[Path], object]
) -> None:
    folder = tmp_path / "state"
    folder.mkdir(0o700)
    plant(folder / audit.FILE)
    _record(folder)
    found = [path for path in folder.iterdir() if path.is_file() and path.stat().st_size]
    assert found == []


def test_a_pipe_with_a_reader_is_given_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / audit.FILE)
    read: list[bytes] = []
    opened = threading.Event()

    def reader() -> None:
        with open(os.open(tmp_path / audit.FILE, os.O_RDONLY | os.O_NONBLOCK), "rb") as pipe:
            opened.set()
            read.append(pipe.read())

    thread = threading.Thread(target=reader)
    thread.start()
    opened.wait(PATIENCE)
    _record(tmp_path)
    thread.join(PATIENCE)
    assert read == [b""]


def test_a_home_that_is_missing_is_not_made(tmp_path: Path) -> None:
    home = tmp_path / "nobody"
    audit.record(str(home / ".local" / "state"), str(home), "env", profile="p", base_url="u", layer="flag")
    assert not home.exists()


@pytest.mark.parametrize("folder", ["a\0b", "file/state", "x" * 300])
def test_no_folder_is_a_failure(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    _record(tmp_path / folder)


def test_a_full_disk_does_not_cause_a_failure(tmp_path: Path) -> None:
    """`RLIMIT_FSIZE` makes a write fail as on a full disk: partly written, or not at all."""
    code = (
        "import sys, resource; from omniprofile.system.audit import record\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (250, 250))\n"
        "for n in range(3): record(sys.argv[1], sys.argv[1], 'exec', profile='prod', base_url='u', layer='flag')"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    ran = run_program([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert (ran.stdout, ran.stderr) == ("", "")
    assert (tmp_path / audit.FILE).stat().st_size == 250
    _record(tmp_path)
    assert [line[:10] for line in (tmp_path / audit.FILE).read_text().splitlines()] == ['{"time": "'] * 3
