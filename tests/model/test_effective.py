"""Effective values: the nearest value of each key, what it overrides, and the table and address that it belongs to."""

from collections.abc import Callable

import pytest

from omniprofile.model.declaration import Config, Declaration, EnvValue, Identity, KeySource
from omniprofile.model.effective import effective, every_effective
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer
from tests.growth import MOST, growth

A, B = Origin.parse("https://a.omniapp.co"), Origin.parse("https://b.omniapp.co")
ENV = KeySource("env", variable="K")


def _profile(name: str, **keys: object) -> Declaration:
    return Declaration(Layer.PROFILE, name, "f", 1, **keys)  # type: ignore[arg-type]  # any key


def _config(*profiles: Declaration, defaults: Declaration | None = None, **instances: Declaration) -> Config:
    return Config(
        defaults=(defaults,) if defaults else (),
        instances=instances,
        profiles={profile.name: profile for profile in profiles},
    )


def test_the_nearest_table_decides_and_what_it_overrides_is_kept() -> None:
    config = _config(
        _profile("p", extends="q", auth="oauth", env={"X": EnvValue("p")}),
        _profile(
            "q", auth="api-key", protected=True, expect=Identity(user="u"), env={"X": EnvValue("q"), "Y": EnvValue("q")}
        ),
        defaults=Declaration(Layer.DEFAULTS, "defaults", "f", 9, auth="oauth", protected=False),
    )
    found = effective(config, "p")
    assert [(each.value, found.provenance(each).layer) for each in found.auth.chain()] == [
        ("oauth", Layer.PROFILE), ("api-key", Layer.PARENT), ("oauth", Layer.DEFAULTS), ("api-key", Layer.BUILTIN),
    ]  # fmt: skip
    assert found.protected.value is True
    assert found.expect.value == Identity(user="u")
    assert {name: [each.value.text for each in given.chain()] for name, given in found.env.items()} == {
        "X": ["p", "q"],
        "Y": ["q"],
    }
    assert effective(config, "q").provenance(effective(config, "q").auth).layer is Layer.PROFILE


def test_an_instance_comes_before_the_defaults_and_after_the_profiles() -> None:
    instance = Declaration(Layer.INSTANCE, "i", "f", 1, base_url=A, allow_insecure=True)
    defaults = Declaration(Layer.DEFAULTS, "defaults", "f", 9, allow_insecure=False)
    config = _config(
        _profile("own", instance="i", allow_insecure=False),
        _profile("theirs", instance="i"),
        _profile("other", extends="theirs", base_url=B),
        defaults=defaults,
        i=instance,
    )
    insecure = {name: [each.value for each in found.insecure()] for name, found in every_effective(config).items()}
    assert insecure == {
        "own": [False, True, False, False],
        "theirs": [True, False, False],
        "other": [False, False],
    }
    assert effective(config, "theirs").allow_insecure


@pytest.mark.parametrize(
    ("tables", "origin"),
    [
        ([_profile("p", extends="q", base_url=B), _profile("q", base_url=A, key=ENV)], A),
        (
            [_profile("p", extends="q", base_url=B), _profile("q", extends="r", key=ENV), _profile("r", base_url=A)],
            A,
        ),
        ([_profile("p", extends="q", base_url=B, key=ENV), _profile("q", base_url=A, key=ENV)], B),
        ([_profile("p", extends="q", base_url=B), _profile("q", key=ENV)], None),
        ([_profile("p", key=ENV)], None),
        ([_profile("p", base_url=B)], None),
    ],
    ids=["parent", "a parent's address", "repeated", "mixin", "nowhere", "no key"],
)
def test_a_key_has_the_address_of_the_table_that_gives_it(tables: list[Declaration], origin: Origin | None) -> None:
    assert effective(_config(*tables), "p").key_origin == origin


def test_a_key_of_the_defaults_has_their_own_address_alone() -> None:
    bare = Declaration(Layer.DEFAULTS, "defaults", "f", 9, key=ENV)
    addressed = Declaration(Layer.DEFAULTS, "defaults", "f", 9, key=ENV, base_url=A)
    assert effective(_config(_profile("p", base_url=B), defaults=bare), "p").key_origin is None
    assert effective(_config(_profile("p", base_url=B), defaults=addressed), "p").key_origin == A


def test_a_key_of_a_profile_whose_address_is_that_of_the_defaults_may_go_elsewhere() -> None:
    defaults = Declaration(Layer.DEFAULTS, "defaults", "f", 9, base_url=A)
    tables = [_profile("p", extends="q", base_url=B), _profile("q", key=ENV)]
    assert effective(_config(*tables, defaults=defaults), "p").key_origin is None


def test_a_profile_whose_parents_are_not_whole_comes_to_nothing() -> None:
    config = _config(
        _profile("a", extends="b"), _profile("b", extends="a"), _profile("c", extends="a"),
        _profile("d", extends="nowhere"), _profile("e", extends="d"), _profile("f", extends="g"), _profile("g"),
    )  # fmt: skip
    assert list(every_effective(config)) == ["f", "g"]
    for name in "abcde":
        with pytest.raises(KeyError):
            effective(config, name)


@pytest.mark.parametrize("parent_first", [True, False])
def test_a_chain_of_any_length_takes_linear_time(*, parent_first: bool) -> None:
    def work(length: int) -> Callable[[], None]:
        chain = [
            _profile(f"p{number}", extends=f"p{number - 1}" if number else None, auth="oauth", allow_insecure=True)
            for number in range(length)
        ]

        def measured() -> None:
            found = every_effective(_config(*(chain if parent_first else reversed(chain))))
            assert len(found) == length
            assert all(each.allow_insecure for each in found.values())

        return measured

    assert growth(work, 1000, 4000) < MOST
