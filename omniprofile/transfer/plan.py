"""Which of our profiles each found profile becomes. No I/O: the same input always gives the same result.

Profiles imported before are recognized, so that a second import changes nothing: first by secret, even if renamed, else by
name, origin and auth method. A name that is taken gets a number: `prod-2`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, count

from omniprofile.model.names import MAX_LENGTH, is_valid, nearest_valid, printable, variable_stem
from omniprofile.model.origin import Origin
from omniprofile.model.stored import StoredSecret
from omniprofile.transfer.found import Found


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

    The file's `default` gets its name first, then the profiles whose names are valid, then those that need another name.
    """
    naming = _Naming(known)
    order = sorted(range(len(found)), key=lambda index: (found[index].name != default, not is_valid(found[index].name)))
    matches: dict[int, Known] = {}
    rules = (naming.by_name_and_secret, naming.by_number_and_secret, naming.by_secret, naming.by_name)
    for rule in rules:  # surest rule first for all: a weaker one must not take another's match
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
        self.free = {profile.name: profile for profile in known}
        self._names = {profile.name for profile in known}
        self._stems = {variable_stem(profile.name): profile.name for profile in known}
        self._left: dict[str, Iterator[str]] = {}
        """Candidates not yet tried, by name without a number. A name once taken stays taken."""

    def by_name_and_secret(self, found: Found) -> Known | None:
        """Return the unmatched profile that has the same name and secret."""
        profile = self.free.get(next(_candidates(found.name)))
        return profile if profile and _fits(found, profile) and same_secret(found.secret, profile.secret) else None

    def by_number_and_secret(self, found: Found) -> Known | None:
        """Return the unmatched profile that has the name, possibly with a number, and the same secret."""
        return next((p for p in self._numbered(found) if same_secret(found.secret, p.secret)), None)

    def by_secret(self, found: Found) -> Known | None:
        """Return the unmatched profile that has the same secret, whatever its name."""
        same = [p for p in self.free.values() if _fits(found, p) and same_secret(found.secret, p.secret)]
        return min(same, key=lambda profile: profile.name, default=None)

    def by_name(self, found: Found) -> Known | None:
        """Return the unmatched profile that has the name, or the name with a number that an earlier import added."""
        return next(self._numbered(found), None)

    def _numbered(self, found: Found) -> Iterator[Known]:
        for candidate in _candidates(found.name):
            if candidate not in self._names and variable_stem(candidate) not in self._stems:
                return
            profile = self.free.get(candidate)
            if profile is not None and _fits(found, profile):
                yield profile

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


def _fits(found: Found, profile: Known) -> bool:
    same_source = profile.command == found.command if found.command else profile.from_store
    return same_source and profile.origin == found.origin and profile.auth == found.auth


def _candidates(name: str) -> Iterator[str]:
    base = name if is_valid(name) else nearest_valid(name)
    yield base
    for number in count(2):
        suffix = f"-{number}"
        yield base[: MAX_LENGTH - len(suffix)].rstrip("-._") + suffix
