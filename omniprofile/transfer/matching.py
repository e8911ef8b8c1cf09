"""Match each found profile to one of ours, or choose a new name for it. No I/O: the same input gives the same result.

Profiles imported before are recognized, so that a second import changes nothing: first by secret, even if renamed, else by
name, origin and auth method, or by the latter two if that is all there is. A name that is taken gets a number: `prod-2`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, count

from omniprofile.model.names import MAX_LENGTH, is_valid, nearest_valid, printable
from omniprofile.model.origin import Origin
from omniprofile.model.stored import StoredSecret
from omniprofile.model.variable_names import variable_stem
from omniprofile.transfer.found_profiles import Found


class SecretStep(StrEnum):
    """What will happen to a found profile's secret."""

    NONE = "none"  # there is none
    STORE = "store"
    STORED = "stored"  # the same one is already in the store
    DIFFERS = "differs"  # another one is in the store and stays
    LEFT = "left"  # a session that may not be copied
    COMMAND = "command"  # the file has a reference; a command prints the secret


@dataclass(frozen=True, slots=True)
class Known:
    """A profile of ours. `from_store` says that its credential comes from the secret store; `secret` is the stored one.

    `command` is the command that prints its key, if that is its key source.
    """

    name: str
    origin: Origin | None
    auth: str
    from_store: bool
    secret: StoredSecret | None = None
    command: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What to do with one found profile. `renamed` says why a new profile does not keep the name that was found."""

    found: Found
    profile: str
    is_new: bool
    secret: SecretStep
    renamed: str | None = None


def plan(
    found: Sequence[Found], known: Sequence[Known], *, move_sessions: bool, default: str | None = None
) -> list[Step]:
    """Return a step for each of `found`, in its order. With `move_sessions`, import sessions: they will be removed from the file.

    The profiles whose names are valid get their names first, so that no name means another instance here than in the file; then
    those that need another name. In both, the file's `default` is the first.
    """
    naming = _Naming(known)
    order = sorted(range(len(found)), key=lambda index: (not is_valid(found[index].name), found[index].name != default))
    matches: dict[int, Known] = {}
    # The surest rule first for all: a weaker one must not take another's match.
    rules = (
        (naming.same_name, True), (naming.numbered, True), (naming.any_name, True),
        (naming.numbered, False), (naming.for_address, False),
    )  # fmt: skip
    for candidates, by_secret in rules:
        for index in order:
            one = found[index]
            if index not in matches and (match := _first_that_fits(one, candidates(one), by_secret=by_secret)):
                matches[index] = naming.free.pop(match.name)
    steps: dict[int, Step] = {}
    for index in order:
        match = matches.get(index)
        name, renamed = (match.name, None) if match else naming.new(found[index].name)
        secret = _secret_step(found[index], match, move_sessions=move_sessions)
        steps[index] = Step(found[index], name, match is None, secret, renamed)
    return [steps[index] for index in range(len(found))]


def same_secret(one: StoredSecret | None, other: StoredSecret | None) -> bool:
    """Whether both are the same credential for the same origin."""
    return (
        one is not None
        and other is not None
        and (one.origin, one.token, one.refresh_token) == (other.origin, other.token, other.refresh_token)
    )


def _secret_step(found: Found, match: Known | None, *, move_sessions: bool) -> SecretStep:
    if found.secret is None:
        return SecretStep.COMMAND if found.command else SecretStep.NONE
    stored = match.secret if match else None
    if same_secret(found.secret, stored):
        return SecretStep.STORED
    if stored is not None:
        return SecretStep.DIFFERS
    if found.secret.refresh_token is not None and not move_sessions:
        return SecretStep.LEFT
    return SecretStep.STORE


class _Naming:
    """Our profiles that are not yet matched to a found profile, and the names that are taken."""

    def __init__(self, known: Sequence[Known]) -> None:
        self.free = {profile.name: profile for profile in sorted(known, key=lambda profile: profile.name)}
        self._names = {profile.name for profile in known}
        self._stems = {variable_stem(profile.name): profile.name for profile in known}
        self._left: dict[str, Iterator[str]] = {}
        """Candidates not yet tried, by name without a number. A name once taken stays taken."""

    def same_name(self, found: Found) -> Iterator[Known]:
        """Yield the unmatched profile that has the name."""
        if profile := self.free.get(next(_candidates(found.name))):
            yield profile

    def numbered(self, found: Found) -> Iterator[Known]:
        """Yield the unmatched profiles that have the name, or the name with a number that an earlier import added."""
        for candidate in _candidates(found.name):
            if candidate not in self._names and variable_stem(candidate) not in self._stems:
                return
            if profile := self.free.get(candidate):
                yield profile

    def any_name(self, _: Found) -> Iterator[Known]:
        """Yield all unmatched profiles, by name."""
        return iter(self.free.values())

    def for_address(self, found: Found) -> Iterator[Known]:
        """Yield all unmatched profiles if there is nothing but an address, as in a scrubbed `.env`."""
        alone = not found.named and found.secret is None and found.command is None
        return self.any_name(found) if alone else iter(())

    def new(self, name: str) -> tuple[str, str | None]:
        """Return an unused name, whose variable names are unused too, and why it is not `name` (None if it is)."""
        why = None if is_valid(name) else f"`{printable(name, 64)}` is not a valid profile name"
        candidates = _candidates(name)
        base = next(candidates)
        for candidate in chain((base,), self._left.setdefault(base, candidates)):
            other = self._stems.get(variable_stem(candidate))
            if candidate not in self._names and other is None:
                self._names.add(candidate)
                self._stems[variable_stem(candidate)] = candidate
                return candidate, why
            if candidate in self._names:
                why = why or f"`{candidate}` already exists"
            else:
                why = why or f"the variables of `{candidate}` would be those of `{other}`"
        raise AssertionError("the candidates do not end")


def _first_that_fits(found: Found, profiles: Iterable[Known], *, by_secret: bool) -> Known | None:
    for profile in profiles:
        same_source = profile.command == found.command if found.command else profile.from_store
        same_place = (profile.origin, profile.auth) == (found.origin, found.auth)
        if same_source and same_place and (not by_secret or same_secret(found.secret, profile.secret)):
            return profile
    return None


def _candidates(name: str) -> Iterator[str]:
    base = name if is_valid(name) else nearest_valid(name)
    yield base
    for number in count(2):
        suffix = f"-{number}"
        yield base[: MAX_LENGTH - len(suffix)].rstrip("-._") + suffix
