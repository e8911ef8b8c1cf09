"""Exit statuses in words."""

import signal

import pytest

from omniprofile.system.exit_words import exit_words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "exited with status 0"),
        (143, "exited with status 143"),
        (-signal.SIGTERM, "was ended by signal SIGTERM"),
        (-999, "was ended by signal 999"),
    ],
)
def test_a_signal_is_named_and_no_status_is_negative(status: int, words: str) -> None:
    assert exit_words(status) == words
