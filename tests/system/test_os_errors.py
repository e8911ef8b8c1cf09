"""Errors of the operating system become our errors: what failed, why, and what to do."""

import errno
from pathlib import Path

import pytest

from omniprofile.errors import OperationFailed, SessionBusy, StoreTimeout, StoreUnavailable
from omniprofile.system.files import Unreadable, read_regular
from omniprofile.system.locking import lock
from omniprofile.system.os_errors import reported_as


def test_the_system_error_becomes_the_error_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed) as caught, reported_as(OperationFailed, "`x` cannot be written", "make room"):
        (tmp_path / "none" / "x").write_text("")
    assert (caught.value.message, caught.value.hint) == (
        "`x` cannot be written: no such file or directory",
        "make room",
    )
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize("problem", [OSError(None, "a reason"), Unreadable("a reason"), OSError("A reason")])
def test_without_a_hint_no_hint_is_printed(problem: Exception) -> None:
    with pytest.raises(OperationFailed) as caught, reported_as(OperationFailed, "it failed"):
        raise problem
    assert (caught.value.message, caught.value.hint) == ("it failed: a reason", None)


def test_the_problems_hint_precedes_the_callers(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with (
        pytest.raises(StoreUnavailable) as caught,
        reported_as(StoreUnavailable, "it cannot be used", "make room"),
        lock(str(tmp_path / "lock"), 0),
    ):
        pass
    assert caught.value.message == f"it cannot be used: the lock `{tmp_path / 'lock'}` cannot be taken: is a directory"
    assert caught.value.hint == f"remove it: `rm -r {tmp_path / 'lock'}`"
    with pytest.raises(OperationFailed) as refused, reported_as(OperationFailed, "it failed", "make room"):
        raise Unreadable("a reason", "do this")
    assert refused.value.hint == "do this"


def test_a_lock_that_others_hold_is_reported_as_busy(tmp_path: Path) -> None:
    busy, path = StoreTimeout("others hold it", hint="wait"), str(tmp_path / "lock")
    with lock(path, 0):
        with (
            pytest.raises(StoreTimeout) as caught,
            reported_as(StoreUnavailable, "it failed", busy=busy),
            lock(path, 0),
        ):
            pass
        with pytest.raises(SessionBusy) as plain, reported_as(SessionBusy, "it failed"), lock(path, 0):
            pass
    assert caught.value is busy
    assert plain.value.message == f"it failed: `{path}` has been held by another process for more than 0 s"


def test_our_own_errors_pass_unchanged() -> None:
    own = StoreUnavailable("of ours")
    with pytest.raises(StoreUnavailable) as caught, reported_as(OperationFailed, "it failed"):
        raise own
    assert caught.value is own


@pytest.mark.parametrize("path", ["", "relative", None])
def test_only_an_absolute_path_is_looked_at_for_its_owner(path: str | None) -> None:
    """A bare name would be looked up in the working directory, which is unrelated."""
    with pytest.raises(OperationFailed) as caught, reported_as(OperationFailed, "it failed", "make room"):
        raise OSError(errno.EACCES, "denied", path)
    assert caught.value.hint == "make room"


def test_an_unreadable_file_becomes_the_error_that_its_reader_raises(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unreadable) as caught:
        read_regular(str(tmp_path / "file" / "x"))
    error = caught.value.as_error(OperationFailed, "the log", "fix or remove it")
    assert error.message == "the log cannot be read: not a directory"
    assert error.hint == f"choose another place: `{tmp_path / 'file'}` is not a folder"
    assert Unreadable("why").as_error(OperationFailed, "the log", "fix or remove it").hint == "fix or remove it"
