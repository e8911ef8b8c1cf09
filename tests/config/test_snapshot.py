"""The snapshot is used only while it matches the files, and only if it belongs to this user."""

import marshal
import os
import stat
import subprocess
import sys
import time
from binascii import crc32
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omniprofile.cli import fast_path
from omniprofile.config import serialize, snapshot
from omniprofile.config.loader import load
from omniprofile.model.declaration import Config
from tests.conftest import Cli

ONE = '[profiles.one]\nbase_url = "https://one.omniapp.co"\nkey = { env = "KEY" }\n'
TWO = ONE.replace("one", "two")
NEW = '[profiles.new]\nbase_url = "https://new.omniapp.co"\nkey = { env = "KEY" }\n'


def answer(*argv: str) -> "fast_path.Answer | None":
    """Return the fast path's answer; None if it declines."""
    return fast_path.answer(argv, os.environ, sys.platform)


class Home:
    """A profile file with one profile, and its snapshot."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        self.file = cli.profiles(ONE)
        self.drop_ins = self.file.parent / "profiles.d"
        self.cache = Path(os.environ["XDG_CACHE_HOME"], "omniprofile")

    def compile(self) -> None:
        """Write the snapshot, and check that it is used."""
        self.cli("list")
        assert answer("current") == "one\n"

    @property
    def snapshot(self) -> Path:
        (path,) = self.cache.glob("profiles-*.snapshot")
        return path

    def current(self) -> str:
        """Return the output of `current`, after checking that the fast path agrees with the full one."""
        quick = answer("current")
        ran = self.cli("current")
        in_full = ran.out if ran.status == 0 else ran.err.split("`")[0]
        assert quick in (None, in_full)
        return in_full


@pytest.fixture
def home(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Changes count as recent on any machine; tests of older changes set that themselves."""
    monkeypatch.setattr(snapshot, "_SETTLED", 3_600_000_000_000)
    monkeypatch.setenv("KEY", "k")
    return Home(cli)


# Every way to edit


def _write(home: Home) -> None:
    home.file.write_text(TWO)


