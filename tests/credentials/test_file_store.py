"""The file store: modes, damage, links, kills, storms and full disks."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from omniprofile.credentials.file_store import FileStore
from omniprofile.errors import StoreTimeout, StoreUnavailable, UnsafePermissions
from omniprofile.model.stored import StoredSummary
from omniprofile.system.locking import lock
from tests.conftest import CANARY
from tests.credentials.conftest import account, at_once, make_secret, start_python
from tests.programs import run_program
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The store's folder, which does not exist yet."""
    return tmp_path / "state" / "omniprofile"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o606, 0o644, 0o777, 0o601])
def test_a_file_that_others_can_read_or_write_is_refused(folder: Path, mode: int) -> None:
    store = FileStore(str(folder))
    store.put("prod", make_secret())
    os.chmod(store.path, mode)

    for operation in (
        store.check,
        store.summaries,
        lambda: store.get(account("prod")),
        lambda: store.put("x", make_secret()),
    ):
        with pytest.raises(UnsafePermissions) as caught:
            operation()
        assert caught.value.hint == f"run `chmod 600 {store.path}`"
    os.chmod(store.path, 0o600)
    assert store.get(account("prod")) == make_secret()


def test_a_file_with_a_hard_link_is_refused_until_it_is_separate(folder: Path) -> None:
    """Each name has its own lock, and a replacement separates them: both would refresh one session."""
    store, other = FileStore(str(folder)), FileStore(str(folder.parent / "other"))
    store.put("prod", make_secret())
    os.makedirs(other.folder)
    os.link(store.path, other.path)

    for each in (store, other):
        for operation in (each.check, partial(each.get, account("prod")), partial(each.put, "x", make_secret())):
            with pytest.raises(StoreUnavailable, match="hard link") as caught:
                operation()
    subprocess.run(str(caught.value.hint).removeprefix("run `").removesuffix("`"), shell=True, check=True)
    assert store.get(account("prod")) == other.get(account("prod")) == make_secret()


def test_a_read_only_file_of_ours_is_replaced(folder: Path) -> None:
    store = FileStore(str(folder))
    store.put("prod", make_secret("old"))
    os.chmod(store.path, 0o400)
    store.put("prod", make_secret("new"))

    assert store.get(account("prod")) == make_secret("new")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("given", ["folder", "link"])
