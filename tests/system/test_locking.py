"""Locks between processes, and their folders."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from omniprofile.system.locking import LockFailed, lock
from omniprofile.system.user_lock import temporary_locks, user_lock, user_lock_folders
from tests.programs import run_program
from tests.waiting import PATIENCE, wait_until, without_waiting

HOLD = """
import sys, time
from omniprofile.system.locking import lock
with lock(sys.argv[1], 5):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="finds the descriptor in /proc")
def test_a_file_system_that_dies_while_its_lock_is_held_does_not_undo_the_work(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    done = False
    with lock(path, 1):
        for number in os.listdir("/proc/self/fd"):
            if os.path.exists(f"/proc/self/fd/{number}") and os.path.samefile(f"/proc/self/fd/{number}", path):
                os.close(int(number))  # as on a FUSE file system whose program has gone, unlocking and closing now fail
                done = True
    assert done


def test_a_lock_is_waited_for_no_longer_than_the_limit_and_a_killed_holder_leaves_none(tmp_path: Path) -> None:
    path = str(tmp_path / "locks" / "lock")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with without_waiting(), pytest.raises(TimeoutError, match=r"more than 0\.2 s"), lock(path, 0.2):
            raise AssertionError("two hold one lock")
    finally:
        holder.kill()
        holder.communicate()
    with lock(path, 5):
        assert Path(path).stat().st_mode & 0o777 == 0o600
        assert Path(path).parent.stat().st_mode & 0o777 == 0o700


FORK = """
import os, sys
from omniprofile.system.locking import lock
from omniprofile.system.user_lock import user_lock
path = sys.argv[1]
reading, writing = os.pipe()
for held in (lock(path, 1), user_lock([os.path.dirname(path)], "other", 1)):
    with held:
        child = os.fork()
        if child == 0:
            os.read(reading, 1)
            os._exit(0)
    try:
        with lock(path, 0), user_lock([os.path.dirname(path)], "other", 0):
            print("free")
    finally:
        os.write(writing, b"!")
        os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_was_forked_while_a_lock_was_held_does_not_keep_it(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    path = str(tmp_path / "locks" / "lock")
    done = run_program([sys.executable, "-c", FORK, path], env=environ)
    assert (done.returncode, done.stdout) == (0, "free\nfree\n"), done.stderr


def test_the_body_s_error_frees_the_lock(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with pytest.raises(KeyError), lock(path, 1):
        raise KeyError
    with lock(path, 0):
        pass


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
def test_a_shared_lock_is_shared_with_its_like_alone(first: bool, second: bool, tmp_path: Path) -> None:
    path = str(tmp_path / "locks" / "lock")
    with lock(path, 1, shared=first):
        if first and second:
            with lock(path, 1, shared=second):
                pass
        else:
            with pytest.raises(TimeoutError, match=r"more than 0\.1 s"), lock(path, 0.1, shared=second):
                raise AssertionError("two hold one lock")
    with lock(path, 0, shared=second):
        assert Path(path).stat().st_mode & 0o777 == 0o600


def _link(path: Path) -> None:
    path.symlink_to(path.parent / "elsewhere")


@pytest.mark.parametrize("make", [_link, os.mkfifo, os.mkdir])
def test_an_invalid_lock_file_is_an_error_with_a_remedy(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "lock")
    with pytest.raises(LockFailed) as caught, lock(str(tmp_path / "lock"), 1):
        raise AssertionError("it is no lock")
    assert caught.value.hint == f"remove it: `rm -r {tmp_path / 'lock'}`"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("content", [b"", b"4711\nsomewhere\n", b"\0" * 100])
def test_another_programs_content_in_a_lock_file_is_not_a_lock(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(content)
    with lock(str(tmp_path / "lock"), 0):
        pass
    assert (tmp_path / "lock").read_bytes() == content


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lock_file_removed_during_a_wait_still_excludes(replaced: bool, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    took: list[str] = []

    def wait() -> None:
        with lock(str(path), PATIENCE):
            took.append("second")
            with pytest.raises(TimeoutError), lock(str(path), 0.1):
                took.append("third")

    with lock(str(path), 1):
        waiting = threading.Thread(target=wait)
        waiting.start()
        wait_until(lambda: _others(path))
        path.unlink()
        if replaced:
            path.touch()
    waiting.join(PATIENCE)
    assert took == ["second"]


def _others(path: Path) -> list[int]:
    """Return this process's open descriptors of the file, except the first."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.path.samestat(os.stat(f"/proc/self/fd/{name}"), path.stat()):
                found.append(int(name))
        except OSError:
            continue
    return sorted(found)[1:]


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("number", ["ENOSYS", "EOPNOTSUPP", "ENOLCK", "EINVAL"])
def test_a_file_system_without_locks_is_an_error_that_says_so(number: str, tmp_path: Path) -> None:
    trace = ["strace", "-f", "-o", "/dev/null", "-e", f"inject=flock:error={number}"]
    ran = run_program(
        [*trace, sys.executable, "-c", HOLD, str(tmp_path / "lock")],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert ran.stdout == ""
    assert ran.returncode == 1
    assert "has no locks" in ran.stderr.splitlines()[-1]


def folders(tmp_path: Path, uid: int | None = None, **environ: str) -> list[str]:
    """The lock folders of this user, with the system's folders in the test's own."""
    for name in ("tmp", "own"):
        (tmp_path / name).mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("omniprofile.system.user_lock.home_in_database", lambda _: str(tmp_path / "own"))
        patch.setattr("omniprofile.system.user_lock._TEMPORARY", str(tmp_path / "tmp"))
        return user_lock_folders("linux", environ, os.getuid() if uid is None else uid)


def test_the_user_s_locks_lie_in_the_home_of_the_user_database_whatever_the_environment_says(tmp_path: Path) -> None:
    found = folders(tmp_path)
    assert found[0] == str(tmp_path / "own/.local/state/omniprofile/locks")
    assert found == folders(tmp_path, HOME="/elsewhere", XDG_RUNTIME_DIR="/elsewhere", XDG_STATE_HOME="/x", TMPDIR="/y")
    with user_lock(found, "a", 1):
        assert os.listdir(found[0]) == ["a"]
        assert os.stat(found[0]).st_mode & 0o777 == 0o700
        with pytest.raises(TimeoutError), user_lock(found, "a", 0.1):
            raise AssertionError("two hold one lock")
    assert os.listdir(tmp_path / "tmp") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a home away")
def test_they_lie_in_tmp_for_a_user_without_a_home_of_their_own(tmp_path: Path) -> None:
    folders(tmp_path)
    os.chown(tmp_path / "own", 12345, -1)
    found = folders(tmp_path)
    assert found == [str(tmp_path / "tmp" / f"omniprofile-{os.getuid()}")]
    with user_lock(found, "a", 1):
        assert os.stat(found[0]).st_mode & 0o777 == 0o700


def test_a_home_that_cannot_have_locks_gives_way_to_tmp(tmp_path: Path) -> None:
    found = folders(tmp_path)
    (tmp_path / "own/.local").touch()
    with user_lock(found, "a", 1):
        assert os.listdir(found[1]) == ["a"]


def _squat_mode(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def _squat_link(path: Path) -> None:
    path.symlink_to(path.parent)


def _squat_owner(path: Path) -> None:
    path.mkdir()
    os.chown(path, 12345, -1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("squat", [_squat_mode, _squat_link, _squat_owner, Path.touch])
def test_a_squatted_folder_stops_only_users_without_another(squat: Callable[[Path], None], tmp_path: Path) -> None:
    found = folders(tmp_path)
    squat(Path(found[1]))
    with user_lock(found, "a", 1):
        pass
    with pytest.raises(LockFailed, match="the folder for locks is not safe") as caught, user_lock(found[1:], "a", 1):
        raise AssertionError("somebody else controls it")
    assert caught.value.hint == "remove it, or have its owner or root remove it"
    with user_lock(found[1:], "a", 1, optional=True):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away, and only root takes one of anybody")
def test_root_takes_a_lock_of_any_owner(tmp_path: Path) -> None:
    (tmp_path / "lock").touch(0o600)
    os.chown(tmp_path / "lock", 12345, -1)
    with lock(str(tmp_path / "lock"), 1):
        assert os.stat(tmp_path / "lock").st_uid == 12345


def test_windows_keeps_them_in_the_local_application_data() -> None:
    (path,) = user_lock_folders("win32", {"LOCALAPPDATA": r"C:\Users\me\AppData\Local"}, None)

    assert path.replace("/", "\\") == r"C:\Users\me\AppData\Local\omniprofile\locks"
    with pytest.raises(LockFailed, match="no folder"), user_lock(user_lock_folders("win32", {}, None), "a", 1):
        raise AssertionError("there is none")


def test_locks_of_what_is_temporary_go_with_it(tmp_path: Path) -> None:
    folders = [str(tmp_path / "locks"), str(tmp_path / "none")]
    with user_lock(folders, "before", 0):
        pass
    with temporary_locks(folders), user_lock(folders, "after", 0):
        pass
    assert os.listdir(folders[0]) == ["before"]

    with ExitStack() as held:
        with temporary_locks(folders):
            held.enter_context(user_lock(folders, "held", 0))
        assert sorted(os.listdir(folders[0])) == ["before", "held"]