def _write_with_the_old_times(home: Home) -> None:
    before = home.file.stat()
    home.file.write_text(TWO)
    os.utime(home.file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(home: Home) -> None:
    other = home.file.with_suffix(".other")
    other.write_text(TWO)
    other.rename(home.file)


def _replace_by_one_of_the_same_age(home: Home) -> None:
    before = home.file.stat()
    other = home.file.with_suffix(".other")
    other.write_text(TWO)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(home.file)


def _touch_back(home: Home) -> None:
    home.file.write_text(TWO)
    os.utime(home.file, (1, 1))


def _touch_ahead(home: Home) -> None:
    home.file.write_text(TWO)
    os.utime(home.file, (4e9, 4e9))


def _link_elsewhere(home: Home) -> None:
    other = home.file.with_suffix(".other")
    other.write_text(TWO)
    home.file.unlink()
    home.file.symlink_to(other)


def _add_a_drop_in(home: Home) -> None:
    home.drop_ins.mkdir()
    (home.drop_ins / "a.toml").write_text('default = "new"\n' + NEW)


EDITS = [
    _write, _write_with_the_old_times, _replace, _replace_by_one_of_the_same_age, _touch_back, _touch_ahead, _link_elsewhere,
    _add_a_drop_in,
]  # fmt: skip


@pytest.mark.parametrize("settled", [0, 3_600_000_000_000], ids=["settled", "just written"])
@pytest.mark.parametrize("edit", EDITS)
def test_whatever_way_the_files_are_edited_the_answer_is_fresh(
    home: Home, edit: Callable[[Home], None], settled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_SETTLED", settled)
    home.cli("list")
    time.sleep(0.02)  # waits for a tick of the kernel's clock; the next test covers edits within one tick
    edit(home)
    expected = "new\n" if edit is _add_a_drop_in else "two\n"
    assert home.current() == expected
    assert home.current() == expected


def test_edits_of_equal_size_within_the_same_tick_are_seen(home: Home) -> None:
    """Only the content differs: inode, size and often the times are the same."""
    same = 0
    for turn in range(60):
        name = ("one", "two")[turn % 2]
        before = home.file.stat()
        with open(home.file, "r+") as file:
            file.write(ONE.replace("one", name))
        after = home.file.stat()
        same += (before.st_size, before.st_ctime_ns, before.st_ino) == (after.st_size, after.st_ctime_ns, after.st_ino)
        assert answer("current") in (None, f"{name}\n")
        home.cli("list")
        with open(home.file, "r+") as file:
            file.write(ONE.replace("one", ("two", "one")[turn % 2]))
        assert answer("current") in (None, ("two\n", "one\n")[turn % 2])


def test_an_edit_that_no_stamp_shows_is_seen(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock has not ticked since the snapshot was written: the times are equal, the content is not."""
    monkeypatch.setattr(snapshot, "stamp", lambda status: (status.st_size, time.time_ns() * 2, 0))
    frozen = time.time_ns()
    monkeypatch.setattr(snapshot, "stamp", lambda status: (status.st_size, frozen, frozen))
    home.compile()
    home.file.write_text(TWO)
    assert answer("current") is None
    assert home.cli("current").out == "two\n"
    assert answer("current") == "two\n"


def test_once_a_change_is_old_its_stamp_alone_is_looked_at(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "_SETTLED", 0)
    time.sleep(0.02)
    home.compile()
    checked = []
    whole = crc32

    def spy(content: bytes) -> int:
        checked.append(content)
        return whole(content)

    monkeypatch.setattr(snapshot, "crc32", spy)
    assert answer("current") == "one\n"
    assert ONE.encode() not in checked


def test_a_snapshot_of_a_change_that_was_new_is_made_once_more_when_it_is_old(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.compile()
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 3_601_000_000_000)
    monkeypatch.setattr("omniprofile.config.loader.time_ns", time.time_ns)
    assert answer("current") is None
    home.compile()


def test_a_retargeted_link_is_seen(home: Home) -> None:
    one, two = home.file.with_suffix(".one"), home.file.with_suffix(".two")
    home.file.rename(one)
    two.write_text(TWO)
    home.file.symlink_to(one)
    home.compile()
    home.file.unlink()
    home.file.symlink_to(two)
    assert home.current() == "two\n"


def test_a_folder_that_is_linked_elsewhere_moves_the_keys_of_its_files(home: Home, tmp_path: Path) -> None:
    """The inode is the same, but relative key paths start at another folder."""
    home.file.unlink()
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "key").write_text(f"key-{name}\n")
        (folder / "key").chmod(0o600)
    (tmp_path / "a/p.toml").write_text('[profiles.one]\nbase_url = "https://one.omniapp.co"\nkey = { file = "key" }\n')
    os.link(tmp_path / "a/p.toml", tmp_path / "b/p.toml")
    (tmp_path / "here").symlink_to("a")
    env = {**os.environ, "OMNIPROFILE_CONFIG": str(tmp_path / "here/p.toml")}
    assert home.cli("token", env=env, shows=True).out == "key-a\n"
    assert fast_path.answer(["token"], env, sys.platform) == "key-a\n"
    (tmp_path / "here").unlink()
    (tmp_path / "here").symlink_to("b")
    assert fast_path.answer(["token"], env, sys.platform) is None
    assert home.cli("token", env=env, shows=True).out == "key-b\n"


@pytest.mark.parametrize("what", ["main", "drop-in", "folder"])
def test_a_file_that_goes_away_is_seen(home: Home, what: str) -> None:
    home.drop_ins.mkdir()
    (home.drop_ins / "a.toml").write_text(NEW.replace("new", "another"))
    home.cli("use", "one")
    home.compile()
    if what == "main":
        home.file.unlink()
        assert home.current() == "omniprofile: error: profile "
    elif what == "drop-in":
        (home.drop_ins / "a.toml").unlink()
        assert answer("token", "another") is None
        assert home.cli("token", "another").status == 5
    else:
        (home.drop_ins / "a.toml").unlink()
        home.drop_ins.rmdir()
        assert home.cli("token", "another").status == 5


def test_a_file_that_everybody_may_write_is_refused_though_its_content_is_the_same(home: Home) -> None:
    home.compile()
    home.file.chmod(0o666)
    assert answer("current") is None
    assert home.cli("current").status == 6
    home.file.chmod(0o644)
    assert home.current() == "one\n"


def test_a_bad_edit_is_an_error_and_not_the_last_good_answer(home: Home) -> None:
    home.compile()
    home.file.write_text(ONE + "colour = 1\n")
    assert answer("current") is None
    assert home.cli("current").status == 3


def test_another_home_and_another_config_have_their_own_snapshots(home: Home, tmp_path: Path) -> None:
    home.compile()
    other = tmp_path / "other.toml"
    other.write_text(TWO)
    env = {**os.environ, "OMNIPROFILE_CONFIG": str(other)}
    assert fast_path.answer(["current"], env, sys.platform) is None
    assert home.cli("current", env=env).out == "two\n"
    assert fast_path.answer(["current"], env, sys.platform) == "two\n"
    assert answer("current") == "one\n"
    assert fast_path.answer(["current"], {**os.environ, "HOME": str(tmp_path)}, sys.platform) is None


def _key(content: bytes) -> tuple[int, Any]:
    """Return the end of a snapshot's key, and the key."""
    start = len(snapshot._HEADER) + 16
    end = start + int.from_bytes(content[start - 16 : start - 8], "little")
    return end, marshal.loads(content[start:end])


def test_a_section_of_another_snapshot_is_a_miss(home: Home) -> None:
    """A crash can leave half an old file and half a new one, if they were not synced to disk."""
    home.compile()
    old = home.snapshot.read_bytes()
    home.file.write_text(TWO.replace("two", "six"))  # names of the same length keep every section at its offset
    home.cli("list")
    new = home.snapshot.read_bytes()
    (at, _), (other, _) = _key(new), _key(old)
    home.snapshot.write_bytes(new[:at] + old[other:])
    assert answer("current") in (None, "six\n")
    assert home.cli("current").out == "six\n"


# Owner and content


def test_the_snapshot_is_private_and_holds_no_secret(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "omni_osk_secret")
    home.compile()
    assert home.cli("token", shows=True).status == 0
    assert stat.S_IMODE(home.snapshot.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.cache.stat().st_mode) == 0o700
    assert b"omni_osk_secret" not in home.snapshot.read_bytes()


needs_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")


def _forge(home: Home) -> bytes:
    """Put another host into the snapshot, with correct checksums, as an attacker would."""
    content = home.snapshot.read_bytes()
    at, (facts, parts) = _key(content)
    sections = []
    for size, _ in parts:
        sections.append(marshal.loads(content[at : at + size].replace(b"one.omniapp.co", b"bad.omniapp.co")))
        at += size
    quick, names, whole = sections
    return snapshot._content(facts, (quick, names, whole))


def test_the_forged_snapshot_of_these_tests_would_be_believed_if_it_were_ours(home: Home) -> None:
    """The next tests depend on this."""
    home.compile()
    home.snapshot.write_bytes(_forge(home))
    assert "bad.omniapp.co" in str(answer("env"))


@needs_root
def test_a_snapshot_of_another_user_is_not_read(home: Home) -> None:
    home.compile()
    home.snapshot.write_bytes(_forge(home))
    os.chown(home.snapshot, 12345, 12345)
    assert answer("env") is None
    assert "one.omniapp.co" in home.cli("show").out
    assert home.snapshot.stat().st_uid == 0
    assert "one.omniapp.co" in str(answer("env"))


@pytest.mark.parametrize("mode", [pytest.param(None, marks=needs_root), 0o777, 0o770, 0o1777])
def test_a_cache_folder_of_others_or_that_they_can_write_is_neither_read_nor_written(
    home: Home, mode: int | None
) -> None:
    home.compile()
    home.snapshot.write_bytes(_forge(home))
    os.chown(home.cache, 12345, 12345) if mode is None else home.cache.chmod(mode)
    assert answer("env") is None
    assert "one.omniapp.co" in home.cli("show").out
    assert b"bad.omniapp.co" in home.snapshot.read_bytes()


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_snapshot_that_others_can_read_or_write_is_not_read(home: Home, mode: int) -> None:
    home.compile()
    home.snapshot.write_bytes(_forge(home))
    home.snapshot.chmod(mode)
    assert answer("env") is None


def test_a_linked_snapshot_is_not_followed(home: Home, tmp_path: Path) -> None:
    home.compile()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(_forge(home))
    elsewhere.chmod(0o600)
    home.snapshot.unlink()
    path = home.cache / f"profiles-{crc32(str(home.file).encode()):08x}.snapshot"
    path.symlink_to(elsewhere)
    assert answer("env") is None
    assert "one.omniapp.co" in home.cli("show").out
    assert b"bad.omniapp.co" in elsewhere.read_bytes(), "the link was replaced, not what it points to"


def test_a_fifo_or_folder_in_its_place_does_not_hang(home: Home) -> None:
    home.compile()
    path = home.snapshot
    path.unlink()
    os.mkfifo(path, 0o600)
    assert answer("current") is None
    path.unlink()
    path.mkdir(mode=0o700)
    assert answer("current") is None
    assert home.cli("current").out == "one\n"


def test_every_truncation_and_every_flipped_byte_is_a_miss_or_harmless(home: Home) -> None:
    home.compile()
    path, content = home.snapshot, home.snapshot.read_bytes()
    for cut in range(0, len(content), 7):
        path.write_bytes(content[:cut])
        assert answer("current") in (None, "one\n")
        assert home.cli("current").out == "one\n" if cut % 97 == 0 else True
    quick_end = len(content)
    for at in range(quick_end):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x41]) + content[at + 1 :])
        assert answer("current") in (None, "one\n")
        assert home.cli("current").out == "one\n" if at % 97 == 0 else True
    path.write_bytes(os.urandom(len(content)))
    assert answer("current") is None
    path.write_bytes(snapshot._HEADER + os.urandom(len(content)))
    assert answer("current") is None


