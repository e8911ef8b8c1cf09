"""The mark that distinguishes exported variables from the user's overrides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.model.export_mark import key_in_environment, mark_of, own_values, read_mark, values_of_another
from omniprofile.model.variable_names import MARKER, OWN, is_reserved

# Variables that every program needs never count as exported.
KEPT = [
    "APPDATA", "COMSPEC", "HOME", "IFS", "LANG", "LOCALAPPDATA", "LOGNAME", "OLDPWD", "PATH", "PATHEXT", "PWD", "SHELL",
    "SYSTEMROOT", "TEMP", "TERM", "TMP", "TMPDIR", "USER", "USERPROFILE", "WINDIR",
]  # fmt: skip
names = st.from_regex(r"[A-Z_][A-Z0-9_]{0,20}", fullmatch=True).filter(lambda name: name not in (*KEPT, MARKER))
values = st.text(st.characters(exclude_characters="\0"), max_size=40)


@given(st.dictionaries(names, values, min_size=1, max_size=8))
def test_an_exported_variable_is_ours_until_it_changes(variables: dict[str, str]) -> None:
    environ = {**variables, "OMNIPROFILE_EXPORTED": mark_of("staging", variables, "https://a.co")}
    mark = read_mark(environ)
    assert mark is not None
    assert mark.profile == "staging"
    ours = set(variables)
    assert own_values(environ) == ours
    for name in ours:
        changed = {**environ, name: environ[name] + "x"}
        assert own_values(changed) == ours - {name}
        assert name not in own_values({other: value for other, value in environ.items() if other != name})


@pytest.mark.parametrize("name", KEPT)
def test_a_mark_claims_no_variable_that_every_program_needs(name: str) -> None:
    environ = {name: "x", "OMNI_API_TOKEN": "y"}
    assert own_values({**environ, MARKER: mark_of("staging", environ, "https://a.co")}) == {"OMNI_API_TOKEN"}


@given(st.text())
def test_any_garbage_is_read_without_an_error(text: str) -> None:
    read_mark({"OMNIPROFILE_EXPORTED": text})
    assert own_values({"OMNIPROFILE_EXPORTED": text, "OMNI_API_TOKEN": "x"}) <= {"OMNI_API_TOKEN"}


def test_the_mark_does_not_hold_the_value() -> None:
    assert "s3cret" not in mark_of("staging", {"OMNI_API_TOKEN": "s3cret"}, "https://a.co")


def test_a_profile_may_not_set_what_carries_the_credential_or_steers_us() -> None:
    for name in (
        "omni_api_token",
        "OMNIPROFILE_CONFIG",
        "OMNI_PROFILE_PROD_TOKEN",
        "OMNI_CONFIG_PATH",
    ):
        assert is_reserved(name)
    for name in ("OMNI_OUTPUT_FORMAT", "PATH_TO_X", "OMNI", *OWN):
        assert not is_reserved(name)


def test_the_mark_knows_the_origin_whatever_form_of_it_was_exported() -> None:
    variables = {"OMNI_API_KEY": "k", "OMNI_BASE_URL": "https://a.co/api"}
    environ = variables | {MARKER: mark_of("staging", variables, "https://a.co")}
    assert key_in_environment(environ, "UNSET", "staging", "https://a.co") == "k"
    assert key_in_environment(environ, "UNSET", "staging", "https://a.co/api") == ""
    assert values_of_another(environ, "staging", "https://a.co") == {}
    assert values_of_another(environ, "staging", "https://b.co") == dict.fromkeys([MARKER, *variables], "staging")
