"""The picker's mind without a terminal: what matches, what moves, what is shown at any size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.cli import chooser
from omniprofile.cli.chooser import Chooser, Entry
from omniprofile.cli.render.tables import width
from tests.conftest import CANARY

ENTRIES = [
    Entry("prod", "acme.omniapp.co", "Production", protected=True),
    Entry("staging", "acme-staging.omniapp.co", "Before production", active=True),
    Entry("tokyo", "tokyo.omniapp.co", "東京オフィス"),
    Entry("telaviv", "telaviv.omniapp.co", "לוח המחוונים"),
]


def test_it_starts_at_the_one_in_use() -> None:
    picker = Chooser(ENTRIES, "")
    assert picker.chosen == ENTRIES[1]


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
    picker = Chooser(ENTRIES, "")
    picker.type(typed)
    shown = [line[5:].split()[0] for line in picker.view(80, 24).lines if "omniapp" in line]
    assert shown == names
    assert (picker.chosen.name if picker.chosen else None) == (
        "staging" if typed == "" else names[0] if names else None
    )


def test_the_marks_are_signs_and_the_protected_one_is_never_cut_off() -> None:
    lines = Chooser(ENTRIES, "").view(30, 10).lines
    assert lines[2].startswith("   ! prod")
    assert lines[3].startswith("> *  staging")


def test_erasing_brings_back() -> None:
    picker = Chooser(ENTRIES, "")
    picker.type("tokyo x")
    assert "    nothing matches" in picker.view(80, 24).lines
    picker.press(chooser.BACKSPACE)
    assert picker.chosen == ENTRIES[2]
    picker.press(chooser.WORD)
    assert picker.typed == ""
    picker.type("zz")
    picker.press(chooser.CLEAR)
    assert picker.chosen == ENTRIES[0]


KEYS = st.sampled_from(
    [chooser.UP, chooser.DOWN, chooser.PAGE_UP, chooser.PAGE_DOWN, chooser.HOME, chooser.END, chooser.BACKSPACE, "else"]
)
TEXT = st.text(max_size=30)


@given(
    st.lists(st.builds(Entry, TEXT, TEXT, TEXT, st.booleans(), st.booleans()), max_size=40),
    st.lists(st.one_of(KEYS.map(lambda key: ("key", key)), TEXT.map(lambda text: ("text", text[:2]))), max_size=12),
    st.integers(3, 100),
    st.integers(1, 40),
)
def test_any_keys_at_any_size_show_the_chosen_one_and_no_line_too_wide(
    entries: list[Entry], keys: list[tuple[str, str]], columns: int, rows: int
) -> None:
    picker = Chooser(entries, "enter: use it")
    for kind, key in [("key", "else"), *keys]:
        if kind == "key":
            picker.press(key)
        else:
            picker.type(key)
        view = picker.view(columns, rows)
        assert len(view.lines) == rows
        for line in view.lines:
            assert width(line) < max(columns, 2)
            assert all(char.isprintable() for char in line)
        assert (view.chosen is None) == (picker.chosen is None)
        if view.chosen is not None and rows > 3:
            assert view.lines[view.chosen].startswith(">")


def test_a_key_that_is_typed_is_not_shown() -> None:
    chooser = Chooser([Entry("acme", "acme.omniapp.co")], "")
    chooser.type(CANARY)
    assert not any(CANARY[10:20] in line for line in chooser.view(120, 20).lines)
