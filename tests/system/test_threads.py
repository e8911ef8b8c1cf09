"""Work in threads: results, errors, and signals meanwhile."""

import os
import signal
import sys
import threading
import time

import pytest

from omniprofile.system.threads import concurrently, critical_section
from tests.programs import run_program
from tests.waiting import FOR_EVER, PATIENCE, without_waiting


def never() -> None:
    raise AssertionError("nobody interrupted")


def test_the_result_is_given() -> None:
    assert critical_section(lambda: 7, on_interrupt=never) == 7


def test_an_error_is_raised_unchanged() -> None:
    with pytest.raises(LookupError, match="of the work"):
        critical_section(lambda: _fail(), on_interrupt=never)


def _fail() -> None:
    raise LookupError("of the work")


def test_ctrl_c_is_raised_when_the_work_is_done() -> None:
    done: list[str] = []
    told = threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert told.wait(PATIENCE), "the person is told while it goes on"
        done.append("done")

    with pytest.raises(KeyboardInterrupt):
        critical_section(work, on_interrupt=told.set)
    assert done == ["done"]


def test_a_termination_comes_afterwards() -> None:
    events: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: events.append("terminated"))
    try:

        def work() -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.2)
            events.append("done")

        critical_section(work, on_interrupt=never)
        assert events == ["done", "terminated"]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_second_ctrl_c_is_raised_without_waiting() -> None:
    told, released = threading.Event(), threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert told.wait(PATIENCE)
        os.kill(os.getpid(), signal.SIGINT)
        released.wait(FOR_EVER)

    with without_waiting(), pytest.raises(KeyboardInterrupt):
        critical_section(work, on_interrupt=told.set)
    released.set()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        critical_section(lambda: os.kill(os.getpid(), signal.SIGHUP), on_interrupt=never)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_it_works_in_another_thread_than_the_main_one() -> None:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(critical_section(lambda: 7, on_interrupt=never)))
    thread.start()
    thread.join(PATIENCE)
    assert results == [7]


def test_a_command_does_not_take_the_interpreter_down_around_work_that_was_given_up() -> None:
    """Its thread may be inside a library; the process would then crash with a segmentation fault one time in forty."""
    code = """
import atexit, sys, time
from omniprofile.__main__ import main
from omniprofile.system.threads import start
start(lambda: time.sleep(60))
atexit.register(print, "taken down")
sys.argv = ["omniprofile", "list", "--json"]
main()
"""
    ran = run_program([sys.executable, "-c", code], check=True)
    assert ran.stdout.startswith("{")
    assert "taken down" not in ran.stdout


def test_as_many_run_at_once_as_may_and_each_result_is_given_as_it_ends() -> None:
    all_wait = threading.Barrier(3)

    def work(item: int) -> int:
        if item < 3:
            all_wait.wait(PATIENCE)
        return item

    assert sorted(concurrently(work, range(5), 3)) == [0, 1, 2, 3, 4]
    assert list(concurrently(work, [], 3)) == []


def test_work_that_fails_is_raised_though_other_work_goes_on_and_no_more_begins() -> None:
    begun: list[int] = []
    forever = threading.Event()

    def work(item: int) -> None:
        begun.append(item)
        if item == 0:
            forever.wait()
        _fail()

    with pytest.raises(LookupError, match="of the work"):
        list(concurrently(work, range(9), 2))
    forever.set()
    assert begun == [0, 1]
