"""The picker's entries, without a terminal: filtering and moving."""

import pytest

from omniprofile.cli.picker_entries import Chooser, Entry

ENTRIES = [
    Entry("prod", "acme.omniapp.co", "Production", protected=True),
    Entry("staging", "acme-staging.omniapp.co", "Before production", active=True),
    Entry("tokyo", "tokyo.omniapp.co", "東京オフィス"),
    Entry("telaviv", "telaviv.omniapp.co", "לוח המחוונים"),
]


def test_it_starts_at_the_one_in_use() -> None:
    assert Chooser(ENTRIES).chosen == ENTRIES[1]


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("prod", ["prod", "staging"]),
        ("PROD before", ["staging"]),
        ("acme", ["prod", "staging"]),
        ("東京", ["tokyo"]),
        ("nothing", []),
        ("", ["prod", "staging", "tokyo", "telaviv"]),
    ],
)
def test_every_word_must_stand_in_the_entry_and_names_come_first(typed: str, names: list[str]) -> None:
    chooser = Chooser(ENTRIES)
    chooser.search(typed)
    assert [each.name for each in chooser.matches] == names
    assert (chooser.chosen.name if chooser.chosen else None) == (names[0] if names else None)


def test_moves_stop_at_the_first_and_the_last() -> None:
    chooser = Chooser(ENTRIES)
    chooser.move(-100)
    assert chooser.chosen == ENTRIES[0]
    chooser.move(2)
    assert chooser.chosen == ENTRIES[2]
    chooser.move(100)
    assert chooser.chosen == ENTRIES[3]
    chooser.search("nothing")
    chooser.move(1)
    assert chooser.chosen is None
