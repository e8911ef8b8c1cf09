"""Lint rules about addresses, references and names across all valid files. Each rule is one function."""

import os.path
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from omniprofile.config.loader import Files, written_names
from omniprofile.config.toml.positions import KeyPath
from omniprofile.model.declaration import Declaration, KeySource
from omniprofile.model.effective import Effective, every_effective, own_address
from omniprofile.model.exported import MARKER, OWN, RESERVED
from omniprofile.model.finding import Code
from omniprofile.model.names import closest, quoted_list, token_variable, variable_stem
from omniprofile.model.origin import NotAnOrigin, Origin, allowing, parse_host
from omniprofile.model.provenance import Layer

UNREAD = frozenset({Code.UNREADABLE, Code.SYNTAX})
"""With one of these findings a file is missing from the tables, so rules about what other files may define do not run."""
UNDONE = UNREAD | frozenset(
    {
        Code.UNKNOWN_KEY, Code.WRONG_VALUE, Code.BAD_NAME, Code.CONTRADICTION, Code.MISSING_KEY, Code.SECRET, Code.DANGLING,
    }
)  # fmt: skip
"""With one of these findings the tables are incomplete, so rules about missing values do not run."""


class Declared:
    """The tables of all valid files. `profiles` omits profiles with a broken chain of parents."""

    def __init__(self, files: Files, environ: Mapping[str, str]) -> None:
        self.files = files
        self.config = files.config
        self.environ = environ
        self.hosts = frozenset(files.config.settings.allowed_hosts)
        self.profiles = every_effective(files.config)

    def warn(self, code: Code, path: tuple[str | int, ...], file: str, message: str, suggestion: str) -> None:
        """Report a warning at the key at `path`."""
        self.files.report(code, path, file, message, suggestion, at_key=True)

    def tables(self) -> Iterator[Declaration]:
        """Yield every table that can have a base URL."""
        yield from self.config.instances.values()
        yield from self.users()

    def users(self) -> Iterator[Declaration]:
        """Yield every table that can have an instance, a key or variables."""
        yield from self.config.profiles.values()
        yield from self.config.defaults


def _path(table: Declaration) -> tuple[str, ...]:
    match table.layer:
        case Layer.PROFILE:
            return ("profiles", table.name)
        case Layer.INSTANCE:
            return ("instances", table.name)
        case Layer.DEFAULTS:
            return ("defaults",)


Check = Callable[[Declared], None]
TABLE_RULES: list[tuple[Check, tuple[Code, ...], frozenset[Code]]] = []
"""Each rule with the codes it reports and the findings that disable it, because with them it could only guess."""


def _rule(*codes: Code, silent_while: frozenset[Code] = frozenset()) -> Callable[[Check], Check]:
    """Add a function to `TABLE_RULES`. `checks.rule_texts` describes what each rule finds."""

    def added(check: Check) -> Check:
        TABLE_RULES.append((check, codes, silent_while))
        return check

    return added


@_rule(Code.HOST_NOT_ALLOWED, Code.PLAIN_HTTP, silent_while=UNREAD)
def _host_not_allowed(declared: Declared) -> None:
    insecure = _allowing_insecure(declared)
    for table in declared.tables():
        origin = table.base_url
        if origin is None:
            continue
        path = (*_path(table), "base_url")
        match origin.refusal(declared.hosts, allow_insecure=insecure(table)):
            case "host-not-allowed":
                message = f"`{origin.host}` is neither one of Omni's hosts nor in `allowed_hosts`"
                hint = allowing(origin.host)
                declared.files.report(Code.HOST_NOT_ALLOWED, path, table.file, message, hint)
            case "insecure-url":
                hint = "set `allow_insecure = true` beside it" if origin.is_loopback else "use https"
                replacement = f'"{Origin("https", origin.host, 443)}"' if origin.is_omni and origin.port == 80 else None
                declared.files.report(
                    Code.PLAIN_HTTP, path, table.file, "plain http sends the credential in the clear", hint,
                    replacement=replacement,
                )  # fmt: skip


def _allowing_insecure(declared: Declared) -> Callable[[Declaration], bool]:
    """Return a predicate: whether every profile that takes its base URL from a table allows plain http."""
    users: dict[int, bool] = {}
    for profile in declared.profiles.values():
        if profile.base_url is not None:
            key = id(profile.base_url.table)
            users[key] = users.get(key, True) and profile.allow_insecure
    by_default = any(table.allow_insecure for table in declared.config.defaults)

    def allowed(table: Declaration) -> bool:
        return users.get(id(table), by_default if table.allow_insecure is None else table.allow_insecure)

    return allowed


