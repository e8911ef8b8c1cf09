"""The identity pin: which differences are reported, and which values are not shown."""

import pytest

from omniprofile.model.declaration import Identity
from omniprofile.model.live_result import differences

ME = Identity(user="u-1", membership_id="m-1", key_scope="user", org_role="MEMBER")
FIELDS = ("user", "membership_id", "key_scope", "org_role")


def test_nothing_expected_is_nothing_wrong() -> None:
    assert differences(Identity(), ME) == []
    assert differences(Identity(), Identity()) == []


def test_the_one_expected_is_as_expected() -> None:
    assert differences(Identity("u-1", "m-1", "user", "MEMBER"), ME) == []


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_is_compared_alone(field: str) -> None:
    (phrase,) = differences(Identity(**{field: "other"}), ME)
    assert phrase == f"whoami says {field} `{getattr(ME, field)}`, the profile expects `other`"


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_missing_from_whoami_does_not_match(field: str) -> None:
    (phrase,) = differences(Identity(**{field: "x"}), Identity())
    assert phrase == f"whoami says {field} nothing, the profile expects `x`"


def test_case_and_space_count() -> None:
    assert differences(Identity(org_role="member"), ME)
    assert differences(Identity(org_role="MEMBER "), ME)


def test_an_answer_cannot_draw_on_the_terminal() -> None:
    (phrase,) = differences(Identity(user="u"), Identity(user="\x1b[2J" + "x" * 500))
    assert "\x1b" not in phrase
    assert len(phrase) < 200
