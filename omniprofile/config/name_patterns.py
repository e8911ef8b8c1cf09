"""Find the profiles that a user names: by full name, by a glob over names (`acme-*`), or by `@TAG`."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from itertools import islice

from omniprofile.errors import NoSuchProfile
from omniprofile.model.declaration import Config
from omniprofile.model.effective import effective, every_effective
from omniprofile.model.names import KEY_IN_VIEW, RULE, holds_key, is_valid, nearest_valid, printable, quoted_list
from omniprofile.model.near_names import closest
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.model.shell_words import quoted_word

_NO_PROFILES = "no profile is defined yet: run `omniprofile init`"


def require_profile(config: Config, name: str, provenance: Provenance) -> None:
    """Raise NoSuchProfile unless a file defines `name`. The message says which layer named it and what was probably meant."""
    if name in config.profiles:
        return
    role = f"key `default` ({provenance.place})" if provenance.layer == "defaults" else str(provenance)
    role = f"the {role.removeprefix('the ')}"
    source = f": {role} names it"
    if provenance.layer == "flag":  # or a library call, which has no name
        source = " (named on the command line)" if provenance.name else ""
    if holds_key(name):
        raise NoSuchProfile(f"what {role} gives as a profile's name looks like an API key", hint=KEY_IN_VIEW)
    if not name:
        raise NoSuchProfile("the profile's name is empty", hint="`omniprofile list` shows the names")
    near = closest(name, config.profiles) or _at_address(config, name)
    if not is_name(name) and provenance.layer == "flag" and _matches(_tags(config), name):
        raise NoSuchProfile(
            f"`{printable(name)}` stands for several profiles, and one is needed here",
            hint=f"`omniprofile list {quoted_word(name)}` shows them, and `omniprofile each {quoted_word(name)} -- COMMAND` runs "
            "a command for each",
        )
    if not is_valid(name):
        meant = near if near and "://" in name else dict.fromkeys([*near, nearest_valid(name)])
        raise NoSuchProfile(
            f"`{printable(name)}` is not a valid profile name{source}",
            hint=f"did you mean {quoted_list(meant)}? A name has {RULE}",
        )
    if near:
        hint = f"did you mean {quoted_list(near)}? `omniprofile list` shows all"
    elif config.profiles:
        more = "; `omniprofile list` shows all" if len(config.profiles) > 5 else ""
        hint = f"available profiles: {', '.join(f'`{each}`' for each in sorted(config.profiles)[:5])}{more}"
    else:
        hint = _NO_PROFILES
    raise NoSuchProfile(f"profile `{name}` not found{source}", hint=hint)


def _at_address(config: Config, text: str) -> list[str]:
    """Return at most three profiles whose base URL is `text`, for a user who gives the address in place of the name."""
    try:
        origin = Origin.parse(text)
    except NotAnOrigin:
        return []
    found = (
        name
        for name, profile in every_effective(config).items()
        if profile.base_url and profile.base_url.value == origin
    )
    return list(islice(found, 3))


def matching(config: Config, patterns: Iterable[str]) -> dict[str, bool]:
    """Return each profile that a pattern matches, in the order of the patterns and files; the value is true for a full name.

    Raises NoSuchProfile for a pattern that matches nothing, suggesting the nearest names and tags.
    """
    found: dict[str, bool] = {}
    tags = _tags(config)
    known = {tag for own in tags.values() for tag in own}
    for pattern in patterns:
        if in_full := is_name(pattern):
            if pattern not in config.profiles and pattern in known:
                raise NoSuchProfile(f"profile `{pattern}` not found", hint=f"did you mean the tag `@{pattern}`?")
            require_profile(config, pattern, Provenance(Layer.FLAG, "NAME"))
            names = [pattern]
        else:
            names = _matches(tags, pattern)
        if not names:
            raise _no_match(config, pattern, known)
        for name in names:
            found[name] = found.get(name, False) or in_full
    return found


def without_mixins(config: Config, matched: Mapping[str, bool]) -> dict[str, bool]:
    """Return the `matched` profiles without those that were not named in full, have no address, and exist to be extended.

    If no others matched, return all: their error says what is missing.
    """
    parents = {profile.extends for profile in config.profiles.values()}
    usable = {
        name: in_full
        for name, in_full in matched.items()
        if in_full or name not in parents or effective(config, name).base_url
    }
    return usable or dict(matched)


def _tags(config: Config) -> dict[str, tuple[str, ...]]:
    """Return each profile's tags, inherited ones included."""
    return {name: profile.tags.value for name, profile in every_effective(config).items()}


def _matches(tags: Mapping[str, Iterable[str]], pattern: str) -> list[str]:
    """Return the profiles that a glob or `@TAG` matches, among those with the given `tags`."""
    if pattern.startswith("@"):
        return [name for name, own in tags.items() if any(fnmatchcase(tag, pattern[1:]) for tag in own)]
    return [name for name in tags if fnmatchcase(name, pattern)]


def is_name(pattern: str) -> bool:
    """Return whether a pattern is a full name, not a glob or tag."""
    return not pattern.startswith("@") and not any(character in pattern for character in "*?[")


def _no_match(config: Config, pattern: str, tags: set[str]) -> NoSuchProfile:
    message = f"no profile's name matches `{printable(pattern)}`"
    if pattern.startswith("@"):
        message = f"no profile has a tag `{printable(pattern[1:])}`" if pattern[1:] else "the tag after `@` is empty"
    if not config.profiles:
        return NoSuchProfile(message, hint=_NO_PROFILES)
    words = [*config.profiles, *(f"@{tag}" for tag in tags)]
    near = closest("".join(character for character in pattern if character not in "*?[]!"), words)
    if pattern.startswith("@"):
        if not tags:
            return NoSuchProfile(message, hint="give a profile some: `omniprofile set NAME tags '[\"acme\"]'`")
        near = near or [f"@{tag}" for tag in sorted(tags)[:5]]
    hint = f"did you mean {quoted_list(near)}? " if near else ""
    return NoSuchProfile(message, hint=f"{hint}`omniprofile list` shows all names and tags")