@_rule(Code.INSECURE_ALLOWED)
def _insecure_is_allowed(declared: Declared) -> None:
    for table in declared.tables():
        if table.allow_insecure:
            declared.files.report(
                Code.INSECURE_ALLOWED, (*_path(table), "allow_insecure"), table.file,
                "plain http to a loopback address is allowed here", "for tests on this machine only",
            )  # fmt: skip


@_rule(Code.DEFAULT_MISSING, silent_while=UNREAD)
def _default_is_missing(declared: Declared) -> None:
    default, profiles = declared.config.default, declared.config.profiles
    if default is not None and ("extends", default.value) not in (written_names(declared.files) or ()):
        near = closest(default.value, profiles)
        hint = f"did you mean {quoted_list(near)}?" if near else "name an existing profile, or remove it"
        message = f"`default` names the profile `{default.value}`, which no file defines"
        declared.files.report(Code.DEFAULT_MISSING, ("default",), str(default.provenance.file), message, hint)


@_rule(Code.NO_BASE_URL, silent_while=UNDONE)
def _no_base_url(declared: Declared) -> None:
    """Report profiles without a base URL. A profile that others extend may leave it to them."""
    parents = {profile.extends for profile in declared.config.profiles.values()}
    for name, effective in declared.profiles.items():
        if name not in parents and effective.base_url is None:
            table = declared.config.profiles[name]
            message = f"profile `{name}` has no base URL"
            hint = 'give it `base_url = "https://…"`, or `instance = "NAME"`'
            declared.files.report(Code.NO_BASE_URL, _path(table), table.file, message, hint, at_key=True)


def _inherited(mine: Effective) -> Iterator[tuple[KeyPath, str, Declaration, KeySource]]:
    """Yield a profile's key and secrets that do not come from the secret store: path in the table, description, table, source."""
    if mine.key.table and not mine.uses_store:
        yield ("key",), "key", mine.key.table, mine.key.value
    for name, given in mine.env.items():
        source = given.value.secret
        if given.table and source and source.kind != "keyring":
            yield ("env", name), f"secret `{name}`", given.table, source


@_rule(Code.KEY_FOR_ANOTHER_HOST, silent_while=UNDONE)
def _key_for_another_host(declared: Declared) -> None:
    """Report a key or secret that a profile inherits from a table with a different address: the profile is refused."""
    for name, mine in declared.profiles.items():
        for _, what, holder, _ in _inherited(mine):
            bound, own = own_address(declared.config, holder), mine.base_url
            if bound and own and own.value != bound:
                table = declared.config.profiles[name]
                where = ".".join(_path(holder))
                message = f"profile `{name}` ({own.value}) inherits the {what} of `[{where}]`, which is for {bound}"
                hint = f"give it a {what} of its own"
                declared.warn(Code.KEY_FOR_ANOTHER_HOST, _path(table), table.file, message, hint)


@_rule(Code.KEY_FOR_SEVERAL_HOSTS, silent_while=UNDONE)
def _key_for_several_hosts(declared: Declared) -> None:
    """Report a key or secret in a table without an address that profiles of several addresses inherit."""
    origins: dict[tuple[str, KeyPath], tuple[str, set[Origin]]] = {}
    for mine in declared.profiles.values():
        for path, what, holder, _ in _inherited(mine):
            if mine.base_url and own_address(declared.config, holder) is None:
                key = (holder.file, (*_path(holder), *path))
                origins.setdefault(key, (what.split()[0], set()))[1].add(mine.base_url.value)
    for (file, path), (what, served) in origins.items():
        if len(served) > 1:
            message = f"this {what} is sent to {quoted_list(sorted(map(str, served)), 'and')}, wherever it is inherited"
            hint = f"give each profile a {what} of its own, or put it beside the address that it is for"
            declared.warn(Code.KEY_FOR_SEVERAL_HOSTS, path, file, message, hint)


def _sources(table: Declaration) -> Iterator[tuple[KeyPath, KeySource]]:
    """Yield the source of each key or secret of a table, with its path in the table."""
    if table.key:
        yield ("key",), table.key
    for name, value in table.env.items():
        if value.secret:
            yield ("env", name), value.secret


@_rule(Code.EXPORTED_KEY)
def _exported_key(declared: Declared) -> None:
    """Report a key or secret that comes from a variable that omniprofile exports, for any profile."""
    exported = {name.upper() for table in declared.users() for name in table.env} | RESERVED | {MARKER}
    for table in declared.users():
        for path, source in _sources(table):
            variable = source.variable or ""
            if variable.upper() in exported and path != (
                "env",
                variable,
            ):  # a profile may pass its own variable through
                message = f"omniprofile exports `{variable}` itself, and what it exported for one profile is not a key of another"
                hint = "keep the key in a variable that only you set"
                declared.warn(Code.EXPORTED_KEY, (*_path(table), *path, "env"), table.file, message, hint)


