"""Tokens and base URLs from flags and variables, which may override the profile's own in one call.

A flag applies to this call; `OMNI_PROFILE_<NAME>_*` always applies to that profile; the vendor's variables apply to the current
profile, unless a profile is named on the command line. An empty variable counts as unset. A value that `omniprofile env`
exported into the shell is not the user's override (`OMNIPROFILE_EXPORTED`).
"""

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar

from omniprofile.credentials.env_variables import profile_variables
from omniprofile.errors import ConfigInvalid, Refused, UsageError
from omniprofile.model.declaration import Config
from omniprofile.model.export_mark import own_values
from omniprofile.model.names import quoted_list
from omniprofile.model.origin import NotAnOrigin, Origin, without_api_path
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.model.secret import Secret
from omniprofile.model.variable_names import BASE_URL, TOKENS, token_variable, variable_stem

T_co = TypeVar("T_co", covariant=True)


class Reach(IntEnum):
    """The scope of an override, strongest first. A token and a base URL of the same reach are a pair."""

    CALL = 1
    PROFILE = 2
    CURRENT = 3


class Override(NamedTuple, Generic[T_co]):
    """A token or base URL from a flag or variable. `ignored` is why it does not apply, or None if it does."""

    reach: Reach
    value: T_co
    provenance: Provenance
    ignored: str | None = None


class Flags(NamedTuple):
    """The overrides from the command line. `token` was read from `--token-file`."""

    base_url: str | None = None
    token: Secret | None = None


class Overrides(NamedTuple):
    """All overrides for one profile, strongest first, with notices for the user."""

    tokens: tuple[Override[Secret], ...] = ()
    base_urls: tuple[Override[Origin], ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def token(self) -> Override[Secret] | None:
        """The token that applies."""
        return next((token for token in self.tokens if token.ignored is None), None)

    @property
    def applying(self) -> list[Override[Origin]]:
        """The base URLs that apply, strongest first. The first one is used; a token belongs to the one of the same reach."""
        return [url for url in self.base_urls if url.ignored is None]


def read_overrides(
    config: Config,
    profile: str,
    *,
    named: bool,
    environ: Mapping[str, str],
    flags: Flags,
    key_variable: str | None = None,
) -> Overrides:
    """Collect the overrides for `profile`. `named` says that the command line names it, or has `--all`.

    `key_variable` is the one that its own key comes from: it is in use, so no notice says that it is ignored.

    Raises UsageError or ConfigInvalid for an invalid base URL (the vendor's variables are checked only if they apply), and
    Refused if a profile's variable could also be meant for another profile.
    """
    if not environ and flags == Flags():  # the case for every profile of a snapshot
        return Overrides()
    exported = own_values(environ)
    tokens: list[Override[Secret]] = []
    base_urls: list[Override[Origin]] = []
    unused: list[str] = []
    if flags.token is not None:
        tokens.append(Override(Reach.CALL, flags.token, Provenance(Layer.FLAG, "--token-file")))
    if flags.base_url is not None:
        origin = _origin("--base-url", flags.base_url, UsageError)
        base_urls.append(Override(Reach.CALL, origin, Provenance(Layer.FLAG, "--base-url")))

    own = profile_variables(profile)
    for variable in (*own, *TOKENS, BASE_URL):
        if not (value := environ.get(variable)):
            continue
        reach, ignored = (Reach.PROFILE if variable in own else Reach.CURRENT), None
        if reach is Reach.PROFILE:
            _refuse_collision(config, profile, variable)
        elif variable in exported:
            ignored = "`omniprofile env` exported it; it is not an override"
        elif named:
            ignored = "it applies only where no profile is named"
            unused += [variable] if variable != key_variable else []
        provenance = Provenance(Layer.ENVIRONMENT, variable)
        if variable == token_variable(profile) or variable in TOKENS:
            tokens.append(Override(reach, Secret(value), provenance, ignored))
            continue
        with suppress(NotAnOrigin) if ignored else nullcontext():  # an ignored, invalid base URL is just not shown
            value = without_api_path(value)
            parsed = Origin.parse(value) if ignored else _origin(variable, value, ConfigInvalid)
            base_urls.append(Override(reach, parsed, provenance, ignored))

    return Overrides(tuple(tokens), tuple(base_urls), _notices(tokens, unused))


def _notices(tokens: list[Override[Secret]], unused: list[str]) -> tuple[str, ...]:
    """Return what to say about variables that are `unused`, or that differ."""
    notices = []
    if unused:
        apply = "is ignored: it applies" if len(unused) == 1 else "are ignored: they apply"
        notices.append(f"{quoted_list(unused, 'and')} {apply} only where no profile is named")
    in_use = [token for token in tokens if token.reach is Reach.CURRENT and token.ignored is None]
    if len(in_use) == 2 and in_use[0].value != in_use[1].value:
        notices.append(f"`{TOKENS[0]}` and `{TOKENS[1]}` differ; `{TOKENS[0]}` is used")
    return tuple(notices)


def _origin(what: str, text: str, error: type[ConfigInvalid | UsageError]) -> Origin:
    try:
        return Origin.parse(text)
    except NotAnOrigin as problem:
        raise error(f"the value of `{what}` {problem}", hint=problem.hint) from problem


def _refuse_collision(config: Config, profile: str, variable: str) -> None:
    stem = variable_stem(profile)
    twins = sorted(name for name in config.profiles if name != profile and variable_stem(name) == stem)
    if twins:
        raise Refused(
            f"`{variable}` could be meant for `{profile}` or for {quoted_list(twins)}",
            hint="rename one of these profiles, or unset the variable",
        )
