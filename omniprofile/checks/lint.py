"""What is wrong with the profile files, offline: what the schema and the loader find, and the rules below.

One function for one rule, all in `RULES_OVER_FILES`; every code is explained in `checks.rules`.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from omniprofile.config.loader import Files, read
from omniprofile.model.declaration import Config, Declaration, KeySource
from omniprofile.model.finding import Code, Finding, Level
from omniprofile.model.names import closest, quoted_list, token_variable, variable_stem
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer

_KEY_TEXT = re.compile(r"omni_(?:osk|pat)_[A-Za-z0-9_-]{6,}")
_HIDDEN_IN_MESSAGES = "a text that looks like one of Omni's API keys"


def lint(paths: Sequence[str], *, home: str, contents: Mapping[str, bytes] | None = None) -> list[Finding]:
    """Check the files together, in the order given; findings sorted by place. `home` stands for `~`.

    A file that cannot be read is a finding like any other. A file of `contents` is taken as it stands there.
    """
    files = read(paths, home=home, contents=contents)
    broken = any(finding.code in _UNDONE for finding in files.findings)
    for rule in RULES_OVER_FILES:
        if not (broken and rule in _NEEDS_ALL_FILES):
            rule(files)
    return sorted(set(files.findings), key=lambda finding: (list(paths).index(finding.file), finding))


def _secrets_in_plain_text(files: Files) -> None:
    """Anything that looks like a key, wherever it stands: in a value, in a comment, in a file that is no TOML."""
    known = {(finding.file, finding.line) for finding in files.findings if finding.code == Code.SECRET}
    for file, document in files.documents.items():
        for number, line in enumerate(document.text.split("\n"), 1):
            for match in _KEY_TEXT.finditer(line):
                if (file, number) not in known:
                    files.findings.append(
                        Finding(
                            file,
                            number,
                            match.start() + 1,
                            Code.SECRET,
                            Level.ERROR,
                            f"{_HIDDEN_IN_MESSAGES} stands here in plain text",
                            "remove it, store it with `omniprofile login NAME`, and revoke it if this file was ever shared: "
                            "it may be in its history",
                        )
                    )


def _hosts(files: Files) -> None:
    """Hosts that no credential may be sent to, and plain http."""
    config = files.config
    for table in (*config.instances.values(), *config.profiles.values(), *config.defaults):
        origin = table.values.get("base_url")
        if not isinstance(origin, Origin):
            continue
        insecure = _allows_insecure(config, table)
        path = (*_path(table), "base_url")
        match origin.refusal(config.settings.allowed_hosts, allow_insecure=insecure):
            case "host-not-allowed":
                message = f"`{origin.host}` is neither one of Omni's hosts nor in `allowed_hosts`"
                hint = f'if it may have your credentials, add "{origin.host}" to `allowed_hosts` in `[settings]`'
                files.report(Code.HOST_NOT_ALLOWED, path, table.file, message, hint)
            case "insecure-url":
                hint = "set `allow_insecure = true` beside it" if origin.is_loopback else "use https"
                files.report(Code.PLAIN_HTTP, path, table.file, "plain http sends the credential in the clear", hint)


def _insecure_is_allowed(files: Files) -> None:
    """`allow_insecure = true`, which is for tests on one's own machine."""
    config = files.config
    for table in (*config.instances.values(), *config.profiles.values(), *config.defaults):
        if table.values.get("allow_insecure") is True:
            path = (*_path(table), "allow_insecure")
            message = "plain http to a loopback address is allowed here"
            files.report(
                Code.INSECURE_ALLOWED, path, table.file, message, "for tests on this machine only", level=Level.WARNING
            )


def _default_is_missing(files: Files) -> None:
    """`default` names no profile."""
    default = files.config.default
    if default is not None and default.value not in files.config.profiles:
        near = closest(default.value, files.config.profiles)
        hint = f"did you mean {quoted_list(near)}?" if near else "name a profile that is there, or remove it"
        message = f"`default` names the profile `{default.value}`, which no file defines"
        files.report(Code.DEFAULT_MISSING, ("default",), str(default.provenance.file), message, hint)


def _no_base_url(files: Files) -> None:
    """A profile that nothing gives an address to. One that others extend may leave it to them."""
    config = files.config
    parents = {profile.values.get("extends") for profile in config.profiles.values()}
    for profile in _sound(config):
        if profile.name not in parents and _origin(config, profile) is None:
            message = f"profile `{profile.name}` has no base URL"
            hint = 'give it `base_url = "https://…"`, or `instance = "NAME"`'
            files.report(Code.NO_BASE_URL, _path(profile), profile.file, message, hint, at_key=True)