@_rule(Code.NO_ORGANIZATION, silent_while=UNDONE)
def _no_organization(declared: Declared) -> None:
    for name, mine in declared.profiles.items():
        for variable, given in mine.env.items():
            own = mine.base_url.value if mine.base_url else None
            if own and given.value.part == "organization" and own.organization_name is None:
                table = declared.config.profiles[name]
                path = (*_path(table), "env", variable) if given.table is table else _path(table)
                message = f"`{variable}` of `{name}` is an alias of the organization, which {own} does not name"
                hint = 'use `from = "host"`, or remove it: only `https://NAME.omniapp.co` names one'
                declared.files.report(Code.NO_ORGANIZATION, path, table.file, message, hint)


@_rule(Code.VARIABLE_COLLISION)
def _variable_collision(declared: Declared) -> None:
    """Report profiles whose `OMNI_PROFILE_<NAME>_…` variables have the same name."""
    groups: dict[str, list[Declaration]] = defaultdict(list)
    for profile in declared.config.profiles.values():
        groups[variable_stem(profile.name)].append(profile)
    for first, *others in groups.values():
        for profile in others:
            message = (
                f"profiles `{first.name}` and `{profile.name}` share the variable `{token_variable(profile.name)}`"
            )
            hint = "rename one: the variable is refused while it could be meant for either"
            declared.files.report(Code.VARIABLE_COLLISION, _path(profile), profile.file, message, hint, at_key=True)


@_rule(Code.UNUSED_INSTANCE, silent_while=UNDONE)
def _unused_instance(declared: Declared) -> None:
    used = {table.instance for table in declared.users()}
    for name, instance in declared.config.instances.items():
        if name not in used:
            message = f"no profile uses the instance `{name}`"
            declared.warn(Code.UNUSED_INSTANCE, _path(instance), instance.file, message, "use it, or remove it")


@_rule(Code.KEY_WITHOUT_USE)
def _key_without_use(declared: Declared) -> None:
    for name, effective in declared.profiles.items():
        table = declared.config.profiles[name]
        if table.key and effective.auth.value == "oauth":
            message = f"profile `{name}` uses OAuth, which has no key"
            hint = 'remove `key`, or set `auth = "api-key"`'
            declared.warn(Code.KEY_WITHOUT_USE, (*_path(table), "key"), table.file, message, hint)


@_rule(Code.SAME_ADDRESS)
def _same_address(declared: Declared) -> None:
    first: dict[Origin, Declaration] = {}
    for instance in declared.config.instances.values():
        other = first.setdefault(instance.base_url, instance) if instance.base_url else instance
        if other is not instance:
            message = f"instance `{instance.name}` has the address of instance `{other.name}`"
            hint = f"let its profiles use `{other.name}`, and remove it"
            declared.files.report(Code.SAME_ADDRESS, (*_path(instance), "base_url"), instance.file, message, hint)


@_rule(Code.REDUNDANT_HOST)
def _redundant_host(declared: Declared) -> None:
    """Report entries of `allowed_hosts` that are already allowed: Omni's own hosts, and duplicates."""
    seen: set[str] = set()
    for file, document in declared.files.documents.items():
        settings = (document.data or {}).get("settings")
        hosts = settings.get("allowed_hosts") if isinstance(settings, dict) else None
        for index, text in enumerate(hosts if isinstance(hosts, list) else ()):
            try:
                host = parse_host(text) if isinstance(text, str) else None
            except NotAnOrigin:
                continue  # the schema reports it
            if host is None:
                continue
            omni = Origin("https", host, 443).is_omni
            if omni or host in seen:
                message = f"`{host}` is one of Omni's own hosts" if omni else f"`{host}` is allowed already"
                declared.warn(Code.REDUNDANT_HOST, ("settings", "allowed_hosts", index), file, message, "remove it")
            seen.add(host)


_SHELL_SYNTAX = re.compile(r"\$(?:[A-Za-z_]|\{[A-Za-z_]|\()|^~(?:/|$)|^(?:\||\|\||&&|&|;|<|>|>>|2>)$|^`.*`$")
_READS_ITSELF = frozenset((
    "sh", "bash", "dash", "zsh", "ksh", "fish", "nu", "pwsh", "powershell", "cmd", "env", "ssh", "docker", "podman", "kubectl",
    "perl", "awk", "gawk", "jq", "python", "python3", "ruby", "node", "osascript", "nix-shell", "direnv", "xargs", "parallel",
))  # fmt: skip
"""Programs that expand such syntax in their arguments themselves, or pass it to a program that does."""


