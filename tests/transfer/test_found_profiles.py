"""All problems of a foreign file are reported in one error."""

import pytest

from omniprofile.errors import ConfigInvalid, Refused
from omniprofile.transfer.found_profiles import together


@pytest.mark.parametrize(
    ("own", "whole"),
    [
        (None, "restore a copy"),
        ("set it", "set it, or restore a copy"),
        ("did you mean `x`?", "did you mean `x`? or restore a copy"),
    ],
)
def test_one_problem_keeps_its_hint(own: str | None, whole: str) -> None:
    error = together([Refused("a: no", hint=own)], "restore a copy")
    assert (type(error), error.message, error.hint) == (Refused, "a: no", whole)


def test_several_problems_name_the_file_once() -> None:
    error = together([Refused("a: no"), ConfigInvalid("a: bad")], "restore a copy")
    assert (type(error), error.message, error.hint) == (ConfigInvalid, "a: no; bad", "correct each, or restore a copy")