def _key_for_another_host(files: Files) -> None:
    """A key that is inherited by a profile of another address: an API key belongs to one instance."""
    config = files.config
    for profile in _sound(config):
        lineage = config.lineage(profile.name)
        holder = next((table for table in lineage if "key" in table.values), None)
        if holder is None or holder is profile:
            continue
        key = holder.values["key"]
        if not isinstance(key, KeySource) or key.kind == "keyring" or _auth(config, profile) == "oauth":
            continue
        mine, theirs = _origin(config, profile), _origin(config, holder)
        if mine and theirs and mine != theirs:
            message = (
                f"profile `{profile.name}` ({mine}) takes the key of its parent `{holder.name}`, which is for {theirs}"
            )
            hint = "give it a `key` of its own"
            files.report(
                Code.KEY_FOR_ANOTHER_HOST, _path(profile), profile.file, message, hint, level=Level.WARNING, at_key=True
            )


def _variable_collision(files: Files) -> None:
    """Profiles whose own variables have the same name."""
    groups: dict[str, list[Declaration]] = defaultdict(list)
    for profile in files.config.profiles.values():
        groups[variable_stem(profile.name)].append(profile)
    for group in groups.values():
        for profile in group[1:]:
            others = quoted_list(other.name for other in group if other is not profile)
            message = f"profile `{profile.name}` and {others} share the variable `{token_variable(profile.name)}`"
            hint = "rename one: the variable is refused while it could be meant for either"
            files.report(Code.VARIABLE_COLLISION, _path(profile), profile.file, message, hint, at_key=True)


def _unused_instance(files: Files) -> None:
    """An instance that no profile names."""
    config = files.config
    used = {table.values.get("instance") for table in (*config.profiles.values(), *config.defaults)}
    for name, instance in config.instances.items():
        if name not in used:
            message = f"no profile uses the instance `{name}`"
            files.report(
                Code.UNUSED_INSTANCE, _path(instance), instance.file, message, "use it, or remove it",
                level=Level.WARNING, at_key=True,
            )  # fmt: skip


def _key_without_use(files: Files) -> None:
    """A key source on an OAuth profile, which has no key."""
    for profile in _sound(files.config):
        if "key" in profile.values and _auth(files.config, profile) == "oauth":
            message = f"profile `{profile.name}` uses OAuth, which has no key"
            hint = 'remove `key`, or set `auth = "api-key"`'
            files.report(
                Code.KEY_WITHOUT_USE,
                (*_path(profile), "key"),
                profile.file,
                message,
                hint,
                level=Level.WARNING,
                at_key=True,
            )


RULES_OVER_FILES: tuple[Callable[[Files], None], ...] = (
    _secrets_in_plain_text,
    _hosts,
    _insecure_is_allowed,
    _default_is_missing,
    _no_base_url,
    _key_for_another_host,
    _variable_collision,
    _unused_instance,
    _key_without_use,
)
_NEEDS_ALL_FILES = (_default_is_missing, _no_base_url, _key_for_another_host, _unused_instance)
"""Rules about what is not there: they say nothing while other findings leave tables out or references open."""

_UNDONE = frozenset(Code) - {Code.WRITABLE, Code.DUPLICATE, Code.CYCLE}


def _path(table: Declaration) -> tuple[str, ...]:
    match table.layer:
        case Layer.PROFILE:
            return ("profiles", table.name)
        case Layer.INSTANCE:
            return ("instances", table.name)
        case Layer.DEFAULTS:
            return ("defaults",)


def _sound(config: Config) -> Iterator[Declaration]:
    """The profiles whose chain of parents is whole."""
    for name, profile in config.profiles.items():
        seen = {name}
        table: Declaration | None = profile
        while table is not None and isinstance(parent := table.values.get("extends"), str):
            table = config.profiles.get(parent) if parent not in seen else None
            seen.add(parent)
            if table is None:
                break
        else:
            yield profile


def _origin(config: Config, profile: Declaration) -> Origin | None:
    """The base URL that the files declare for a profile, as the resolver reads it."""
    for table in (*config.lineage(profile.name), *config.defaults):
        if isinstance(own := table.values.get("base_url"), Origin):
            return own
        if isinstance(name := table.values.get("instance"), str):
            instance = config.instances.get(name)
            origin = instance.values["base_url"] if instance else None
            return origin if isinstance(origin, Origin) else None
    return None


def _auth(config: Config, profile: Declaration) -> object:
    tables = (*config.lineage(profile.name), *config.defaults)
    return next((table.values["auth"] for table in tables if "auth" in table.values), "api-key")


def _allows_insecure(config: Config, table: Declaration) -> bool:
    """Whether plain http is allowed where `table` gives the base URL: by itself, or by every profile that uses it."""
    if "allow_insecure" in table.values:
        return table.values["allow_insecure"] is True
    if any(defaults.values.get("allow_insecure") is True for defaults in config.defaults):
        return True
    users = [profile for profile in config.profiles.values() if profile.values.get("instance") == table.name]
    return bool(table.layer is Layer.INSTANCE and users) and all(
        user.values.get("allow_insecure") is True for user in users
    )
