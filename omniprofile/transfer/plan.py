"""Which profile of ours each found profile becomes: pure, and the same answer for the same input.

What was imported before is recognised, so that a second import changes nothing: first by its secret, whatever the profile
is called now, else by its name, origin and auth method. Names that are taken get a number: `prod-2`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, count

from omniprofile.model.names import MAX_LENGTH, is_valid, nearest_valid, printable, variable_stem
from omniprofile.model.origin import Origin
from omniprofile.model.stored import StoredSecret
from omniprofile.transfer.foreign import Found


class SecretStep(StrEnum):
    """What is to become of a found profile's secret."""

    NONE = "none"  # there is none
    STORE = "store"
    STORED = "stored"  # the very same one is in the store
    DIFFERS = "differs"  # another one is in the store, and stays
    LEFT = "left"  # a session that may not be copied
    COMMAND = "command"  # the file has a reference, which a command prints the secret of


@dataclass(frozen=True, slots=True)
class Known:
    """A profile of ours. `from_store` says that its credential is in the secret store; `secret` is what is there for it.

    `command` is the one that prints its key, if that is its key source.
    """

    name: str
    origin: Origin | None
    auth: str
    from_store: bool
    secret: StoredSecret | None = None
    command: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done with one found profile. `renamed` says why a new one does not have the name that was found."""

    found: Found
    profile: str
    is_new: bool
    secret: SecretStep
    renamed: str | None = None


def plan(
    found: Sequence[Found], known: Sequence[Known], *, move_sessions: bool, default: str | None = None
) -> list[Step]:
    """Return a step for each of `found`, in its order. `move_sessions`: sessions leave the foreign file, so they may be taken.

    The file's `default` chooses its name first, then those whose name is valid as it is, then those that need another one.
    """
    naming = _Naming(known)
    order = sorted(range(len(found)), key=lambda index: (found[index].name != default, not is_valid(found[index].name)))
    matches: dict[int, Known] = {}
    rules = (naming.by_name_and_secret, naming.by_number_and_secret, naming.by_secret, naming.by_name)
    for rule in rules:  # over all profiles, the surest rule first: a weaker one must not take what is another's
        for index in order:
            if index not in matches and (match := rule(found[index])):
                matches[index] = naming.free.pop(match.name)
    steps: dict[int, Step] = {}
    for index in order:
        match = matches.get(index)
        name, renamed = (match.name, None) if match else naming.new(found[index].name)
        secret = _secret_step(found[index], match, move_sessions=move_sessions)
        steps[index] = Step(found[index], name, match is None, secret, renamed)
    return [steps[index] for index in range(len(found))]


def same_secret(one: StoredSecret | None, other: StoredSecret | None) -> bool:
    """Whether both are one credential for one origin."""
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
    """Our profiles, each of which one found profile can be, and the names that are taken."""

    def __init__(self, known: Sequence[Known]) -> None:
        self.free = {profile.name: profile for profile in known}
        self._names = {profile.name for profile in known}
        self._stems = {variable_stem(profile.name): profile.name for profile in known}
        self._left: dict[str, Iterator[str]] = {}
        """By the name without a number, the candidates that were not looked at yet: what is taken stays so."""

    def by_name_and_secret(self, found: Found) -> Known | None:
        """Return the free profile that has the name and the very secret."""
        profile = self.free.get(next(_candidates(found.name)))
        return profile if profile and _fits(found, profile) and same_secret(found.secret, profile.secret) else None

    def by_number_and_secret(self, found: Found) -> Known | None:
        """Return the free profile that has the name with a number, and the very secret."""
        return next((p for p in self._numbered(found) if same_secret(found.secret, p.secret)), None)

    def by_secret(self, found: Found) -> Known | None:
        """Return the free profile that has the very secret, whatever it is called now."""
        same = [p for p in self.free.values() if _fits(found, p) and same_secret(found.secret, p.secret)]
        return min(same, key=lambda profile: profile.name, default=None)

    def by_name(self, found: Found) -> Known | None:
        """Return the free profile that has the name, or the name with a number that an earlier import gave it."""
        return next(self._numbered(found), None)

    def _numbered(self, found: Found) -> Iterator[Known]:
        for candidate in _candidates(found.name):
            if candidate not in self._names and variable_stem(candidate) not in self._stems:
                return
            profile = self.free.get(candidate)
            if profile is not None and _fits(found, profile):
                yield profile

    def new(self, name: str) -> tuple[str, str | None]:
        """Return a name that no profile has, nor one whose variables would have the same names, and why it is not `name`."""
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


def _fits(found: Found, profile: Known) -> bool:
    same_source = profile.command == found.command if found.command else profile.from_store
    return same_source and profile.origin == found.origin and profile.auth == found.auth


def _candidates(name: str) -> Iterator[str]:
    base = name if is_valid(name) else nearest_valid(name)
    yield base
    for number in count(2):
        suffix = f"-{number}"
        yield base[: MAX_LENGTH - len(suffix)].rstrip("-._") + suffix