def test_the_snapshot_of_another_version_is_a_miss(home: Home) -> None:
    home.compile()
    content = home.snapshot.read_bytes()
    home.snapshot.write_bytes(content.replace(b"cpython-3", b"cpython-2"))
    assert answer("current") is None


def test_a_clock_that_was_set_back_is_a_miss(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.compile()
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now - 3600 * 1_000_000_000)
    assert answer("current") is None


def test_without_a_cache_everything_works_and_only_takes_longer(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/cache")
    assert home.cli("current").out == "one\n"
    assert answer("current") is None
    assert "one.omniapp.co" in home.cli("env", shows=True).out


def test_a_cache_that_is_deleted_at_any_moment_costs_only_time(home: Home) -> None:
    home.compile()
    home.snapshot.unlink()
    assert home.current() == "one\n"
    home.snapshot.unlink()
    home.cache.rmdir()
    assert home.current() == "one\n"


def test_snapshots_of_files_that_are_gone_do_not_pile_up(home: Home, tmp_path: Path) -> None:
    for number in range(20):
        file = tmp_path / f"{number}.toml"
        file.write_text(ONE)
        home.cli("current", env={"OMNIPROFILE_CONFIG": str(file)})
    assert len(list(home.cache.glob("*.snapshot"))) == 16
    assert not list(home.cache.glob("*.tmp")), "nothing is left beside them"
    assert not list(home.cache.glob(".*.tmp"))


def test_processes_that_compile_at_once_all_answer(home: Home) -> None:
    running = [
        subprocess.Popen([sys.executable, "-m", "omniprofile", "current"], stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    assert [process.communicate()[0] for process in running] == ["one\n"] * 6
    home.compile()


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "corpus/good").rglob("*.toml")), ids=lambda p: p.stem
)
def test_a_config_comes_back_from_plain_data_as_it_was(path: Path) -> None:
    config = load([str(path)], home="/home/ada").config
    assert serialize.load(marshal.loads(marshal.dumps(serialize.dump(config)))) == config


@pytest.mark.parametrize("damage", [None, 1, (), ("", ()), "x"], ids=str)
def test_a_snapshot_of_another_layout_is_a_miss(damage: object) -> None:
    layout, data = serialize.dump(Config())
    assert serialize.load((layout, data)) == Config()
    assert serialize.load(damage) is None
    assert serialize.load((layout, damage)) is None
    assert serialize.load((f"{layout} new", data)) is None
