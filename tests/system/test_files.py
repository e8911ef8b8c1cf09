"""Atomic replacement of files."""

import os
import stat
from pathlib import Path

import pytest

from omniprofile.system.atomic_write import write_atomic
from omniprofile.system.files import NO_HOME, make_private_folder


def test_a_durable_write_syncs_the_file_before_and_the_folder_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def replaced(old: str, new: str) -> None:
        done.append("replace")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "replace", replaced)
    write_atomic(str(tmp_path / "file"), b"old")
    assert done == ["file", "replace", "folder"]
    write_atomic(str(tmp_path / "file"), b"new", durable=False)
    assert done[3:] == ["replace"]
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_failing_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "folder/file").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_atomic(str(tmp_path / "folder/file"), b"a secret")
    assert [entry.name for entry in (tmp_path / "folder").iterdir()] == ["file"]


def test_the_home_of_users_without_one_is_never_made() -> None:
    """Not even by root, who could: to every other user without a home, it would be a home that may not be read."""
    home = os.path.join(os.path.abspath(os.sep), NO_HOME)
    for path in (home, os.path.join(home, ".local", "state")):
        with pytest.raises(FileNotFoundError, match="there is no home folder"):
            make_private_folder(path)
    assert not os.path.lexists(home)


def test_another_folder_of_that_name_is_made(tmp_path: Path) -> None:
    make_private_folder(str(tmp_path / NO_HOME / "a"))
    assert (tmp_path / NO_HOME / "a").is_dir()
