"""Choosing the profile: the first layer that names one decides, and a wrong name never falls through."""

from itertools import product
from pathlib import Path

import pytest

from omniprofile.config.pin import plain_pin
from omniprofile.config.selection import select
from omniprofile.config.state import StateFile
from omniprofile.errors import ConfigInvalid, NoProfileSelected, NoSuchProfile
from omniprofile.model.declaration import Config, Declaration
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.model.resolution import Selection

LAYERS = [Layer.FLAG, Layer.ENVIRONMENT, Layer.PROJECT, Layer.STATE, Layer.DEFAULTS]


def config(*names: str, default: str | None = None) -> Config:
    profiles = {name: Declaration(Layer.PROFILE, name, "/p.toml", line) for line, name in enumerate(names, 3)}
    return Config(
        profiles=profiles,
        default=Sourced(default, Provenance(Layer.DEFAULTS, "default", "/p.toml", 2)) if default else None,
    )


def choose(known: Config, *, overridden: bool = False, **says: str) -> Selection:
    def layer(name: Layer) -> Sourced[str] | None:
        return Sourced(says[name], Provenance(name)) if name in says else None

    environ = {"OMNI_PROFILE": says["environment"]} if "environment" in says else {}
    return select(
        known,
        named=layer(Layer.FLAG),
        environ=environ,
        pin=lambda: layer(Layer.PROJECT),
        state=lambda: layer(Layer.STATE),
        overridden=overridden,
    )


@pytest.mark.parametrize("present", list(product([False, True], repeat=len(LAYERS))))
def test_for_every_subset_of_layers_the_strongest_decides_and_the_rest_is_listed(present: tuple[bool, ...]):
    named = [layer for layer, there in zip(LAYERS, present, strict=True) if there]
    known = config(*LAYERS, "other", default="defaults" if Layer.DEFAULTS in named else None)
    says = {layer.value: layer.value for layer in named if layer is not Layer.DEFAULTS}
    if not named:
        with pytest.raises(NoProfileSelected):
            choose(known)
        return
    selection = choose(known, overridden=True, **says)
    assert selection.profile == named[0]
    assert selection.provenance.layer is named[0]
    assert [other.provenance.layer for other in selection.overridden] == named[1:]


@pytest.mark.parametrize(
    ("layer", "role"),
    [
        ("flag", "not found"),
        ("environment", "environment variable `OMNI_PROFILE`"),
        ("project", "project pin"),
        ("state", "active profile"),
    ],
)
def test_a_wrong_name_is_an_error_of_its_layer_though_a_weaker_layer_is_right(layer: str, role: str):
    known = config("prod", "staging", default="prod")
    with pytest.raises(NoSuchProfile) as caught:
        choose(known, **{layer: "stagign"})  # type: ignore[arg-type]  # a layer, by name
    assert "`staging`" in str(caught.value.hint)
    assert role in str(caught.value)


def test_a_default_that_names_nothing_is_an_error_with_its_line():
    with pytest.raises(NoSuchProfile, match=r"/p\.toml:2"):
        choose(config("prod", default="gone"))


def test_the_only_profile_is_the_last_resort():
    selection = choose(config("prod"))
    assert (selection.profile, selection.provenance.layer) == ("prod", Layer.BUILTIN)


def test_an_empty_variable_counts_as_unset():
    assert choose(config("prod"), environment="").provenance.layer is Layer.BUILTIN


def test_no_profile_at_all_points_to_init():
    with pytest.raises(NoProfileSelected) as caught:
        choose(config())
    assert "omniprofile init" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("my prod!", "my-prod"), ("Prod", "prod"), ("größe", "große"), ("a" * 70, "a" * 64), ("\x1b[31m", "31m")],
)
def test_a_name_that_cannot_be_one_is_refused_with_the_rule_and_the_nearest_valid_name(name: str, meant: str):
    with pytest.raises(NoSuchProfile) as caught:
        choose(config("prod", "staging"), flag=name)
    assert "\x1b" not in str(caught.value)
    if meant != "große":
        assert meant in str(caught.value.hint)


def test_a_broken_stronger_layer_is_not_skipped():
    def broken() -> Sourced[str]:
        raise ConfigInvalid("bad pin")

    known = config("prod", "staging", default="prod")
    with pytest.raises(ConfigInvalid):
        select(known, named=None, environ={}, pin=broken, state=lambda: None, overridden=False)
    selection = select(
        known,
        named=Sourced("prod", Provenance(Layer.FLAG, "NAME")),
        environ={},
        pin=broken,
        state=lambda: None,
        overridden=True,
    )
    assert selection.profile == "prod"
    assert "bad pin" in selection.overridden[0].reason


def test_a_weaker_layer_is_asked_only_for_an_explanation():
    def unasked() -> Sourced[str] | None:
        raise AssertionError("a stronger layer has answered")

    named = Sourced("prod", Provenance(Layer.FLAG, "NAME"))
    selection = select(config("prod"), named=named, environ={}, pin=unasked, state=unasked, overridden=False)
    assert selection == Selection("prod", named.provenance)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"", (None, None)),
        (b"prod", ("prod", None)),
        (b" prod \nstaging\nthird", ("prod", "staging")),
        (b"\nstaging", (None, "staging")),
    ],
)
def test_a_state_file_names_at_most_two(content: bytes, names: tuple[str | None, str | None], tmp_path: Path) -> None:
    (tmp_path / "active").write_bytes(content)
    assert StateFile(str(tmp_path)).read() == names


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'profile = "prod"\n', "prod"),
        (b'\r\n\tprofile="prod" \r\n', "prod"),
        (b'profile = "prod', None),
        (b"profile = 'prod'", None),
        (b'profiles = "prod"', None),
        (b'profile = ""', None),
        (b'profile = "a b"', None),
        (b'profile = "prod" # mine', None),
        (b"", None),
        # Neither TOML nor a pin: the full path says what is wrong with it.
        (b'Xprofile = "prod"', None),
        (b'profileX = "prod"', None),
        (b'profile = X"prod"', None),
        (b'profile = "prod"\f', None),
        (b'profile =\f"prod"\n', None),
        (b'profile\f= "prod"', None),
        (b'profile = "\xff"', None),
        (b'profile = "a=b"', None),
    ],
)
def test_a_plain_pin_is_one_line_and_nothing_else(content: bytes, name: str | None) -> None:
    assert plain_pin(content) == name
