"""Sixty requests a minute for a key: what is counted, what is forgotten, and what damage costs."""

import os
from pathlib import Path

import pytest

from omniprofile.instance.pace import REQUESTS, Pace
from omniprofile.model.credential import Credential
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from tests.conftest import CANARY


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache/requests"


def _key(token: str = CANARY, url: str = "https://acme.omniapp.co") -> Credential:
    return Credential("p", Origin.parse(url), "api-key", Secret(token))


def _use_up(pace: Pace) -> None:
    assert [pace.wait(_key()) for _ in range(REQUESTS)] == [0.0] * REQUESTS


def test_the_sixty_first_waits_until_the_first_is_a_minute_old(clock: Clock) -> None:
    pace = Pace(clock=clock)
    pace.wait(_key())
    clock.now += 20
    for _ in range(REQUESTS - 1):
        assert pace.wait(_key()) == 0
    assert pace.wait(_key()) == 40
    clock.now += 40
    assert pace.wait(_key()) == 0
    assert pace.wait(_key()) == 20


def test_each_key_and_each_instance_has_its_own_minute(clock: Clock) -> None:
    pace = Pace(clock=clock)
    _use_up(pace)
    assert pace.wait(_key()) > 0
    assert pace.wait(_key("another")) == 0
    assert pace.wait(_key(url="https://other.omniapp.co")) == 0


def test_a_later_process_knows_of_the_earlier_ones(clock: Clock, file: Path) -> None:
    _use_up(Pace(str(file), clock=clock))
    clock.now += 10
    assert Pace(str(file), clock=clock).wait(_key()) == 50
    clock.now += 50
    assert Pace(str(file), clock=clock).wait(_key()) == 0


def test_the_file_holds_no_key_and_is_nobody_elses(clock: Clock, file: Path) -> None:
    _use_up(Pace(str(file), clock=clock))
    text = file.read_text()
    assert CANARY not in text
    assert "acme" not in text
    assert len(text.splitlines()) == REQUESTS
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_clock_that_was_set_back_forgets_and_does_not_wait_for_hours(clock: Clock, file: Path) -> None:
    _use_up(Pace(str(file), clock=clock))
    clock.now -= 7200
    assert Pace(str(file), clock=clock).wait(_key()) == 0


@pytest.mark.parametrize("damage", [b"", b"\0\xff\n", b"nan key\n", b"inf key\n", b"1e999 k\n", b"12\n", b"x" * 70000])
def test_damage_is_a_miss(clock: Clock, file: Path, damage: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(damage)
    assert Pace(str(file), clock=clock).wait(_key()) == 0


def test_a_file_that_has_grown_is_cut_to_the_last_minute(clock: Clock, file: Path) -> None:
    file.parent.mkdir()
    file.write_text(f"{clock.now - 100:.3f} 0123456789abcdef\n" * 10_000)
    _use_up(Pace(str(file), clock=clock))
    assert len(file.read_text().splitlines()) == REQUESTS
    assert os.listdir(file.parent) == ["requests"]


@pytest.mark.parametrize("obstacle", ["folder", "fifo", "link", "readonly"])
def test_a_cache_that_takes_nothing_costs_only_the_memory_of_earlier_runs(
    clock: Clock, file: Path, tmp_path: Path, obstacle: str
) -> None:
    file.parent.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    match obstacle:
        case "folder":
            file.mkdir()
        case "fifo":
            os.mkfifo(file)
        case "link":
            file.symlink_to(victim)
        case "readonly":
            file.parent.rmdir()
            file.parent.write_text("a file is here")
    pace = Pace(str(file), clock=clock)
    _use_up(pace)
    assert pace.wait(_key()) == 60
    assert victim.read_text() == "precious"
