"""Secrets that cannot be printed, and unambiguous names."""

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.model.credential import Credential
from omniprofile.model.names import is_valid, legible, nearest_valid, printable
from omniprofile.model.origin import Origin
from omniprofile.model.secret import MASK, Secret, without_keys
from omniprofile.model.server_text import without_opaque_words
from omniprofile.model.variable_names import base_url_variable, token_variable

TEXT = "omni_osk_C4n4ryInTheMine"


def test_no_ordinary_way_of_printing_a_secret_shows_it():
    secret = Secret(TEXT)
    credential = Credential("prod", Origin.parse("https://acme.omniapp.co"), "api-key", secret)
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>40}",
        f"{secret!s}",
        "{}".format(secret),  # noqa: UP032 - this very spelling is under test
        repr(credential),
        str(credential),
        repr([secret]),
    ):
        assert "C4n4ry" not in shown
        assert "Secret(********)" in shown
    assert repr(secret) == "Secret(********)"
    assert credential.token == TEXT
    with pytest.raises(AttributeError, match="cannot be changed"):
        credential.origin = Origin.parse("https://evil.omniapp.co")
    with pytest.raises(AttributeError, match="cannot be changed"):
        del credential.origin
    assert copy.copy(credential) == credential


def test_a_secret_is_not_serialised_by_accident():
    for attempt in (
        lambda: pickle.dumps(Secret(TEXT)),
        lambda: copy.deepcopy(Secret(TEXT)),
        lambda: json.dumps(Secret(TEXT)),
    ):
        with pytest.raises(TypeError, match=r"^a secret cannot be pickled or copied$|is not JSON serializable$"):
            attempt()


@given(st.text(min_size=1))
def test_the_mask_says_nothing_about_what_follows_the_public_prefix(text: str):
    assert Secret("omni_osk_" + text).masked == "omni_osk_" + MASK
    assert Secret(text).masked in (MASK, "omni_osk_" + MASK, "omni_pat_" + MASK)


@given(st.text())
def test_the_nearest_valid_name_is_valid(text: str):
    assert is_valid(nearest_valid(text))


@given(st.text("abzAZ09._-", min_size=1, max_size=64))
def test_a_valid_name_is_its_own_nearest(text: str):
    if is_valid(text) and text[-1] not in "-._":
        assert nearest_valid(text) == text


@pytest.mark.parametrize("name", ["", "-a", ".a", "_a", "a b", "a/b", "ä", "a\n", "a" * 65, "a\u202e"])
def test_names_outside_the_closed_character_set_are_not_valid(name: str):
    assert not is_valid(name)


def test_variables_of_a_profile_are_upper_case_with_underscores():
    assert token_variable("my-conn.v2") == "OMNI_PROFILE_MY_CONN_V2_TOKEN"
    assert base_url_variable("a") == "OMNI_PROFILE_A_BASE_URL"


@given(st.text(max_size=300))
def test_printable_text_has_no_character_that_moves_the_cursor_or_reorders_the_line(text: str):
    assert printable(text).isprintable()
    assert len(printable(text)) <= 121


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("omni_osk_abcdef.", f"omni_osk_{MASK}."),
        ("my omni_pat_abcdef", f"my omni_pat_{MASK}"),
        ("omni_osk_ab…", f"omni_osk_{MASK}…"),
        ("begins with `omni_osk_`", "begins with `omni_osk_`"),
        ("eyJhbGciOiJ9.eyJzdWIiOiIx.c2ln", MASK),
        ("authorization: Bearer abcdefghijklmnop", f"authorization: Bearer {MASK}"),
        ("bearer abcdefghijklmnop", f"bearer {MASK}"),
        ("the bearer of good news", "the bearer of good news"),
    ],
)
def test_texts_that_look_like_keys_are_masked_after_their_public_prefix(text: str, shown: str):
    assert without_keys(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("två\nlines,\ta tab \\", "två\nlines,\ta tab \\"),
        ("as Windows\r\nends them\x07", "as Windows\r\nends them\\x07"),
        ("over\rwritten", "over\\rwritten"),
        ("\x1b[31m red \u202e", "\\x1b[31m red \\u202e"),
    ],
)
def test_a_text_keeps_its_lines_and_commands_no_terminal(text: str, shown: str):
    assert legible(text) == shown


UUID = "0b9E7c1a-5f0e-4b7e-9a51-3c2d1e0f9a8b"


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("aB" * 10, MASK),
        ("a1" * 10, MASK),
        ("aB" * 9 + "a", "aB" * 9 + "a"),
        ("Ab_cd-ef+gh=ij_kl-mn", MASK),
        ("invalid_refresh_token_given", "invalid_refresh_token_given"),
        ("INVALID_REFRESH_TOKEN_GIVEN", "INVALID_REFRESH_TOKEN_GIVEN"),
        (UUID, UUID),
        (UUID + "0", MASK),
        (UUID.replace("0b9E", "0b9G"), MASK),
        (f"{'aB' * 10}.{'a1' * 10}", f"{MASK}.{MASK}"),
    ],
)
def test_a_long_word_that_no_person_writes_is_masked_and_a_support_s_number_is_not(word: str, shown: str):
    assert without_opaque_words(f"it says: ({word})!") == f"it says: ({shown})!"
