"""Choosing the profile: the first layer that names one decides, and a wrong name never falls through."""

from itertools import product

import pytest

from omniprofile.config.pin import plain_pin
from omniprofile.config.selection import select
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
        # Neither TOML nor a pin: the full path reports the error.
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
