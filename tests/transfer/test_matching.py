"""Which profile a found one becomes: properties for any two files, and named cases."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from omniprofile.model.names import is_valid
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from omniprofile.model.variable_names import variable_stem
from omniprofile.transfer.found_profiles import Found
from omniprofile.transfer.matching import Known, SecretStep, Step, plan

NOW = datetime(2026, 11, 25, tzinfo=UTC)
ORIGINS = tuple(Origin.parse(f"https://{name}.omniapp.co") for name in ("a", "b"))


def _key(origin: Origin, text: str) -> StoredSecret:
    return StoredSecret(origin, Secret(text), NOW)


def found(name: str, key: str | None = "K", origin: Origin = ORIGINS[0], *, session: bool = False) -> Found:
    secret = _key(origin, key) if key else None
    if session and secret:
        secret = replace(secret, refresh_token=Secret(f"refresh-{key}"))
    return Found(name, origin, "oauth" if session else "api-key", secret)


def known(name: str, key: str | None = "K", origin: Origin = ORIGINS[0], *, from_store: bool = True) -> Known:
    return Known(name, origin, "api-key", from_store, _key(origin, key) if key else None)


def _names(steps: list[Step]) -> list[str]:
    return [step.profile for step in steps]


def carried_out(steps: list[Step], before: list[Known]) -> list[Known]:
    """Return our profiles after the import planned by `steps`."""
    after = {profile.name: profile for profile in before}
    for step in steps:
        one = step.found
        if step.is_new:
            after[step.profile] = Known(step.profile, one.origin, one.auth, from_store=True)
        if step.secret is SecretStep.STORE:
            after[step.profile] = replace(after[step.profile], secret=one.secret)
    return list(after.values())


names = st.sampled_from(
    ["prod", "Prod", "a b", "a-b", "a_b", "a (b)", "((", "é", "x" * 70, "x" * 64, "1", "-", "日本", "a-b-2"]
)
keys = st.sampled_from(["K", "L", "M", None])
finds = st.lists(
    st.builds(found, names, keys, st.sampled_from(ORIGINS), session=st.booleans()), unique_by=lambda one: one.name
)
ours = st.lists(
    st.builds(known, st.sampled_from(["prod", "a-b", "a_b", "a-b-2", "profile", "e", "mine"]), keys,
              st.sampled_from(ORIGINS), from_store=st.booleans()),
    unique_by=lambda profile: profile.name,
)  # fmt: skip


@given(finds, ours, st.booleans())
def test_every_name_is_valid_its_own_and_has_variables_of_its_own(
    foreign: list[Found], mine: list[Known], move: bool
) -> None:
    steps = plan(foreign, mine, move_sessions=move)
    assert [step.found for step in steps] == foreign
    assert len(set(_names(steps))) == len(steps)
    assert all(is_valid(name) for name in _names(steps))
    taken = {variable_stem(profile.name) for profile in mine}
    for step in steps:
        assert step.is_new == (step.profile not in {profile.name for profile in mine})
        if step.is_new:
            assert variable_stem(step.profile) not in taken
            taken.add(variable_stem(step.profile))


@given(finds, ours, st.booleans())
@example([found("(("), found("a b")], [known("profile", "L")], False)
def test_a_second_import_changes_nothing(foreign: list[Found], mine: list[Known], move: bool) -> None:
    after = carried_out(plan(foreign, mine, move_sessions=move), mine)
    again = plan(foreign, after, move_sessions=move)
    assert not [step for step in again if step.is_new or step.secret is SecretStep.STORE]


@given(finds, ours, st.booleans())
def test_no_stored_secret_is_ever_replaced(foreign: list[Found], mine: list[Known], move: bool) -> None:
    stored = {profile.name: profile.secret for profile in mine if profile.secret}
    for step in plan(foreign, mine, move_sessions=move):
        assert not (step.secret is SecretStep.STORE and step.profile in stored)
        assert step.is_new or {p.name: p.from_store for p in mine}[step.profile]


@given(finds, ours)
def test_a_session_is_stored_only_when_it_is_moved(foreign: list[Found], mine: list[Known]) -> None:
    for step in plan(foreign, mine, move_sessions=False):
        assert not (step.found.auth == "oauth" and step.secret is SecretStep.STORE)


def test_names_that_are_valid_come_first() -> None:
    steps = plan([found("a b", "K"), found("a-b", "L")], [], move_sessions=False)
    assert _names(steps) == ["a-b-2", "a-b"]


def test_a_profile_that_was_renamed_is_recognised_by_its_secret() -> None:
    steps = plan([found("play")], [known("playground"), known("play", "L")], move_sessions=False)
    assert (steps[0].profile, steps[0].is_new, steps[0].secret) == ("playground", False, SecretStep.STORED)


def test_a_profile_that_lost_its_secret_gets_it() -> None:
    (step,) = plan([found("prod")], [known("prod", None)], move_sessions=False)
    assert (step.is_new, step.secret) == (False, SecretStep.STORE)
