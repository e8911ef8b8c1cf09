"""Choosing the profile: the first layer that names one decides. Nothing ever falls through."""

from collections.abc import Callable, Iterator, Mapping

from omniprofile.config.choosing import VARIABLE, first_answer, in_order
from omniprofile.errors import ConfigInvalid, Error, NoProfileSelected, NoSuchProfile
from omniprofile.model.declaration import Config
from omniprofile.model.names import RULE, closest, holds_key, is_valid, nearest_valid, printable, quoted_list
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.model.resolution import Overridden, Selection

Layered = Callable[[], Sourced[str] | None]
"""A layer that is asked only when no stronger one has answered. Answers, is absent (None), or raises: broken is not absent."""


def select(
    config: Config,
    *,
    named: Sourced[str] | None,
    environ: Mapping[str, str],
    pin: Layered,
    state: Layered,
    overridden: bool,
) -> Selection:
    """Return the current profile. `named` is the one of the command line; with `overridden`, the weaker layers are asked as well.

    Raises NoSuchProfile when the deciding layer names a profile that no file defines, NoProfileSelected when no layer
    names one, and whatever a layer raises.
    """
    layers = in_order(
        named=lambda: named,
        environment=lambda: _from_environment(environ),
        pin=pin,
        active=state,
        default=lambda: config.default,
        only=lambda: _only_profile(config),
    )
    winner = first_answer(layers)
    if winner is None:
        raise _nothing_selected(config)
    require_profile(config, winner.value, winner.provenance)
    return Selection(winner.value, winner.provenance, tuple(_overridden(layers, winner)) if overridden else ())


def require_profile(config: Config, name: str, provenance: Provenance) -> None:
    """Raise NoSuchProfile unless a file defines `name`, saying which layer gave it and what was probably meant."""
    if name in config.profiles:
        return
    source = _named_by(provenance)
    if holds_key(name):
        raise NoSuchProfile(
            f"what the {_role(provenance)} gives as a profile's name looks like an API key",
            hint="`omniprofile login NAME` asks for the key without showing it; revoke this one if others can see "
            "this machine's processes or your shell's history",
        )
    near = closest(name, config.profiles)
    if not is_valid(name):
        raise NoSuchProfile(
            f"`{printable(name)}` is not a valid profile name{source}",
            hint=f"did you mean {quoted_list(dict.fromkeys([*near, nearest_valid(name)]))}? A name has {RULE}",
        )
    if near:
        hint = f"did you mean {quoted_list(near)}? `omniprofile list` shows all"
    elif config.profiles:
        more = "; `omniprofile list` shows all" if len(config.profiles) > 5 else ""
        hint = f"available profiles: {', '.join(f'`{each}`' for each in sorted(config.profiles)[:5])}{more}"
    else:
        hint = "no profile is defined yet: run `omniprofile init`"
    raise NoSuchProfile(f"profile `{name}` not found{source}", hint=hint)


def _named_by(provenance: Provenance) -> str:
    """Say which layer named a profile; nothing where a caller of the library did."""
    if provenance.layer is Layer.FLAG:
        return " (named on the command line)" if provenance.name else ""
    return f": the {_role(provenance)} names it"


def _role(provenance: Provenance) -> str:
    if provenance.layer is Layer.DEFAULTS:
        return f"key `default` ({provenance.place})"
    return str(provenance)


def _from_environment(environ: Mapping[str, str]) -> Sourced[str] | None:
    name = environ.get(VARIABLE)
    return Sourced(name, Provenance(Layer.ENVIRONMENT, VARIABLE)) if name else None


def _only_profile(config: Config) -> Sourced[str] | None:
    if len(config.profiles) != 1:
        return None
    (profile,) = config.profiles.values()
    return Sourced(profile.name, Provenance(Layer.BUILTIN, "the only profile", profile.file, profile.line))


def _overridden(weaker: Iterator[Layered], winner: Sourced[str]) -> Iterator[Overridden]:
    for layer in weaker:
        try:
            answer = layer()
        except ConfigInvalid as problem:
            yield Overridden(None, Provenance(Layer.PROJECT), f"cannot be read: {problem}")
            continue
        if answer is not None and answer.provenance.layer is not Layer.BUILTIN:
            yield Overridden(answer.value, answer.provenance, f"{winner.provenance} decides first")


def _nothing_selected(config: Config) -> Error:
    if not config.profiles:
        return NoProfileSelected("no profile is defined yet", hint="run `omniprofile init` to make the first one")
    names = quoted_list(sorted(config.profiles)[:5])
    return NoProfileSelected(
        f"no profile is selected, and {len(config.profiles)} are defined",
        hint=f"name one, or choose with `omniprofile use NAME`: {names}",
    )