def test_files_controlled_by_another_user_are_refused(given: str, tmp_path: Path) -> None:
    """The reader is user 65534: root may use files of any owner."""
    nobody = ["setpriv", "--reuid", "65534", "--clear-groups"]
    if subprocess.run([*nobody, sys.executable, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("user 65534 cannot run this Python")
    base = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        base.chmod(0o755)
        folder = base / "state"
        store = FileStore(str(folder))
        store.put("prod", make_secret())
        os.chown(folder, 65534, -1)
        os.chown(store.path, 65534, -1)
        read = [
            sys.executable,
            "-c",
            "import sys; from omniprofile.credentials.file_store import FileStore; FileStore(sys.argv[1]).summaries()",
            str(folder),
        ]
        as_nobody = [*nobody, *read]
        assert (
            subprocess.run(as_nobody, cwd=Path(__file__).parents[2], capture_output=True, check=False).returncode == 0
        )
        if given == "link":
            folder.rename(base / "real")
            folder.symlink_to(base / "real")
        os.lchown(folder, 12345, -1)
        if given == "folder":
            folder.chmod(0o755)
        ran = run_program(as_nobody, cwd=Path(__file__).parents[2])
        assert "UnsafePermissions" in ran.stderr
        assert store.get(account("prod")) == make_secret()
    finally:
        shutil.rmtree(base)


@pytest.mark.parametrize("wide", ["target", "above", "target's above"])
def test_every_folder_on_the_way_to_the_file_counts(wide: str, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "secrets.json"
    target.parent.mkdir(parents=True)
    folder.mkdir(parents=True)
    store = FileStore(str(folder))
    os.symlink(target, store.path)
    store.put("prod", make_secret())
    bad = {"target": target.parent, "above": folder.parent, "target's above": target.parent.parent}[wide]
    bad.chmod(0o777)
    for operation in (store.summaries, lambda: store.get(account("prod")), lambda: store.put("x", make_secret())):
        with pytest.raises(UnsafePermissions) as caught:
            operation()
        assert caught.value.hint == f"run `chmod o-w {bad}`"
    bad.chmod(0o1777)
    assert store.get(account("prod")) == make_secret()


DAMAGE = [b"", b"{", b"null", b"[]", b'{"version":1}', b'{"version":1,"secrets":[]}', b'{"version":9,"secrets":{}}']
DAMAGE += [b"\xff\xfe\x00", b"[" * 60_000, CANARY.encode()]


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_file_is_an_error_and_never_an_absent_secret(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True)
    store = FileStore(str(folder))
    Path(store.path).write_bytes(content)
    os.chmod(store.path, 0o600)

    for operation in (
        store.check,
        store.summaries,
        lambda: store.get(account("prod")),
        lambda: store.put("x", make_secret()),
    ):
        with pytest.raises(StoreUnavailable, match=r"secrets\.json` is damaged") as caught:
            operation()
        assert CANARY not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"
    assert Path(store.path).read_bytes() == content


BAD = account("bad")


def test_one_damaged_entry_is_named_and_can_be_replaced_or_deleted(folder: Path) -> None:
    store = FileStore(str(folder))
    store.put("prod", make_secret())
    data = json.loads(Path(store.path).read_text())
    data["secrets"][str(BAD)] = {"version": 7}
    Path(store.path).write_text(json.dumps(data))

    with pytest.raises(StoreUnavailable, match="`bad`"):
        store.get(BAD)
    assert store.summaries()[BAD] == StoredSummary()
    assert store.get(account("prod")) == make_secret()
    store.put("other", make_secret())
    assert json.loads(Path(store.path).read_text())["secrets"][str(BAD)] == {"version": 7}  # kept unchanged
    assert store.delete(BAD) is True
    assert set(store.summaries()) == {account("other"), account("prod")}


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_non_file_is_an_error_and_not_a_hang(folder: Path, make: object) -> None:
    folder.mkdir(parents=True)
    store = FileStore(str(folder))
    make(store.path)  # type: ignore[operator]

    with pytest.raises(StoreUnavailable, match="cannot be read"):
        store.get(account("prod"))


def test_the_target_of_a_link_is_replaced_and_the_link_stays(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "secrets.json"
    target.parent.mkdir()
    folder.mkdir(parents=True)
    store = FileStore(str(folder))
    os.symlink(target, store.path)
    store.check()
    store.put("prod", make_secret())

    assert os.readlink(store.path) == str(target)
    assert CANARY in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o600
    assert store.get(account("prod")) == make_secret()
    target.chmod(0o644)
    with pytest.raises(UnsafePermissions):
        store.get(account("prod"))


def test_a_writer_waits_for_another_one_and_says_so(folder: Path) -> None:
    store = FileStore(str(folder), lock_timeout=0.2)
    with lock(store.path + ".lock", 5):
        with pytest.raises(StoreTimeout, match=r"more than 0\.2 s"):
            store.put("prod", make_secret())
        assert store.get(account("prod")) is None  # reading takes no lock
    store.put("prod", make_secret())


def test_an_entry_deleted_by_another_process_is_not_deleted_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(str(folder))
    store.put("prod", make_secret())

    @contextmanager
    def late(path: str, timeout: float) -> Iterator[None]:
        with lock(path, timeout):
            Path(store.path).write_text('{"version": 1, "secrets": {}}')
            yield

    monkeypatch.setattr("omniprofile.system.locking.lock", late)
    assert store.delete(account("prod")) is False


def test_the_file_is_one_that_people_can_repair(folder: Path) -> None:
    store = FileStore(str(folder))
    store.put("prod", make_secret())

    assert (
        Path(store.path).read_text()
        == f"""\
{{
 "version": 1,
 "secrets": {{
  "prod@https://acme.omniapp.co": {{
   "version": 1,
   "account": "prod@https://acme.omniapp.co",
   "token": "{CANARY}",
   "stored_at": "2026-11-24T10:00:00.123456Z"
  }}
 }}
}}
"""
    )


def test_the_leftovers_of_a_killed_writer_are_removed(folder: Path) -> None:
    store = FileStore(str(folder))
    store.put("prod", make_secret())
    left = folder / ".secrets.json.0123456789abcdef.tmp"
    left.write_text(CANARY)
    (folder / ".other.json.0123456789abcdef.tmp").write_text("not ours to remove")
    store.delete(account("prod"))

    assert sorted(os.listdir(folder)) == [".other.json.0123456789abcdef.tmp", "secrets.json", "secrets.json.lock"]


PUT = """
    import sys
    from datetime import UTC, datetime
    from omniprofile.credentials.file_store import FileStore
    from omniprofile.model.origin import Origin
    from omniprofile.model.secret import Secret
    from omniprofile.model.stored import StoredSecret

    FORK
    folder, size, rounds, account = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    store = FileStore(folder, lock_timeout=120)
    for number in range(rounds):
        secret = StoredSecret(
            Origin.parse("https://acme.omniapp.co"), Secret(str(number % 10) * size), datetime.now(UTC)
        )
        store.put(account, secret)
"""


def test_fifty_processes_that_store_at_once_lose_nothing(folder: Path) -> None:
    at_once(PUT, 50, str(folder), "30", "2")

    assert {one.profile for one in FileStore(str(folder)).summaries()} == {str(number) for number in range(50)}


def test_killed_at_any_moment_the_file_is_whole(folder: Path) -> None:
    store = FileStore(str(folder))
    store.put("kept", make_secret())
    for attempt in range(12):
        writer = start_python(PUT.replace("FORK", ""), str(folder), "60000", "100000", "prod")
        before = os.stat(store.path).st_mtime_ns
        wait_until(lambda before=before: os.stat(store.path).st_mtime_ns != before)  # type: ignore[misc]
        time.sleep(attempt * 0.003)
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=PATIENCE)

        assert store.get(account("kept")) == make_secret()
        found = store.get(account("prod"))
        assert found is not None
        assert len(found.token.reveal()) == 60_000
        assert len(set(found.token.reveal())) == 1
    store.put("last", make_secret())  # no lock is left
    assert not list(folder.glob(".secrets.json.*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    mount = tmp_path / "small"
    mount.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)], check=False)
    if done.returncode != 0:
        pytest.skip("this machine does not let root mount a small file system")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def test_on_a_full_disk_the_old_content_stays(small_disk: Path) -> None:
    store = FileStore(str(small_disk / "state"))
    store.put("prod", make_secret())
    whole = Path(store.path).read_bytes()

    (small_disk / "full").write_bytes(bytes(shutil.disk_usage(small_disk).free - 16384))
    with pytest.raises(StoreUnavailable, match="no space left") as caught:
        store.put("prod", make_secret("k" * 64_000))
    assert "OMNIPROFILE_STATE_DIR" in str(caught.value.hint)
    assert Path(store.path).read_bytes() == whole
    assert sorted(os.listdir(small_disk / "state")) == ["secrets.json", "secrets.json.lock"]


def test_on_a_read_only_disk_reading_works_and_writing_says_why(small_disk: Path) -> None:
    store = FileStore(str(small_disk / "state"))
    store.put("prod", make_secret())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    assert store.get(account("prod")) == make_secret()
    with pytest.raises(StoreUnavailable, match="read-only"):
        store.put("prod", make_secret("new"))
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        store.check()