@_rule(Code.NOT_EXPANDED)
def _not_expanded(declared: Declared) -> None:
    """Report `$HOME`, `~` and `|` where no shell expands them: in a command's arguments, a file name, a variable's value."""
    for table in declared.users():
        sources = list(_sources(table))
        commands = [((*path, "command"), source.argv) for path, source in sources if source.kind == "command"]
        if table.browser:
            commands.append((("browser",), table.browser))
        for path, argv in commands:
            program = os.path.basename(argv[0]).removesuffix(".exe")
            for index, part in enumerate(argv):
                if _SHELL_SYNTAX.search(part) and (index == 0 or program not in _READS_ITSELF):
                    message = "no shell reads a command: this part is passed literally"
                    hint = 'write the value itself, or let a shell read it: ["sh", "-c", "…"]'
                    declared.warn(Code.NOT_EXPANDED, (*_path(table), *path, index), table.file, message, hint)
        for path, source in sources:
            if source.kind == "file" and "$" in str(source.path):
                message = "a variable in a file name is not expanded"
                hint = "`~` is your home; a relative path starts at the profile file's folder"
                declared.warn(Code.NOT_EXPANDED, (*_path(table), *path, "file"), table.file, message, hint)
        for name, value in table.env.items():
            if _SHELL_SYNTAX.search(value.text or value.append):
                message = f"the value of `{name}` is exported literally: nothing in it is expanded"
                hint = 'write the value itself, or an alias such as `{ from = "token" }`'
                declared.warn(Code.NOT_EXPANDED, (*_path(table), "env", name), table.file, message, hint)


@_rule(Code.EMPTY_VARIABLE)
def _empty_variable(declared: Declared) -> None:
    """Report a variable that is exported empty, or that a key comes from and that is empty now: empty counts as unset."""
    for table in declared.users():
        for name, value in table.env.items():
            if value.text == "" and name not in OWN:
                message = f"`{name}` is exported empty, which many programs treat as unset and some do not"
                hint = "give it a value, or remove it"
                declared.warn(Code.EMPTY_VARIABLE, (*_path(table), "env", name), table.file, message, hint)
        for path, source in _sources(table):
            if source.variable and declared.environ.get(source.variable) == "":
                message = f"the variable `{source.variable}` is set to nothing here, and so counts as unset"
                hint = f"set `{source.variable}` to the {'key' if path == ('key',) else 'secret'}, or unset it"
                declared.warn(Code.EMPTY_VARIABLE, (*_path(table), *path, "env"), table.file, message, hint)


@_rule(Code.IMPOSSIBLE_IDENTITY)
def _impossible_identity(declared: Declared) -> None:
    """Report an OAuth profile that expects the key scope `organization`: an OAuth login always belongs to a person."""
    for name, effective in declared.profiles.items():
        table = declared.config.profiles[name]
        wanted = effective.expect.value.key_scope
        if (table.expect or table.auth) and effective.auth.value == "oauth" and wanted == "organization":
            path = (*_path(table), "expect", "key_scope") if table.expect else _path(table)
            message = f"profile `{name}` logs in a person, who is never of the scope `organization`"
            hint = 'expect `key_scope = "user"`, or set `auth = "api-key"`'
            declared.warn(Code.IMPOSSIBLE_IDENTITY, path, table.file, message, hint)


@_rule(Code.ALLOW_WITHOUT_USE)
def _allow_without_use(declared: Declared) -> None:
    for name, effective in declared.profiles.items():
        table = declared.config.profiles[name]
        access = effective.access.value
        if table.allow and access != "read-only":
            message = f"profile `{name}` lets every request through: its `access` is `{access}`"
            hint = 'set `access = "read-only"`, or remove `allow`'
            declared.warn(Code.ALLOW_WITHOUT_USE, (*_path(table), "allow"), table.file, message, hint)


@_rule(Code.SECRET_BESIDE_GATEWAY)
def _secret_beside_gateway(declared: Declared) -> None:
    """Report a secret in `env` of a profile that keeps its token from programs: they would still get that secret."""
    for name, effective in declared.profiles.items():
        access = effective.access.value
        for variable, given in effective.env.items() if access != "full" else ():
            if given.value.secret is not None:
                table = declared.config.profiles[name]
                path = (*_path(table), "env", variable) if variable in table.env else _path(table)
                message = f"programs that `{name}` gives a gateway would have the secret of `{variable}`"
                hint = "remove it, or move it to a profile of its own"
                declared.files.report(Code.SECRET_BESIDE_GATEWAY, path, table.file, message, hint, at_key=True)
