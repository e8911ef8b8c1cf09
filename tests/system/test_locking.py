"""Locks between processes, and where they lie."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from omniprofile.system.locking import locked, locked_shared, user_lock_folder

Lock = Callable[[str, float], AbstractContextManager[None]]

HOLD = """
import sys, time
from omniprofile.system.locking import locked
with locked(sys.argv[1], 5):
    print("held", flush=True)
    time.sleep(60)
"""


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
        started = time.monotonic()
        with pytest.raises(TimeoutError, match=r"more than 0\.2 s"), locked(path, 0.2):
            raise AssertionError("two hold one lock")
        assert 0.2 <= time.monotonic() - started < 2
    finally:
        holder.kill()
        holder.communicate()
    with locked(path, 5):
        assert Path(path).stat().st_mode & 0o777 == 0o600
        assert Path(path).parent.stat().st_mode & 0o777 == 0o700


def test_the_body_s_error_frees_the_lock(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with pytest.raises(KeyError), locked(path, 1):
        raise KeyError
    with locked(path, 0):
        pass


@pytest.mark.parametrize("first", [locked, locked_shared])
@pytest.mark.parametrize("second", [locked, locked_shared])
def test_a_shared_lock_is_shared_with_its_like_alone(first: Lock, second: Lock, tmp_path: Path) -> None:
    path = str(tmp_path / "locks" / "lock")
    with first(path, 1):
        if first is second is locked_shared:
            with second(path, 1):
                pass
        else:
            with pytest.raises(TimeoutError, match=r"more than 0\.1 s"), second(path, 0.1):
                raise AssertionError("two hold one lock")
    with second(path, 0):
        assert Path(path).stat().st_mode & 0o777 == 0o600


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match=r"symbolic links"), locked_shared(str(tmp_path / "lock"), 1):
        pass
    assert not (tmp_path / "elsewhere").exists()


def folder(tmp_path: Path, **environ: str) -> str:
    """The lock folder of this user, with the system's folders in the test's own."""
    (tmp_path / "tmp").mkdir(exist_ok=True)
    return user_lock_folder(
        "linux", environ, os.getuid(), runtime=str(tmp_path / "run"), temporary=str(tmp_path / "tmp")
    )


def test_it_lies_in_the_user_s_runtime_folder_where_there_is_one(tmp_path: Path) -> None:
    session = tmp_path / "run" / str(os.getuid())
    session.mkdir(parents=True, mode=0o700)

    assert folder(tmp_path) == str(session / "omniprofile")
    assert not list((tmp_path / "tmp").iterdir())


def test_it_lies_in_a_private_folder_of_tmp_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "tmp" / f"omniprofile-{os.getuid()}"

    assert folder(tmp_path) == str(path)
    assert path.stat().st_mode & 0o777 == 0o700
    assert folder(tmp_path) == str(path)


def test_it_does_not_follow_the_environment(tmp_path: Path) -> None:
    assert folder(tmp_path) == folder(tmp_path, HOME="/elsewhere", XDG_RUNTIME_DIR="/elsewhere", TMPDIR="/elsewhere")


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_is_refused(mode: int, tmp_path: Path) -> None:
    os.chmod(folder(tmp_path), mode)

    with pytest.raises(OSError, match="can be written by others"):
        folder(tmp_path)


def test_a_link_or_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    path = Path(folder(tmp_path))
    path.rmdir()
    path.symlink_to(tmp_path)
    with pytest.raises(OSError, match="symbolic link"):
        folder(tmp_path)
    path.unlink()
    path.write_text("")
    with pytest.raises(OSError, match="not a folder"):
        folder(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused_and_such_a_runtime_folder_not_used(tmp_path: Path) -> None:
    session = tmp_path / "run" / str(os.getuid())
    session.mkdir(parents=True)
    os.chown(session, 12345, -1)
    path = folder(tmp_path)
    assert path.startswith(str(tmp_path / "tmp"))

    os.chown(path, 12345, -1)
    with pytest.raises(OSError, match="another user"):
        folder(tmp_path)


def test_windows_keeps_it_in_the_local_application_data() -> None:
    path = user_lock_folder("win32", {"LOCALAPPDATA": r"C:\Users\me\AppData\Local"}, None)

    assert path.replace("/", "\\") == r"C:\Users\me\AppData\Local\omniprofile\locks"
    with pytest.raises(OSError, match="LOCALAPPDATA"):
        user_lock_folder("win32", {}, None)


def test_a_process_without_a_user_has_none() -> None:
    with pytest.raises(OSError, match="not known"):
        user_lock_folder("linux", {}, None)
